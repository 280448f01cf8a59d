"""Takes in what a customer says: the window, the burst, the limit a minute, and the words that stop all messages."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final

from handlers.replies.ledger import Ledger
from handlers.replies.permits import PERSON
from handlers.replies.reception import Notice, Reception
from handlers.replies.router import START
from schemas.replies.messages import SendReplies
from schemas.replies.records import Handoff, Reply, ReplyKind, Role, Thread, User, WebhookState
from schemas.replies.tiktok import Inbound
from schemas.replies.window import WINDOW
from schemas.replies.words import words_of

STOPPED: Final = "You will get no more messages from us. Write START if you want them again."
_STOP: Final = frozenset({"stop", "stop all", "unsubscribe", "opt out", "acha"})
#: Who goes on writing is waited for at most so many pauses.
_PAUSES: Final = 3
#: Answering begins within that; a wake-up that found nobody is repeated after it.
_AWAKE: Final = timedelta(seconds=30)
_REACTION: Final = "reaction"


class Fate(StrEnum):
    """What becomes of a message; the word is the metric's."""

    ANSWERED = "message"
    REACTION = "reaction"
    STOP = "stop"
    OPTED_OUT = "opted_out"
    HUMAN = "human"
    TOO_MANY = "too_many"


#: How a message of each fate is stored, and why it is not answered.
_STORED: Final = {
    Fate.ANSWERED: (WebhookState.RECEIVED, None),
    Fate.REACTION: (WebhookState.IGNORED, "a reaction needs no answer"),
    Fate.STOP: (WebhookState.DONE, None),
    Fate.OPTED_OUT: (WebhookState.IGNORED, "the customer wants no messages"),
    Fate.HUMAN: (WebhookState.DONE, PERSON),
    Fate.TOO_MANY: (WebhookState.IGNORED, "too many in a minute"),
}


async def take_message(ledger: Ledger, notice: Notice, reception: Reception) -> str:
    """Store a customer's message; have it answered unless the customer, a person or the limit is against it."""
    thread = _moved(ledger.threads[notice.heard.conversation_id], notice.at, notice.now)
    user = await _customer(ledger, notice)
    fate = _fate(ledger, notice, thread, user, reception)
    state, reason = _STORED[fate]
    after = partial(_stop, ledger, notice, thread, user) if fate is Fate.STOP else None
    if not ledger.say(notice, Role.USER, state, reason, after):
        return "duplicate"
    if fate is Fate.ANSWERED:
        _have_answered(ledger, thread, notice.now, reception)
    elif fate is not Fate.REACTION:
        ledger.change(_silenced(thread) if fate is Fate.STOP else thread)
    return fate


def wants(heard: Inbound) -> bool | None:
    """Return whether a message asks for messages (True) or for none any more (False); None where it asks neither.

    A tapped button counts and the words beside it do not.
    """
    words = " ".join(words_of(heard.button_id or heard.text[:100]))
    return True if words in START else False if words in _STOP else None


def answer_at(thread: Thread, now: datetime, debounce: timedelta) -> datetime:
    """Return when to answer what comes now: at once where it was quiet, else after a pause of the customer's."""
    if thread.answer_at is not None and thread.answer_at <= now:
        return thread.answer_at  # somebody is at it already
    was_quiet = thread.answered_at is None or now - thread.answered_at >= debounce
    if was_quiet and thread.answer_at is None:
        return now
    return max(now, min(now + debounce, (thread.answered_at or now) + _PAUSES * debounce))


async def _customer(ledger: Ledger, notice: Notice) -> User:
    """Return who wrote; one who wants messages again is opted in."""
    user = ledger.users[notice.heard.user_id]
    if wants(notice.heard) and user.opted_out_at is not None and notice.at >= user.opted_out_at:
        await ledger.tx.people.opt(user.tiktok_id, out_at=None)
        ledger.opted(user.tiktok_id, None)
    return ledger.users[user.tiktok_id]


def _fate(ledger: Ledger, notice: Notice, thread: Thread, user: User, reception: Reception) -> Fate:
    if notice.heard.type == _REACTION:
        return Fate.REACTION
    if wants(notice.heard) is False:
        return Fate.STOP
    if user.opted_out_at is not None:
        return Fate.OPTED_OUT
    if thread.handoff is Handoff.HUMAN:
        return Fate.HUMAN
    if ledger.lately(user.tiktok_id, notice.at) >= reception.a_minute:
        return Fate.TOO_MANY
    return Fate.ANSWERED


def _moved(thread: Thread, at: datetime, now: datetime) -> Thread:
    """Return a conversation whose window a message opens anew, forward only, and whose hand-over may have ended."""
    if thread.handoff is Handoff.HUMAN and thread.handoff_until is not None and thread.handoff_until <= now:
        thread = replace(thread, handoff=Handoff.BOT, handoff_until=None)
    if thread.last_inbound_at is None or at > thread.last_inbound_at:
        thread = replace(thread, last_inbound_at=at, window_sent_count=0)
    return replace(thread, updated_at=now)


def _have_answered(ledger: Ledger, thread: Thread, now: datetime, reception: Reception) -> None:
    due = answer_at(thread, now, reception.debounce)
    if due == thread.answer_at and due <= now:
        # Whoever is at it, or was woken for it, looks again before the conversation rests.
        ledger.wait(thread)
        return
    if due > now:
        # Whoever looks for what is due wakes it then, and not before.
        ledger.change(replace(thread, answer_at=due), woken=due)
    else:
        ledger.ask(thread, due, awake_until=now + _AWAKE)


def _silenced(thread: Thread) -> Thread:
    return replace(thread, answer_at=None, proposal=None, proposed_at=None, menu_shown_at=None)


async def _stop(ledger: Ledger, notice: Notice, thread: Thread, user: User, number: int) -> None:
    """Opt a customer out at once: nothing that waits is answered or sent, but that it was understood, once."""
    tx, now, conversation = ledger.tx, notice.now, thread.conversation_id
    reason = "the customer wants no messages"
    if user.opted_out_at is not None:
        return
    await tx.people.opt(user.tiktok_id, out_at=notice.at)
    await tx.webhooks.drop(WebhookState.IGNORED, reason, conversation_id=conversation)
    await tx.replies.cancel(conversation, now, reason)
    reply = Reply(
        conversation_id=conversation,
        business_id=thread.business_id,
        kind=ReplyKind.NOTICE,
        body=STOPPED,
        not_before=now,
        expires_at=notice.at + WINDOW,
        created_at=now,
        updated_at=now,
        reply_to_event=number,
        intent="STOP",
        decided_by="router",
    )
    await tx.chat.answered([number], await tx.replies.answer(reply))
    ledger.tell(SendReplies(conversation_id=conversation))

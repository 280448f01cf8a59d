"""Takes in what a customer says: the window, the burst, the limit a minute, and the words that stop all messages."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from handlers.replies.reception import Notice, Reception
from persistence.uow import Transaction
from schemas.replies.messages import AnswerThread, SendReplies
from schemas.replies.records import (
    ChatMessage,
    Handoff,
    Reply,
    ReplyKind,
    Role,
    Thread,
    User,
    WebhookState,
)
from schemas.replies.tiktok import Inbound
from schemas.replies.window import WINDOW
from schemas.replies.words import words_of

STOPPED: Final = "You will get no more messages from us. Write START if you want them again."
_STOP: Final = frozenset({"stop", "stop all", "unsubscribe", "opt out", "acha"})
_START: Final = frozenset({"start", "unstop", "subscribe", "opt in", "anza"})
#: Who goes on writing is waited for at most so many pauses.
_PAUSES: Final = 3
#: Answering begins within that; a wake-up that found nobody is repeated after it.
_AWAKE: Final = timedelta(seconds=10)
_MINUTE: Final = timedelta(minutes=1)
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
    Fate.HUMAN: (WebhookState.DONE, "a person answers"),
    Fate.TOO_MANY: (WebhookState.IGNORED, "too many in a minute"),
}


@dataclass(frozen=True, slots=True)
class _Heard:
    """A message whose conversation is locked, with what it does to both."""

    notice: Notice
    thread: Thread
    user: User
    fate: Fate


async def take_message(tx: Transaction, notice: Notice, reception: Reception) -> str:
    """Store a customer's message; have it answered unless the customer, a person or the limit is against it."""
    thread = await tx.threads.opened(notice.new_thread())
    if thread.business_id != notice.heard.business_id:
        return await notice.rejected(tx, "its conversation is another account's")
    heard = await _judged(tx, notice, thread, reception)
    state, reason = _STORED[heard.fate]
    number = await notice.store(tx, state, reason)
    if number is None:
        return "duplicate"
    if await tx.chat.add(_message(notice, number)) is None:
        await tx.webhooks.turn(number, WebhookState.IGNORED, "the conversation has this message already")
        return "duplicate"
    if heard.fate is Fate.STOP:
        await _stop(tx, heard, number)
    elif heard.fate is Fate.ANSWERED:
        await _have_answered(tx, heard, reception)
    elif heard.fate is not Fate.REACTION:
        await tx.threads.save(heard.thread)
    return heard.fate


def wants(heard: Inbound) -> bool | None:
    """Return whether a message asks for messages (True) or for none any more (False); None where it asks neither.

    A tapped button counts and the words beside it do not.
    """
    words = " ".join(words_of(heard.button_id or heard.text[:100]))
    return True if words in _START else False if words in _STOP else None


def answer_at(thread: Thread, now: datetime, debounce: timedelta) -> datetime:
    """Return when to answer what comes now: at once where it was quiet, else after a pause of the customer's."""
    if thread.answer_at is not None and thread.answer_at <= now:
        return thread.answer_at  # somebody is at it already
    was_quiet = thread.answered_at is None or now - thread.answered_at >= debounce
    if was_quiet and thread.answer_at is None:
        return now
    return max(now, min(now + debounce, (thread.answered_at or now) + _PAUSES * debounce))


async def _judged(tx: Transaction, notice: Notice, thread: Thread, reception: Reception) -> _Heard:
    heard, at, now = notice.heard, notice.at, notice.now
    person = User(tiktok_id=heard.user_id, username=heard.username or None, last_interaction_at=at, created_at=now)
    await tx.people.seen([person])
    user = await tx.people.get(heard.user_id, for_update=True)
    assert user
    thread = _moved(thread, at, now)
    wish = wants(heard)
    if wish and user.opted_out_at is not None and at >= user.opted_out_at:
        await tx.people.opt(user.tiktok_id, out_at=None)
        user = replace(user, opted_out_at=None)
    if heard.type == _REACTION:
        fate = Fate.REACTION
    elif wish is False:
        fate = Fate.STOP
    elif user.opted_out_at is not None:
        fate = Fate.OPTED_OUT
    elif thread.handoff is Handoff.HUMAN:
        fate = Fate.HUMAN
    elif await tx.webhooks.count_from(user.tiktok_id, since=at - _MINUTE, until=at) >= reception.a_minute:
        fate = Fate.TOO_MANY
    else:
        fate = Fate.ANSWERED
    return _Heard(notice, thread, user, fate)


def _moved(thread: Thread, at: datetime, now: datetime) -> Thread:
    """Return a conversation whose window a message opens anew, forward only, and whose hand-over may have ended."""
    if thread.handoff is Handoff.HUMAN and thread.handoff_until is not None and thread.handoff_until <= now:
        thread = replace(thread, handoff=Handoff.BOT, handoff_until=None)
    if thread.last_inbound_at is None or at > thread.last_inbound_at:
        thread = replace(thread, last_inbound_at=at, window_sent_count=0)
    return replace(thread, updated_at=now)


def _message(notice: Notice, number: int) -> ChatMessage:
    heard = notice.heard
    return ChatMessage(
        conversation_id=heard.conversation_id,
        role=Role.USER,
        provider_ts=notice.at,
        content=heard.text,
        created_at=notice.now,
        kind=heard.type,
        provider_message_id=heard.message_id,
        button_id=heard.button_id or None,
        event_id=number,
    )


async def _have_answered(tx: Transaction, heard: _Heard, reception: Reception) -> None:
    thread, now = heard.thread, heard.notice.now
    due = answer_at(thread, now, reception.debounce)
    await tx.threads.save(replace(thread, answer_at=due))
    if due > now:
        # Whoever looks for what is due wakes it then, and not before.
        await tx.threads.wake([thread.conversation_id], due)
        return
    await tx.threads.wake([thread.conversation_id], now + _AWAKE)
    await tx.send(AnswerThread(conversation_id=thread.conversation_id))


async def _stop(tx: Transaction, heard: _Heard, number: int) -> None:
    """Opt a customer out at once: nothing that waits is answered or sent, but that it was understood, once."""
    notice, thread, now = heard.notice, heard.thread, heard.notice.now
    conversation = thread.conversation_id
    reason = "the customer wants no messages"
    await tx.threads.save(replace(thread, answer_at=None, proposal=None, proposed_at=None, menu_shown_at=None))
    if heard.user.opted_out_at is not None:
        return
    await tx.people.opt(heard.user.tiktok_id, out_at=notice.at)
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
    reply_id = await tx.replies.add(reply)
    assert reply_id is not None
    await tx.chat.answered([number], reply_id)
    await tx.send(SendReplies(conversation_id=conversation))

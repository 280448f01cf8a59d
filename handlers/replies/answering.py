"""Answers what waits in a conversation: claimed, read, and answered in one transaction with the facts of then."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog

from adapters.replies.deciding import Away, Decider, Question, Turn
from adapters.replies.local import Local
from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.router import Router
from handlers.replies.acting import act, act_on_guess
from handlers.replies.facts import opening_of
from handlers.replies.router import LONGEST
from handlers.replies.scene import Policy, Said, Scene
from handlers.replies.turns import Asked, asked
from handlers.replies.wording import HARD
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.replies.intents import Guess, Intent, guess
from schemas.replies.messages import AnswerThread, SendReplies
from schemas.replies.records import (
    ChatMessage,
    Handoff,
    Reply,
    ReplyKind,
    Role,
    Thread,
    WebhookEvent,
    WebhookState,
)
from schemas.replies.window import WINDOW

log = structlog.get_logger()
router = Router()

#: Longer than the longest reading (20 s) and its record; who died is noticed after it.
LEASE: Final = timedelta(seconds=120)
#: What could not be answered so often is shown to an operator, and what comes after it is answered.
TRIES: Final = 5
#: More is not read at once; what is left over gets the next reply.
BURST: Final = 50
#: Sending begins within that; a wake-up that found nobody is repeated after it.
AWAKE: Final = timedelta(seconds=30)
#: What was said before that is another conversation.
REMEMBERED: Final = timedelta(hours=24)
#: A vendor sees who wrote as a number that means nothing to it.
PSEUDONYM: Final = 16


@dataclass
class Answers:
    """What answering needs besides the database: the shop's rules and who reads messages.

    Without a `model`, or while it is away, `local` reads. `seed` makes customers' pseudonyms ours alone.
    """

    model: Decider | None = None
    local: Decider = field(default_factory=Local)
    policy: Policy = field(default_factory=Policy)
    debounce: timedelta = timedelta(seconds=2)
    context_messages: int = 10
    links: Collection[str] = ()
    seed: bytes = b""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What somebody takes a message to mean, and who: a decider's name and its prompts."""

    guess: Guess
    by: str
    version: str | None = None
    is_fallback: bool = False


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was claimed, what it asks, and what was said before it, if anybody needs to know."""

    thread: Thread
    events: Sequence[WebhookEvent]
    history: Sequence[ChatMessage]
    turns: Sequence[Asked]


@router.consume(topology.REPLIES_THREADS_ANSWER)
async def answer_thread(delivery: Delivery[AnswerThread], uow: Uow, clock: Clock, answers: Answers) -> None:
    """Answer what waits in a conversation, in the order in which it was written, a burst with one reply.

    Safe to repeat: what waits is claimed in SQL by this message's id, and it is done in the transaction that stores
    the reply, which is the only one that its event can have. A model is asked outside any transaction.
    """
    try:
        while await _round(delivery.message.conversation_id, delivery.message_id, uow, clock, answers):
            pass
    except _TakenOverError:
        log.debug("answer_taken_over", conversation_id=delivery.message.conversation_id)


async def _round(conversation: str, token: str, uow: Uow, clock: Clock, answers: Answers) -> bool:
    """Answer once; True where more waits that may be answered now."""
    async with uow() as tx:
        now = whole_milliseconds(clock())
        taken = await _claim(tx, conversation, token, now, answers)
        if taken is None or not taken.events:
            return False
        unread = [each.text for each in taken.turns if each.routed is None]
        if answers.model is None or not unread:
            readings = [await _local(answers, text) for text in unread]
            if await tx.webhooks.done(_ids(taken.events), token=token) < len(taken.events):
                raise _TakenOverError
            return await _answer(tx, taken, taken.thread, readings, now, answers)
    readings = [await _read(answers, taken, taken.thread.user_id, text) for text in unread]
    async with uow() as tx:
        now = whole_milliseconds(clock())
        thread = await _still(tx, taken, token, now)
        return thread is not None and await _answer(tx, taken, thread, readings, now, answers)


class _TakenOverError(Exception):
    """Another has claimed what was being answered, since this took longer than the lease."""


async def _claim(tx: Transaction, conversation: str, token: str, now: datetime, answers: Answers) -> _Taken | None:
    """Take what waits, if the bot may answer now; what it may not answer is done without an answer."""
    thread = await tx.threads.get(conversation, for_update=True)
    if thread is None or (thread.answer_at is not None and thread.answer_at > now):
        return None
    # One reply a message where nobody waits for a burst to end; then the rest is not claimed yet either.
    most = 1 if answers.debounce == timedelta() else BURST
    events = await tx.webhooks.claim(conversation, now=now, token=token, lease=LEASE, limit=most)
    if not events:
        await _rest(tx, thread)
        return None
    if not await _may_answer(tx, thread, now):
        await tx.webhooks.settle(_ids(events), WebhookState.DONE, token=token)
        await tx.threads.save(replace(thread, answer_at=None, updated_at=now))
        return None
    worn = [each for each in events if each.attempts >= TRIES]
    if worn:
        log.error("message_unanswerable", conversation_id=conversation, events=_ids(worn))
        await tx.webhooks.settle(_ids(worn), WebhookState.DEAD, token=token, error="could not be answered")
        await _rest(tx, thread)
    events = [each for each in events if each.attempts < TRIES]
    return await _taken(tx, thread, events, now, answers)


async def _rest(tx: Transaction, thread: Thread) -> None:
    """Let a conversation in which nothing waits be woken no more."""
    if thread.answer_at is not None and not await tx.webhooks.waits(thread.conversation_id):
        await tx.threads.save(replace(thread, answer_at=None))


async def _taken(
    tx: Transaction, thread: Thread, events: Sequence[WebhookEvent], now: datetime, answers: Answers
) -> _Taken:
    said = await tx.chat.of_events(_ids(events))
    turns = asked([said[number] for number in _ids(events) if number in said], thread, now)
    if all(turn.routed is not None for turn in turns):
        return _Taken(thread, events, (), turns)  # fixed words mean the same whatever was said before
    current = {each.id for each in said.values()}
    most = answers.context_messages
    recent = await tx.chat.recent(thread.conversation_id, since=now - REMEMBERED, limit=most + len(current))
    return _Taken(thread, events, [each for each in recent if each.id not in current and each.content][-most:], turns)


async def _may_answer(tx: Transaction, thread: Thread, now: datetime) -> bool:
    """Tell whether the bot may speak: neither while a person does, nor to a customer who wants no messages."""
    is_with_person = thread.handoff is Handoff.HUMAN and (thread.handoff_until is None or thread.handoff_until > now)
    if is_with_person:
        return False
    customer = await tx.people.get(thread.user_id)
    return customer is None or customer.opted_out_at is None


async def _read(answers: Answers, taken: _Taken, user_id: str, text: str) -> _Reading:
    """Have a message read by the model, and by the local reader where the model is away."""
    assert answers.model
    history = [Turn(each.role is Role.USER, each.content[:LONGEST]) for each in taken.history]
    pseudonym = sha256(answers.seed + user_id.encode()).hexdigest()[:PSEUDONYM]
    read = await answers.model.classify(Question(text, pseudonym, history))
    if isinstance(read, Away):
        log.warning("model_away", why=read.why, detail=read.detail)
        metrics.replies_fallbacks.labels(read.why).inc()
        return await _local(answers, text, is_fallback=True)
    return _Reading(read, answers.model.name, answers.model.version)


async def _local(answers: Answers, text: str, *, is_fallback: bool = False) -> _Reading:
    read = await answers.local.classify(Question(text, ""))
    guessed = guess(Intent.OTHER, 0) if isinstance(read, Away) else read
    return _Reading(guessed, answers.local.name, answers.local.version, is_fallback=is_fallback)


async def _still(tx: Transaction, taken: _Taken, token: str, now: datetime) -> Thread | None:
    """Return the conversation if it is still to be answered: much may have happened while a model was reading."""
    thread = await tx.threads.get(taken.thread.conversation_id, for_update=True)
    if thread is None or await tx.webhooks.done(_ids(taken.events), token=token) < len(taken.events):
        # Another has taken some of it over. Answering the rest could say the same twice, so all of it is theirs.
        raise _TakenOverError
    if await _may_answer(tx, thread, now):
        return thread
    await tx.threads.save(replace(thread, answer_at=None, updated_at=now))
    return None


async def _answer(
    tx: Transaction, taken: _Taken, thread: Thread, readings: Sequence[_Reading], now: datetime, answers: Answers
) -> bool:
    """Write the answer down with everything it promises; True where more waits under the same claim."""
    if thread.handoff is Handoff.HUMAN:
        thread = replace(thread, handoff=Handoff.BOT, handoff_until=None)
    scene = Scene(tx, thread, now, answers.policy, taken.history, taken.events[-1].message_id)
    said, by = await _worded(scene, taken.turns, list(readings), answers)
    if said:
        await _store(scene, taken, said, by)
    waits = await tx.webhooks.waits(thread.conversation_id)
    after = _after(thread, said, now, answers)
    await tx.threads.save(replace(after, answer_at=(after.answer_at or now) if waits else None))
    return waits


async def _worded(
    scene: Scene, turns: Sequence[Asked], readings: list[_Reading], answers: Answers
) -> tuple[list[Said], _Reading | None]:
    """Return what is said to each thing that was asked, and the last reading that any of it rests on."""
    told: list[Said] = []
    by: _Reading | None = None
    for turn in turns:
        if turn.routed is not None:
            said = await act(scene, turn.routed)
        else:
            by = readings.pop(0)
            said = await act_on_guess(scene, by.guess, turn.text, is_fallback=by.is_fallback)
            said = _opened(said, by, answers)
        if said is not None and all(said.body != each.body for each in told):
            told.append(said)
        if said is not None and said.kind is ReplyKind.HANDOVER:
            break
    return told, by


def _opened(said: Said, by: _Reading, answers: Answers) -> Said:
    """Return an answer behind the model's own sentence, if that says nothing that only code may say."""
    instructions = answers.model.instructions if answers.model else ""
    opening = opening_of(by.guess.opening, instructions, answers.links)
    return replace(said, body=f"{opening} {said.body}") if opening else said


async def _store(scene: Scene, taken: _Taken, said: Sequence[Said], by: _Reading | None) -> None:
    """Store the reply, what it answers, and that it is to be sent."""
    thread, now, last = scene.thread, scene.now, said[-1]
    reply = Reply(
        conversation_id=thread.conversation_id,
        business_id=thread.business_id,
        kind=last.kind,
        body="\n".join(each.body for each in said)[:HARD],
        not_before=now,
        expires_at=(thread.last_inbound_at or now) + WINDOW,
        created_at=now,
        updated_at=now,
        reply_to_event=taken.events[-1].id,
        intent=last.intent,
        decided_by=by.by if by else "router",
        prompt_version=by.version if by else None,
    )
    number = await scene.tx.replies.add(reply)
    if number is None:
        raise _TakenOverError
    await scene.tx.chat.add(
        ChatMessage(
            conversation_id=thread.conversation_id,
            role=Role.ASSISTANT,
            # Never before what it answers, whosever clock is ahead.
            provider_ts=max([now, *(each.provider_ts for each in taken.events if each.provider_ts)]),
            content=reply.body,
            created_at=now,
            intent=last.intent,
            reply_id=number,
        )
    )
    await scene.tx.chat.answered(_ids(taken.events), number)
    await scene.tx.threads.wake([thread.conversation_id], now + AWAKE, to_send=True)
    await scene.tx.send(SendReplies(conversation_id=thread.conversation_id))
    metrics.replies_answers.labels(last.intent.value, reply.decided_by).inc()


def _after(thread: Thread, said: Sequence[Said], now: datetime, answers: Answers) -> Thread:
    """Return the conversation after an answer: the menu and an offer are open only while they are the last word."""
    if not said:
        return replace(thread, updated_at=now)
    last = said[-1]
    thread = replace(
        thread,
        menu_shown_at=now if last.shows_menu else None,
        proposal=last.proposal,
        proposed_at=now if last.proposal else None,
        answered_at=now,
        updated_at=now,
    )
    if any(each.kind is ReplyKind.NOTICE for each in said):
        thread = replace(thread, noticed_at=now)
    if last.kind is ReplyKind.HANDOVER:
        thread = replace(thread, handoff=Handoff.HUMAN, handoff_until=now + answers.policy.handoff)
    return thread


def _ids(events: Sequence[WebhookEvent]) -> list[int]:
    return [each.id for each in events if each.id is not None]

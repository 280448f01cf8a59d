"""Answers what waits in a conversation: claimed, read, and answered in one transaction with the facts of then."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog

from adapters.replies.deciding import Away, Question, Turn
from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.router import Router
from brokers.verdict import Conflict, Unavailable
from handlers.replies.at_once import REMEMBERED
from handlers.replies.composing import Answers, Reading, composed, read_here
from handlers.replies.permits import is_with_person
from handlers.replies.router import LONGEST
from handlers.replies.scene import Scene
from handlers.replies.turns import Asked, asked
from persistence.replies.webhooks import Waiting
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.replies.messages import AnswerThread, SendReplies
from schemas.replies.records import ChatMessage, Handoff, Role, Thread, WebhookEvent, WebhookState

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
#: A vendor sees who wrote as a number that means nothing to it.
PSEUDONYM: Final = 16
_SILENT: Final = "the bot may not answer"


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is to be answered, what it asks, and what was said before it, if anybody needs to know.

    `goes_on` tells that more waits behind it.
    """

    thread: Thread
    events: Sequence[WebhookEvent]
    history: Sequence[ChatMessage]
    turns: Sequence[Asked]
    goes_on: bool
    correlation_id: str | None


@router.consume(topology.REPLIES_THREADS_ANSWER)
async def answer_thread(delivery: Delivery[AnswerThread], uow: Uow, clock: Clock, answers: Answers) -> None:
    """Answer what waits in a conversation, in the order in which it was written, a burst with one reply.

    Safe to repeat: what waits is claimed in SQL by this message's id, and it is done in the transaction that stores
    the reply, which is the only one that its event can have. A model is asked outside any transaction.
    """
    try:
        while await _round(delivery, uow, clock, answers):
            pass
    except _TakenOverError:
        log.debug("answer_taken_over", conversation_id=delivery.message.conversation_id)
    except (Conflict, Unavailable):
        raise
    except Exception:  # what was counted as a try is undone with the rest, and a message must not block for ever
        await _count_try(delivery.message.conversation_id, delivery.message_id, uow, clock, answers)
        raise


async def _round(delivery: Delivery[AnswerThread], uow: Uow, clock: Clock, answers: Answers) -> bool:
    """Answer once; True where more waits that may be answered now."""
    conversation, token = delivery.message.conversation_id, delivery.message_id
    async with uow() as tx:
        now = whole_milliseconds(clock())
        taken = await _found(tx, delivery, now, answers)
        if taken is None:
            return False
        unread = [each.text for each in taken.turns if each.routed is None]
        if answers.model is None or not unread:
            readings = [await read_here(answers, text) for text in unread]
            await tx.webhooks.answered(_ids(taken.events))
            return await _answer(tx, taken, taken.thread, readings, now, answers)
        await tx.webhooks.take(_ids(taken.events), token=token, until=now + LEASE)
    readings = await asyncio.gather(*(_read(answers, taken, taken.thread.user_id, text) for text in unread))
    async with uow() as tx:
        now = whole_milliseconds(clock())
        thread = await _still(tx, taken, token, now)
        if thread is None:
            return False
        taken = replace(taken, goes_on=await tx.webhooks.waits(conversation))
        return await _answer(tx, taken, thread, readings, now, answers)


async def _count_try(conversation: str, token: str, uow: Uow, clock: Clock, answers: Answers) -> None:
    """Count that what waits could not be answered, unless it was counted when it was claimed."""
    async with uow() as tx:
        thread = await tx.threads.get(conversation, for_update=True)
        if thread is not None:
            now, most = whole_milliseconds(clock()), _most(answers)
            waiting = await tx.webhooks.free(conversation, thread.user_id, now=now, token=token, limit=most)
            await tx.webhooks.tried(waiting.numbers)


def _most(answers: Answers) -> int:
    # One reply a message where nobody waits for a burst to end; then the rest is left for the next round.
    return 1 if answers.debounce == timedelta() else BURST


class _TakenOverError(Exception):
    """Another has claimed what was being answered, since this took longer than the lease."""


async def _found(tx: Transaction, delivery: Delivery[AnswerThread], now: datetime, answers: Answers) -> _Taken | None:
    """Return what waits, if the bot may answer now; what it may not answer is done without an answer."""
    conversation, token = delivery.message.conversation_id, delivery.message_id
    thread = await tx.threads.get(conversation, for_update=True)
    if thread is None or (thread.answer_at is not None and thread.answer_at > now):
        return None
    waiting = await tx.webhooks.free(conversation, thread.user_id, now=now, token=token, limit=_most(answers))
    if waiting.is_held:
        return None  # somebody is answering what was written before this, and looks again, or is looked for, after it
    if not waiting.events:
        await _rest(tx, thread)
        return None
    if is_with_person(thread, now) or waiting.opted_out_at is not None:
        await tx.webhooks.drop(WebhookState.DONE, _SILENT, conversation_id=conversation)
        await tx.threads.save(replace(thread, answer_at=None, updated_at=now))
        return None
    # What is found for the last time is counted with what was found before it.
    worn = [each for each in waiting.events if each.attempts >= TRIES]
    if worn:
        log.error("message_unanswerable", conversation_id=conversation, events=_ids(worn))
        await tx.webhooks.take(_ids(worn), token=token, until=now + LEASE)
        await tx.webhooks.settle(_ids(worn), WebhookState.DEAD, token=token, error="could not be answered")
        await _rest(tx, thread)
    events = [each for each in waiting.events if each.attempts < TRIES]
    if not events:
        return await _found(tx, delivery, now, answers)
    taken = await _taken(tx, thread, replace(waiting, events=events), now, answers)
    return replace(taken, correlation_id=delivery.correlation_id)


async def _rest(tx: Transaction, thread: Thread) -> None:
    """Let a conversation in which nothing waits be woken no more."""
    if thread.answer_at is not None and not await tx.webhooks.waits(thread.conversation_id):
        await tx.threads.save(replace(thread, answer_at=None))


async def _taken(tx: Transaction, thread: Thread, waiting: Waiting, now: datetime, answers: Answers) -> _Taken:
    numbers = set(waiting.numbers)
    said = [each for each in waiting.said if each.event_id in numbers]
    turns = asked(said, thread, now)
    taken = _Taken(thread, waiting.events, (), turns, waiting.goes_on, None)
    if all(turn.routed is not None for turn in turns):
        return taken  # fixed words mean the same whatever was said before
    current, most = {each.id for each in said}, answers.context_messages
    recent = await tx.chat.recent(thread.conversation_id, since=now - REMEMBERED, limit=most + len(current))
    return replace(taken, history=[each for each in recent if each.id not in current and each.content][-most:])


async def _may_answer(tx: Transaction, thread: Thread, now: datetime) -> bool:
    """Tell whether the bot may speak: neither while a person does, nor to a customer who wants no messages."""
    if is_with_person(thread, now):
        return False
    customer = await tx.people.get(thread.user_id)
    return customer is None or customer.opted_out_at is None


async def _read(answers: Answers, taken: _Taken, user_id: str, text: str) -> Reading:
    """Have a message read by the model, and by the local reader where the model is away."""
    assert answers.model
    history = [Turn(each.role is Role.USER, each.content[:LONGEST]) for each in taken.history]
    pseudonym = sha256(answers.seed + user_id.encode()).hexdigest()[:PSEUDONYM]
    read = await answers.model.classify(Question(text, pseudonym, history))
    if isinstance(read, Away):
        log.warning("model_away", why=read.why, detail=read.detail)
        metrics.replies_fallbacks.labels(read.why).inc()
        return await read_here(answers, text, is_fallback=True)
    return Reading(read, answers.model.name, answers.model.version)


async def _still(tx: Transaction, taken: _Taken, token: str, now: datetime) -> Thread | None:
    """Return the conversation if it is still to be answered: much may have happened while a model was reading."""
    thread = await tx.threads.get(taken.thread.conversation_id, for_update=True)
    if thread is None or await tx.webhooks.done(_ids(taken.events), token=token) < len(taken.events):
        # Another has taken some of it over. Answering the rest could say the same twice, so all of it is theirs.
        raise _TakenOverError
    if await _may_answer(tx, thread, now):
        return thread
    await tx.webhooks.drop(WebhookState.DONE, _SILENT, conversation_id=thread.conversation_id)
    await tx.threads.save(replace(thread, answer_at=None, updated_at=now))
    return None


async def _answer(
    tx: Transaction, taken: _Taken, thread: Thread, readings: Sequence[Reading], now: datetime, answers: Answers
) -> bool:
    """Write the answer down with everything it promises; True where more waits under the same claim."""
    if thread.handoff is Handoff.HUMAN:
        thread = replace(thread, handoff=Handoff.BOT, handoff_until=None)
    scene = Scene(tx, thread, now, answers.policy, taken.history, taken.events[-1].message_id)
    made = await composed(scene, taken.events, taken.turns, readings, answers)
    after = replace(made.thread, answer_at=(made.thread.answer_at or now) if taken.goes_on else None)
    if made.reply is None:
        await tx.threads.save(after)
        return taken.goes_on
    number = await tx.replies.answer(made.reply)
    await tx.chat.add(made.spoken(number))
    await tx.chat.answered(_ids(taken.events), number)
    await tx.threads.save_and_wake(after, now + AWAKE, to_send=True)
    await tx.send(SendReplies(conversation_id=thread.conversation_id), correlation_id=taken.correlation_id)
    made.count()
    return taken.goes_on


def _ids(events: Sequence[WebhookEvent]) -> list[int]:
    return [each.id for each in events if each.id is not None]

"""Consumes chat batches: each task is written to its creator once, and what became of it is recorded."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.outgoing import new_message_id
from brokers.router import Router
from brokers.verdict import Reject, Retryable, Unavailable
from handlers.chatbot.leave import leave, put_back
from handlers.chatbot.recording import (
    REASON_LENGTH,
    Unrecorded,
    begun,
    failed,
    record,
    sent,
    tell,
    uncertain,
    untried,
)
from persistence.uow import Transaction, Uow
from schemas.chatbot.messages import ChatMessage, ChatTask, SendChatMessages, parts_of, task_key
from schemas.chatbot.records import ChatDelivery, DeliveryState
from schemas.chatbot.sending import InDoubt, MessageSender, Send
from schemas.clock import Clock
from schemas.outreach.statuses import Gate

log = structlog.get_logger()
router = Router()

UNTRIED = frozenset({DeliveryState.PENDING, DeliveryState.FAILED})
ENDED = frozenset({DeliveryState.SENT, DeliveryState.UNCERTAIN})
#: A message of many tasks goes on later: the broker takes back what is not acked within half an hour.
TURN = timedelta(minutes=15)
_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _World:
    """What sending needs besides the task; `is_last` tells that no further try will be made by itself."""

    uow: Uow
    sender: MessageSender
    clock: Clock
    unrecorded: Unrecorded
    is_last: bool


@router.consume(topology.CHATBOT_SAMPLE_BATCH)
async def send_chat_messages(
    delivery: Delivery[SendChatMessages], uow: Uow, sender: MessageSender, clock: Clock, unrecorded: Unrecorded
) -> None:
    """Write each task's messages to its creator, once.

    Safe to repeat: a task is recorded as `sending` before the call and as `sent` after it. One found `sent` is
    skipped. One found `sending`, of which this process knows nothing, was interrupted: it becomes `uncertain` and is
    left to an operator. A task that fails does not stop the others; the message is retried, or parked, for those that
    failed. An outreach task is told of each outcome, in the transaction that records it.
    """
    failures: list[tuple[int, Retryable | Reject]] = []
    is_last = delivery.attempt >= topology.CHATBOT_SAMPLE_BATCH.retry.attempts
    world = _World(uow, sender, clock, unrecorded, is_last)
    ends_at = clock() + TURN
    plans = [_planned(delivery, index, sender.name, clock()) for index in range(len(delivery.message.tasks))]
    ended = await _ended(plans, world)
    for index, (task, planned) in enumerate(zip(delivery.message.tasks, plans, strict=True)):
        if planned.keys() <= ended:
            metrics.duplicates.labels(topology.CHATBOT_SAMPLE_BATCH.name).inc()
            continue
        if index and clock() >= ends_at:
            failures.append((index, Retryable("goes on from here", _SOON)))
            break
        try:
            with unrecorded.holding(planned):
                await _send(task, planned, world)
        except (Retryable, Reject) as failure:
            log.warning("chat_task_failed", index=index, reason=str(failure), will_retry=isinstance(failure, Retryable))
            failures.append((index, failure))
    if failures:
        raise _worst(failures)


async def _ended(plans: Sequence[dict[str, ChatDelivery]], world: _World) -> set[str]:
    """Return what of many tasks was sent before, or is left to an operator: nobody gets ready for those again."""
    if len(plans) == 1:  # A message of one task comes again only where it was not sent.
        return set()
    async with world.uow() as tx:
        stored = await tx.deliveries.look_up([key for planned in plans for key in planned])
    return {key for key, known in stored.items() if known.state in ENDED}


async def _send(task: ChatTask, planned: dict[str, ChatDelivery], world: _World) -> None:
    """Send what of a task was not sent yet, with no transaction open during the call."""
    async with AsyncExitStack() as stack:
        try:
            send = await stack.enter_async_context(world.sender.ready(task))
        except (Retryable, Reject) as failure:
            if await _refused(planned, failure, world):
                raise
            return
        opened = await _begin(planned, world)
        if opened:
            await _call(send, task if len(opened) == len(planned) else _only(task, opened), opened, world)


async def _call(send: Send, task: ChatTask, opened: Sequence[ChatDelivery], world: _World) -> None:
    uow, unrecorded, clock = world.uow, world.unrecorded, world.clock
    try:
        receipt = await send(task)
    except Unavailable:
        await record(uow, unrecorded, opened, [untried(one) for one in opened])
        raise
    except (Retryable, Reject) as failure:
        is_final = world.is_last or isinstance(failure, Reject)
        now = clock()
        await record(uow, unrecorded, opened, [failed(one, failure, now) for one in opened], is_final=is_final)
        raise
    except InDoubt as doubt:
        now = clock()
        doubted = [uncertain(one, str(doubt), now) for one in opened]
        await record(uow, unrecorded, opened, doubted)
        _tell_uncertain(doubted)
        return
    now = clock()
    await record(uow, unrecorded, opened, [sent(one, receipt, now) for one in opened])
    log.info("chat_task_sent", sender=receipt.sender, platform_creator_id=task.platform_creator_id, parts=len(opened))


async def _begin(planned: dict[str, ChatDelivery], world: _World) -> list[ChatDelivery]:
    """Record as `sending` what is still to be sent, and as `uncertain` what was interrupted; return the former.

    What an outreach task that is over by now asked for is not sent, and what a paused one did is put back.
    """
    now = world.clock()
    opened: list[ChatDelivery] = []
    try:
        async with world.uow() as tx:
            late = await world.unrecorded.record(tx)
            stored = await tx.deliveries.begin(list(planned.values()))
            unsent = {key: one for key, one in stored.items() if key in planned and one.state in UNTRIED}
            closed = await _withheld(tx, unsent, now)
            if closed is None:
                opened = [begun(one, planned[key], now) for key, one in unsent.items()]
            interrupted = await _interrupted(tx, stored.values(), [*opened, *(closed or [])], now)
            await tell(tx, closed or [])
    except Unavailable:
        # The server may have committed without our hearing of it; nothing was sent either way.
        world.unrecorded.keep(opened, map(untried, opened))
        raise
    world.unrecorded.forget(late)
    _tell_uncertain(interrupted)
    if rest := len(planned) - len(unsent) - len(interrupted):
        metrics.duplicates.labels(topology.CHATBOT_SAMPLE_BATCH.name).inc()
        log.debug("chat_task_repeated", skipped=rest)
    return opened


async def _withheld(tx: Transaction, unsent: Mapping[str, ChatDelivery], now: datetime) -> list[ChatDelivery] | None:
    """Return as failed what must not be sent any more, nothing where it is put back; None if all may be sent."""
    allowed = await leave(tx, unsent.values(), now)
    if allowed.gate is Gate.OPEN:
        return None
    log.info("chat_task_withheld", task_keys=list(unsent), reason=allowed.reason)
    if allowed.gate is Gate.WAIT:
        await put_back(tx, unsent.values(), allowed.reason, now)
        return []
    over = Reject(f"not sent: {allowed.reason}")
    return [failed(one, over, now) for one in unsent.values()]


async def _refused(planned: dict[str, ChatDelivery], failure: Retryable | Reject, world: _World) -> bool:
    """Record that the sender does not take a task, now or ever; False if there was nothing of it left to send."""
    now = world.clock()
    async with world.uow() as tx:
        late = await world.unrecorded.record(tx)
        stored = await tx.deliveries.begin(list(planned.values()))
        refused = [failed(one, failure, now) for one in stored.values() if one.state in UNTRIED]
        interrupted = await _interrupted(tx, stored.values(), refused, now)
        await tell(tx, refused, is_final=world.is_last or isinstance(failure, Reject))
    world.unrecorded.forget(late)
    _tell_uncertain(interrupted)
    return bool(refused)


async def _interrupted(
    tx: Transaction, stored: Iterable[ChatDelivery], changed: Sequence[ChatDelivery], now: datetime
) -> list[ChatDelivery]:
    """Save what has changed, and as `uncertain` what was interrupted; return the latter."""
    reason = "interrupted while it was being sent"
    interrupted = [uncertain(one, reason, now) for one in stored if one.state is DeliveryState.SENDING]
    if changed or interrupted:
        await tx.deliveries.save([*changed, *interrupted])
        await tell(tx, interrupted)
    return interrupted


def _tell_uncertain(deliveries: Iterable[ChatDelivery]) -> None:
    for known in deliveries:
        metrics.chat_uncertain.inc()
        log.error(
            "chat_task_uncertain",
            task_key=known.task_key,
            platform_creator_id=known.platform_creator_id,
            reason=known.reason,
        )


def _only(task: ChatTask, parts: Sequence[ChatDelivery]) -> ChatTask:
    """Return the task with the messages of these parts alone."""
    messages = [ChatMessage.model_validate(message) for part in parts for message in part.messages]
    return task.model_copy(update={"messages": messages})


def _planned(delivery: Delivery[SendChatMessages], index: int, sender: str, now: datetime) -> dict[str, ChatDelivery]:
    """Return what is to be recorded of a task by task key: one delivery for each reminder that it carries."""
    # An identity derived from the content means the same thing for a day: tomorrow's equal body is a new wish.
    identity = f"{delivery.message_id}@{delivery.observed_at.date()}" if delivery.is_derived else delivery.message_id
    planned = [
        ChatDelivery(
            id=new_message_id().upper(),
            task_key=task_key(part, identity, index),
            message_id=delivery.message_id,
            sample_id=part.sample_id,
            scenario=part.scenario,
            run=part.run,
            outreach_task_id=part.outreach_task_id,
            region=part.region,
            platform_creator_id=part.platform_creator_id,
            messages=[message.model_dump(by_alias=True, exclude_none=True) for message in part.messages],
            sender=sender,
            state=DeliveryState.PENDING,
            attempts=0,
            reason=None,
            created_at=now,
            updated_at=now,
        )
        for part in parts_of(delivery.message.tasks[index])
    ]
    return {one.task_key: one for one in planned}


def _worst(failures: Sequence[tuple[int, Retryable | Reject]]) -> Retryable | Reject:
    """Return the verdict on a batch: to be retried as long as any task can be, with every failure's reason."""
    reasons = "; ".join(f"task {index}: {failure}" for index, failure in failures)[:REASON_LENGTH]
    retryable = [failure for _, failure in failures if isinstance(failure, Retryable)]
    if not retryable:
        return Reject(reasons)
    return Retryable(reasons, max((one.after for one in retryable if one.after is not None), default=None))

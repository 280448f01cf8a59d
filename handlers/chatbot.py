"""Consumes chat batches: each task is written to its creator once, and what became of it is recorded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from adapters.message_sender import MessageSender, Receipt
from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.outgoing import new_message_id
from brokers.router import Router
from brokers.verdict import Conflict, Reject, Retryable, Unavailable
from persistence.uow import Uow
from schemas.chatbot.messages import ChatMessage, ChatTask, SendChatMessages, parts_of, task_key
from schemas.chatbot.records import ChatDelivery, DeliveryState
from schemas.clock import Clock

log = structlog.get_logger()
router = Router()

#: Losing a race for a row must not make the outcome of a finished call unknown; each loss lets the winner finish.
RECORD_TRIES = 5
#: As much of a reason as is kept beside a delivery; the log has the rest.
REASON_LENGTH = 500
UNTRIED = frozenset({DeliveryState.PENDING, DeliveryState.FAILED})


@router.consume(topology.CHATBOT_SAMPLE_BATCH)
async def send_chat_messages(
    delivery: Delivery[SendChatMessages], uow: Uow, sender: MessageSender, clock: Clock
) -> None:
    """Write each task's messages to its creator, once.

    Safe to repeat: a task is recorded as `sending` before the call and as `sent` after it. One found `sent` is
    skipped. One found `sending` was interrupted: it becomes `uncertain` and is left to an operator. A task that fails
    does not stop the others; the message is retried, or parked, for those that failed.
    """
    failures: list[tuple[int, Retryable | Reject]] = []
    for index, task in enumerate(delivery.message.tasks):
        planned = _planned(delivery, index, sender.name, clock())
        try:
            await _send(task, planned, uow, sender, clock)
        except (Retryable, Reject) as failure:
            log.warning("chat_task_failed", index=index, reason=str(failure), will_retry=isinstance(failure, Retryable))
            failures.append((index, failure))
    if failures:
        raise _worst(failures)


async def _send(
    task: ChatTask, planned: dict[str, ChatDelivery], uow: Uow, sender: MessageSender, clock: Clock
) -> None:
    """Send what of a task was not sent yet, with no transaction open during the call."""
    begun = await _begin(planned, uow, clock())
    if not begun:
        return
    try:
        receipt = await sender.send(task if len(begun) == len(planned) else _only(task, begun))
    except Unavailable:
        await _record(uow, [replace(one, state=DeliveryState.PENDING, attempts=one.attempts - 1) for one in begun])
        raise
    except (Retryable, Reject) as failure:
        reason = str(failure)[:REASON_LENGTH]
        failed_at = clock()
        await _record(
            uow, [replace(one, state=DeliveryState.FAILED, reason=reason, updated_at=failed_at) for one in begun]
        )
        raise
    await _record(uow, [_sent(one, receipt, clock()) for one in begun])
    log.info("chat_task_sent", sender=receipt.sender, platform_creator_id=task.platform_creator_id, parts=len(begun))


def _sent(delivery: ChatDelivery, receipt: Receipt, now: datetime) -> ChatDelivery:
    return replace(delivery, state=DeliveryState.SENT, sender=receipt.sender, reason=None, sent_at=now, updated_at=now)


def _only(task: ChatTask, parts: Sequence[ChatDelivery]) -> ChatTask:
    """Return the task with the messages of these parts alone."""
    messages = [ChatMessage.model_validate(message) for part in parts for message in part.messages]
    return task.model_copy(update={"messages": messages})


async def _begin(planned: dict[str, ChatDelivery], uow: Uow, now: datetime) -> list[ChatDelivery]:
    """Record as `sending` what is still to be sent, and as `uncertain` what was interrupted; return the former."""
    async with uow() as tx:
        stored = await tx.deliveries.begin(list(planned.values()))
        # What the message says now is what will be sent, also when an earlier try recorded the same reminder.
        begun = [
            replace(
                known,
                messages=planned[key].messages,
                sender=planned[key].sender,
                state=DeliveryState.SENDING,
                attempts=known.attempts + 1,
                updated_at=now,
            )
            for key, known in stored.items()
            if known.state in UNTRIED
        ]
        interrupted = [
            replace(known, state=DeliveryState.UNCERTAIN, reason="interrupted while it was being sent", updated_at=now)
            for known in stored.values()
            if known.state is DeliveryState.SENDING
        ]
        if begun or interrupted:
            await tx.deliveries.save([*begun, *interrupted])
    for known in interrupted:
        metrics.chat_uncertain.inc()
        log.error("chat_task_uncertain", task_key=known.task_key, platform_creator_id=known.platform_creator_id)
    if len(begun) + len(interrupted) < len(planned):
        metrics.duplicates.labels(topology.CHATBOT_SAMPLE_BATCH.name).inc()
        log.debug("chat_task_repeated", skipped=len(planned) - len(begun) - len(interrupted))
    order = {key: place for place, key in enumerate(planned)}
    return sorted(begun, key=lambda one: order[one.task_key])


async def _record(uow: Uow, deliveries: Sequence[ChatDelivery]) -> None:
    """Store the outcome of a call; running the handler again instead would take the call for interrupted."""
    for tries_left in reversed(range(RECORD_TRIES)):
        try:
            async with uow() as tx:
                await tx.deliveries.save(deliveries)
        except Conflict:
            if not tries_left:
                raise
        else:
            return


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

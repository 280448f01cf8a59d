"""Consumes chat batches: each task is written to its creator once, and what became of it is recorded."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from adapters.message_sender import MessageSender, Receipt
from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.outgoing import Outgoing, new_message_id, outgoing
from brokers.router import Router
from brokers.verdict import Conflict, Reject, Retryable, Unavailable
from persistence.uow import Transaction, Uow
from schemas.chatbot.messages import ChatMessage, ChatTask, SendChatMessages, parts_of, task_key
from schemas.chatbot.records import ChatDelivery, DeliveryState
from schemas.clock import Clock
from schemas.outreach.messages import ChatOutcome

log = structlog.get_logger()
router = Router()

#: Losing a race for a row must not make the outcome of a finished call unknown; each loss lets the winner finish.
RECORD_TRIES = 5
#: As much of a reason as is kept beside a delivery; the log has the rest.
REASON_LENGTH = 500
MILLISECOND = timedelta(milliseconds=1)
UNTRIED = frozenset({DeliveryState.PENDING, DeliveryState.FAILED})
#: What an outreach task is told of its messages.
TOLD = frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNCERTAIN})


class Unrecorded:
    """What this process knows of calls while SQL does not: only its death hides then whether a task was sent.

    An outage finds at most the tasks in hand here, and the first transaction after it records them all.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[ChatDelivery, ChatDelivery]] = {}
        self._in_hand: set[str] = set()

    @contextmanager
    def holding(self, task_keys: Collection[str]) -> Iterator[None]:
        """Hold tasks while they are sent, which is not the same as having been interrupted.

        Raises Conflict where another message of this process holds one of them: the same batch published twice.
        """
        if self._in_hand.intersection(task_keys):
            raise Conflict("the same task is being sent at this moment")
        self._in_hand.update(task_keys)
        try:
            yield
        finally:
            self._in_hand.difference_update(task_keys)

    def keep(self, begun: Iterable[ChatDelivery], outcomes: Iterable[ChatDelivery]) -> None:
        """Remember what is true of tasks that were, or may have been, recorded as `sending`."""
        self._kept |= {one.task_key: (one, outcome) for one, outcome in zip(begun, outcomes, strict=True)}

    async def record(self, tx: Transaction) -> Mapping[str, tuple[ChatDelivery, ChatDelivery]]:
        """Record all of it, except where the row has another story by now; return it, to be forgotten on commit."""
        kept = dict(self._kept)
        stored = await tx.deliveries.find(kept)
        true = [
            outcome for key, (begun, outcome) in kept.items() if key in stored and _is_of(outcome, begun, stored[key])
        ]
        if true:
            await tx.deliveries.save(true)
            await _tell(tx, true, is_final=False)
            log.info("chat_outcomes_recorded_late", task_keys=[one.task_key for one in true])
        return kept

    def forget(self, recorded: Mapping[str, tuple[ChatDelivery, ChatDelivery]]) -> None:
        """Forget what has been recorded, and nothing that was kept since."""
        for key, pair in recorded.items():
            if self._kept.get(key) is pair:
                del self._kept[key]


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
    for index, task in enumerate(delivery.message.tasks):
        planned = _planned(delivery, index, sender.name, clock())
        try:
            with unrecorded.holding(planned):
                await _send(task, planned, uow, sender, clock, unrecorded, is_last=is_last)
        except (Retryable, Reject) as failure:
            log.warning("chat_task_failed", index=index, reason=str(failure), will_retry=isinstance(failure, Retryable))
            failures.append((index, failure))
    if failures:
        raise _worst(failures)


async def _send(
    task: ChatTask,
    planned: dict[str, ChatDelivery],
    uow: Uow,
    sender: MessageSender,
    clock: Clock,
    unrecorded: Unrecorded,
    *,
    is_last: bool,
) -> None:
    """Send what of a task was not sent yet, with no transaction open during the call."""
    begun = await _begin(planned, uow, clock(), unrecorded)
    if not begun:
        return
    try:
        receipt = await sender.send(task if len(begun) == len(planned) else _only(task, begun))
    except Unavailable:
        await _record(uow, unrecorded, begun, [_untried(one) for one in begun])
        raise
    except (Retryable, Reject) as failure:
        reason = str(failure)[:REASON_LENGTH]
        failed_at = clock()
        failed = [replace(one, state=DeliveryState.FAILED, reason=reason, updated_at=failed_at) for one in begun]
        await _record(uow, unrecorded, begun, failed, is_final=is_last or isinstance(failure, Reject))
        raise
    await _record(uow, unrecorded, begun, [_sent(one, receipt, clock()) for one in begun])
    log.info("chat_task_sent", sender=receipt.sender, platform_creator_id=task.platform_creator_id, parts=len(begun))


def _sent(delivery: ChatDelivery, receipt: Receipt, now: datetime) -> ChatDelivery:
    return replace(delivery, state=DeliveryState.SENT, sender=receipt.sender, reason=None, sent_at=now, updated_at=now)


def _untried(begun: ChatDelivery) -> ChatDelivery:
    return replace(begun, state=DeliveryState.PENDING, attempts=begun.attempts - 1)


def _is_of(outcome: ChatDelivery, begun: ChatDelivery, stored: ChatDelivery) -> bool:
    """Tell whether a row still speaks of the call that ended so, and not of a later one or of somebody else's.

    A copy of the message may have taken the call for interrupted; that it was sent is known better here.
    """
    if stored.attempts != begun.attempts:
        return False
    # SQL keeps milliseconds.
    is_as_begun = stored.state is DeliveryState.SENDING and abs(stored.updated_at - begun.updated_at) < MILLISECOND
    return is_as_begun or (stored.state is DeliveryState.UNCERTAIN and outcome.state is DeliveryState.SENT)


def _only(task: ChatTask, parts: Sequence[ChatDelivery]) -> ChatTask:
    """Return the task with the messages of these parts alone."""
    messages = [ChatMessage.model_validate(message) for part in parts for message in part.messages]
    return task.model_copy(update={"messages": messages})


async def _begin(
    planned: dict[str, ChatDelivery], uow: Uow, now: datetime, unrecorded: Unrecorded
) -> list[ChatDelivery]:
    """Record as `sending` what is still to be sent, and as `uncertain` what was interrupted; return the former."""
    begun: list[ChatDelivery] = []
    try:
        async with uow() as tx:
            late = await unrecorded.record(tx)
            stored = await tx.deliveries.begin(list(planned.values()))
            begun = [_begun(stored[key], plan, now) for key, plan in planned.items() if stored[key].state in UNTRIED]
            interrupted = [_uncertain(one, now) for one in stored.values() if one.state is DeliveryState.SENDING]
            if begun or interrupted:
                await tx.deliveries.save([*begun, *interrupted])
                await _tell(tx, interrupted)
    except Unavailable:
        # The server may have committed without our hearing of it; nothing was sent either way.
        unrecorded.keep(begun, map(_untried, begun))
        raise
    unrecorded.forget(late)
    for known in interrupted:
        metrics.chat_uncertain.inc()
        log.error("chat_task_uncertain", task_key=known.task_key, platform_creator_id=known.platform_creator_id)
    if len(begun) + len(interrupted) < len(planned):
        metrics.duplicates.labels(topology.CHATBOT_SAMPLE_BATCH.name).inc()
        log.debug("chat_task_repeated", skipped=len(planned) - len(begun) - len(interrupted))
    return begun


def _begun(known: ChatDelivery, planned: ChatDelivery, now: datetime) -> ChatDelivery:
    """Return a delivery as it is sent: what the message says now, also when an earlier try recorded the reminder."""
    return replace(
        known,
        messages=planned.messages,
        sender=planned.sender,
        state=DeliveryState.SENDING,
        attempts=known.attempts + 1,
        updated_at=now,
    )


def _uncertain(known: ChatDelivery, now: datetime) -> ChatDelivery:
    reason = "interrupted while it was being sent"
    return replace(known, state=DeliveryState.UNCERTAIN, reason=reason, updated_at=now)


async def _record(
    uow: Uow,
    unrecorded: Unrecorded,
    begun: Sequence[ChatDelivery],
    outcomes: Sequence[ChatDelivery],
    *,
    is_final: bool = True,
) -> None:
    """Store the outcome of a call; if that cannot be, keep it until SQL is back and the handler is run again."""
    for tries_left in reversed(range(RECORD_TRIES)):
        try:
            async with uow() as tx:
                await tx.deliveries.save(outcomes)
                await _tell(tx, outcomes, is_final=is_final)
        except Conflict:
            if not tries_left:
                unrecorded.keep(begun, outcomes)
                raise
        except Unavailable:
            unrecorded.keep(begun, outcomes)
            raise
        else:
            return


async def _tell(tx: Transaction, deliveries: Iterable[ChatDelivery], *, is_final: bool = True) -> None:
    """Say what became of tasks that an outreach task asked for; nobody listens for the others."""
    if told := [outcome for each in deliveries if (outcome := outcome_of(each, is_final=is_final))]:
        await tx.send_all(told)


def outcome_of(delivery: ChatDelivery, *, is_final: bool = True) -> Outgoing | None:
    """Return what is said of a delivery to the outreach task that asked for it; None if there is nothing to say."""
    if delivery.outreach_task_id is None or delivery.state not in TOLD:
        return None
    outcome = ChatOutcome(
        task_key=delivery.task_key,
        outreach_task_id=delivery.outreach_task_id,
        platform_creator_id=delivery.platform_creator_id,
        state=delivery.state,
        at=delivery.updated_at,
        sender=delivery.sender,
        reason=delivery.reason,
        is_final=is_final,
    )
    return replace(outgoing(outcome), key=f"{outcome.key}.{outcome.state}")


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

"""What is recorded of chat tasks, in SQL and, while that is away, in this process; and who is told."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from brokers.outgoing import Outgoing
from brokers.verdict import Conflict, Unavailable
from persistence.uow import Transaction, Uow
from publishers.chat_outcomes import told
from schemas.chatbot.records import ChatDelivery, DeliveryState
from schemas.chatbot.sending import Receipt
from schemas.outreach.messages import ChatOutcome

log = structlog.get_logger()

#: Losing a race for a row must not make the outcome of a finished call unknown; each loss lets the winner finish.
RECORD_TRIES = 5
#: As much of a reason as is kept beside a delivery; the log has the rest.
REASON_LENGTH = 500
MILLISECOND = timedelta(milliseconds=1)
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
            await tell(tx, true, is_final=False)
            log.info("chat_outcomes_recorded_late", task_keys=[one.task_key for one in true])
        return kept

    def forget(self, recorded: Mapping[str, tuple[ChatDelivery, ChatDelivery]]) -> None:
        """Forget what has been recorded, and nothing that was kept since."""
        for key, pair in recorded.items():
            if self._kept.get(key) is pair:
                del self._kept[key]


async def record(
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
                await tell(tx, outcomes, is_final=is_final)
        except Conflict:
            if not tries_left:
                unrecorded.keep(begun, outcomes)
                raise
        except Unavailable:
            unrecorded.keep(begun, outcomes)
            raise
        else:
            return


async def tell(tx: Transaction, deliveries: Iterable[ChatDelivery], *, is_final: bool = True) -> None:
    """Say what became of tasks that an outreach task asked for.

    Nobody listens for reminders: what became of those is in `chatbot_deliveries`, and an event would be one more row
    and message for each.
    """
    if outcomes := [outcome for each in deliveries if (outcome := outcome_of(each, is_final=is_final))]:
        await tx.send_all(outcomes)


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
        replied=delivery.is_answered,
    )
    return told(outcome)


def begun(known: ChatDelivery, planned: ChatDelivery, now: datetime) -> ChatDelivery:
    """Return a delivery as it is sent: what the message says now, also when an earlier try recorded the reminder."""
    return replace(
        known,
        messages=planned.messages,
        sender=planned.sender,
        state=DeliveryState.SENDING,
        attempts=known.attempts + 1,
        updated_at=now,
    )


def untried(begun: ChatDelivery) -> ChatDelivery:
    """Return a delivery whose call was none."""
    return replace(begun, state=DeliveryState.PENDING, attempts=begun.attempts - 1)


def sent(begun: ChatDelivery, receipt: Receipt, now: datetime) -> ChatDelivery:
    """Return a delivery that arrived."""
    return replace(begun, state=DeliveryState.SENT, sender=receipt.sender, reason=None, sent_at=now, updated_at=now)


def failed(known: ChatDelivery, failure: Exception, now: datetime) -> ChatDelivery:
    """Return a delivery that did not arrive."""
    return replace(known, state=DeliveryState.FAILED, reason=str(failure)[:REASON_LENGTH], updated_at=now)


def uncertain(known: ChatDelivery, reason: str, now: datetime) -> ChatDelivery:
    """Return a delivery of which nobody knows whether it arrived."""
    return replace(known, state=DeliveryState.UNCERTAIN, reason=reason[:REASON_LENGTH], updated_at=now)


def _is_of(outcome: ChatDelivery, begun: ChatDelivery, stored: ChatDelivery) -> bool:
    """Tell whether a row still speaks of the call that ended so, and not of a later one or of somebody else's.

    A copy of the message may have taken the call for interrupted; that it was sent is known better here.
    """
    if stored.attempts != begun.attempts:
        return False
    # SQL keeps milliseconds.
    is_as_begun = stored.state is DeliveryState.SENDING and abs(stored.updated_at - begun.updated_at) < MILLISECOND
    return is_as_begun or (stored.state is DeliveryState.UNCERTAIN and outcome.state is DeliveryState.SENT)

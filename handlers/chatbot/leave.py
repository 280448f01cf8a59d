"""Whether a chat task may still be written: the outreach task that asked for it may be paused or over by now."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from brokers.verdict import Retryable
from persistence.uow import Transaction
from publishers.chat_outcomes import told
from schemas.chatbot.records import ChatDelivery, DeliveryState
from schemas.outreach.messages import ChatOutcome
from schemas.outreach.records import ContactState, StopReason
from schemas.outreach.statuses import Gate, Leave, leave_of
from schemas.readers import whole_milliseconds

#: A task that somebody else asked for waits this long for its paused outreach task; a few tries last for hours.
_PAUSE = timedelta(minutes=30)
_OPEN = Leave(Gate.OPEN)


async def leave(tx: Transaction, planned: Iterable[ChatDelivery], now: datetime) -> Leave:
    """Return the leave of the outreach task that asked for these parts of a chat task; open if there is none.

    A task that has seen all its creators still writes to the last of them.
    """
    task_id = next((each.outreach_task_id for each in planned), None)
    if task_id is None:
        return _OPEN
    task = (await tx.outreach_tasks.look_up([task_id])).get(task_id)
    if task is None:
        return _OPEN
    found = leave_of(task, now)
    return _OPEN if found.reason == StopReason.MAXIMUM else found


async def put_back(tx: Transaction, unsent: Iterable[ChatDelivery], reason: str, now: datetime) -> None:
    """Say of messages that they are not on their way: their outreach task decides anew once it goes on.

    Raises Retryable for one that it did not ask for itself.
    """
    for each in unsent:
        task_id, creator_id = each.outreach_task_id or "", each.platform_creator_id
        contact = (await tx.contacts.find(task_id, [creator_id])).get(creator_id)
        if contact is None or contact.task_key != each.task_key:
            raise Retryable(reason, _PAUSE)
        if contact.state is ContactState.QUEUED:
            await tx.send_all([told(_pending(each, reason, now))])


def _pending(delivery: ChatDelivery, reason: str, now: datetime) -> ChatOutcome:
    return ChatOutcome(
        task_key=delivery.task_key,
        outreach_task_id=delivery.outreach_task_id or "",
        platform_creator_id=delivery.platform_creator_id,
        state=DeliveryState.PENDING,
        at=whole_milliseconds(now),
        reason=reason,
        is_final=False,
    )

"""The listener to what became of chat tasks: back into the contact, and into the counters of its task."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from brokers import topology
from brokers.delivery import Delivery
from brokers.router import Router
from handlers.outreach.settling import settle
from persistence.uow import Transaction, Uow
from schemas.chatbot.records import DeliveryState
from schemas.clock import Clock
from schemas.identity import creator_id
from schemas.outreach.messages import ChatOutcome
from schemas.outreach.records import Contact, ContactState, OutreachTask
from schemas.outreach.statuses import MOST
from schemas.readers import whole_milliseconds

log = structlog.get_logger()

router = Router()

_STATES = {
    DeliveryState.SENT: ContactState.SENT,
    DeliveryState.FAILED: ContactState.FAILED,
    DeliveryState.UNCERTAIN: ContactState.UNCERTAIN,
}


@router.consume(topology.OUTREACH_ON_CHAT_OUTCOME)
async def on_chat_outcome(batch: list[Delivery[ChatOutcome]], uow: Uow, clock: Clock) -> None:
    """Note what became of a creator's message, count those that arrived, and let the next ones go.

    Safe to repeat: a contact counts once, when it becomes sent, and is never anything else afterwards.
    """
    outcomes = [delivery.message for delivery in batch]
    async with uow() as tx:
        tasks = await tx.outreach_tasks.find({each.outreach_task_id for each in outcomes})
        after = [
            await _noted(tx, task, [each for each in outcomes if each.outreach_task_id == task.id], clock)
            for task in tasks.values()
        ]
        await settle(tx, after, clock)
    if strangers := {each.outreach_task_id for each in outcomes} - tasks.keys():
        log.warning("outreach_outcome_of_no_task", task_ids=sorted(strangers))


async def _noted(tx: Transaction, task: OutreachTask, outcomes: Sequence[ChatOutcome], clock: Clock) -> OutreachTask:
    """Write the outcomes of one task's messages, and return the task with how many arrived."""
    now = whole_milliseconds(clock())
    contacts = await tx.contacts.find(task.id, {each.platform_creator_id for each in outcomes})
    changed: dict[str, Contact] = {}
    for outcome in sorted(outcomes, key=lambda each: each.at):
        contact = contacts.get(outcome.platform_creator_id)
        if contact is None or outcome.state is DeliveryState.SENDING:
            log.warning("outreach_outcome_of_nobody", task_id=task.id, platform_creator_id=outcome.platform_creator_id)
            continue
        after = replace(told(contact, outcome), updated_at=now)
        if after.state is ContactState.SENT and contact.state is not ContactState.SENT:
            written_to = min(task.new_creators_real_count + 1, MOST)
            task = replace(task, new_creators_real_count=written_to, last_modification_time=now)
        contacts[outcome.platform_creator_id] = changed[outcome.platform_creator_id] = after
    await tx.contacts.save(list(changed.values()))
    await tx.creators.note_reply({creator_id(each.platform, each.platform_creator_id) for each in _answering(changed)})
    return task


def _answering(changed: Mapping[str, Contact]) -> Iterator[Contact]:
    return (each for each in changed.values() if each.replied)


def told(contact: Contact, outcome: ChatOutcome) -> Contact:
    """Return the contact as an outcome leaves it: sent is for good, and what is older than what is known is not news.

    A failure that will be tried again leaves it on its way, with the reason; one that was put back waits again. A
    creator who turned out to have replied is skipped.
    """
    at = whole_milliseconds(outcome.at)
    contact = replace(contact, replied=contact.replied or outcome.replied)
    if contact.state is ContactState.SENT:
        return contact
    if outcome.state is DeliveryState.SENT:
        return replace(contact, state=ContactState.SENT, connected=True, sent_at=at, outcome_at=at)
    if contact.outcome_at is not None and at < contact.outcome_at:
        return contact
    return _unsent(contact, outcome, at)


def _unsent(contact: Contact, outcome: ChatOutcome, at: datetime) -> Contact:
    reason = outcome.reason
    if outcome.state is DeliveryState.PENDING:
        is_of_now = contact.state is ContactState.QUEUED and not (contact.decided_at and at < contact.decided_at)
        waiting = replace(contact, state=ContactState.WAITING, reason=reason, outcome_at=at, woken_until=None)
        return waiting if is_of_now else contact
    if outcome.replied:
        reason = reason or "has replied"
        return replace(contact, state=ContactState.SKIPPED, connected=True, reason=reason, outcome_at=at)
    if outcome.state is DeliveryState.FAILED and not outcome.is_final:
        return replace(contact, state=ContactState.QUEUED, reason=reason, outcome_at=at)
    return replace(contact, state=_STATES[outcome.state], reason=reason, outcome_at=at)

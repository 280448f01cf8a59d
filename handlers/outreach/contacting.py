"""The consumer of creators who were found for a task: who of them is written to, and what; one transaction a group."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from brokers import topology
from brokers.delivery import Delivery
from brokers.outgoing import Outgoing
from brokers.router import Router
from brokers.verdict import Retryable
from handlers.outreach.handing import Handed, contact_of, handed, task_from
from handlers.outreach.judging import judged, known_of
from handlers.outreach.settling import settle
from persistence.uow import Transaction, Uow
from publishers.schedules.politeness import Politeness
from schemas.clock import Clock
from schemas.outreach.crawling import region_of
from schemas.outreach.messages import DecideContacts
from schemas.outreach.records import UNSETTLED, Contact, ContactState, OutreachTask
from schemas.outreach.statuses import Gate, has_seen_most, leave_of, room_of
from schemas.readers import whole_milliseconds

log = structlog.get_logger()

router = Router()

#: Whoever another task writes to at the moment is asked about again after this long.
BLOCKED_FOR = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)


@router.consume(topology.OUTREACH_CONTACTS_DECIDE)
async def decide_contacts(
    batch: list[Delivery[DecideContacts]], uow: Uow, clock: Clock, politeness: Politeness
) -> None:
    """Decide who of the creators is written to, by task, history and chat, and queue the messages.

    Safe to repeat: a task has one contact of each creator, whose message is queued in the transaction that decides it
    and carries an identity derived from both. Creators of a task that is paused or has not begun wait in SQL, and so do
    those of a region whose hours are quiet.
    """
    found = [each for delivery in batch for each in handed(delivery)]
    async with uow() as tx:
        tasks = await _tasks(tx, found, clock)
        after: list[OutreachTask] = []
        asleep: set[str] = set()
        for task_id in sorted(tasks):
            of_task = [each for each in found if each.task_id == task_id]
            task, wakes = await _decide(tx, tasks[task_id], of_task, clock, politeness)
            after.append(task)
            asleep |= set() if wakes else {task_id}
        await settle(tx, after, clock, asleep=asleep)


async def _tasks(tx: Transaction, found: Sequence[Handed], clock: Clock) -> dict[str, OutreachTask]:
    """Return the tasks of creators, locked; one that is not known is made of what came with them, or waited for."""
    ids = {each.task_id for each in found}
    tasks = await tx.outreach_tasks.find(ids)
    for each in found:
        if each.task_id not in tasks:
            if (task := task_from(each, whole_milliseconds(clock()))) is None:
                raise Retryable(f"outreach task {each.task_id} is not known")
            await tx.outreach_tasks.add(task)
            tasks[each.task_id] = task
    return tasks


async def _decide(
    tx: Transaction, task: OutreachTask, found: Sequence[Handed], clock: Clock, politeness: Politeness
) -> tuple[OutreachTask, bool]:
    """Take in a task's creators and decide on those that wait.

    Returns the task with how many it has seen, and whether others who wait may have their turn at once.
    """
    now = whole_milliseconds(clock())
    task, waiting = await _taken_in(tx, task, found, now)
    leave = leave_of(task, now)
    if not waiting or leave.gate is not Gate.OPEN:
        return task, False  # Those of a task that is over are skipped when it is settled.
    if politeness.quiet_until(region_of(task.region), now):
        return task, False  # The poller asks again.
    tally = (await tx.contacts.tally([task.id], UNSETTLED))[task.id]
    room = room_of(task, queued=tally.get(ContactState.QUEUED, 0), uncertain=tally.get(ContactState.UNCERTAIN, 0))
    return task, bool(room) and await _decide_on(tx, task, waiting, room, now)


async def _taken_in(
    tx: Transaction, task: OutreachTask, found: Sequence[Handed], now: datetime
) -> tuple[OutreachTask, list[Contact]]:
    """Store creators that the task has not seen, as many as it may, and return those of its creators that wait."""
    by_id = {each.creator.platform_creator_id: each for each in found}
    known = await tx.contacts.find(task.id, by_id)
    new: list[Contact] = []
    for platform_creator_id, each in by_id.items():
        if platform_creator_id in known:
            continue
        if has_seen_most(task):
            log.debug("outreach_creator_beyond_the_maximum", task_id=task.id, platform_creator_id=platform_creator_id)
            continue
        # One after the other: those who wait keep the order in which they were found.
        new.append(contact_of(task, each, now + len(new) * MILLISECOND))
        task = replace(task, creators_seen=task.creators_seen + 1)
    if new:
        await tx.contacts.add(new)
        known = await tx.contacts.find(task.id, by_id)  # one of them may have been reported as sent meanwhile
    waiting = [each for each in known.values() if each.state is ContactState.WAITING]
    return task, sorted(waiting, key=lambda each: each.created_at)


async def _decide_on(tx: Transaction, task: OutreachTask, waiting: Sequence[Contact], room: int, now: datetime) -> bool:
    """Decide on contacts that wait, in their order, until as many are on their way as may be.

    Returns whether none of them is, and so nothing will be heard that gives the next ones their turn.
    """
    known = await known_of(tx, waiting)
    decided: list[Contact] = []
    blocked: list[Contact] = []
    messages: list[Outgoing] = []
    for contact in waiting:
        if len(messages) == room:
            break
        judgement = judged(task, contact, known, now)
        if judgement is None:
            # Another task writes to this creator at the moment; what comes of it decides. Others do not wait for it.
            blocked.append(replace(contact, woken_until=now + BLOCKED_FOR))
            continue
        after, message = judgement
        decided.append(after)
        known.contacts.append(after)
        messages += [message] if message else []
    await tx.contacts.save([*decided, *blocked])
    await tx.send_all(messages)
    log.info(
        "outreach_contacts_decided",
        task_id=task.id,
        queued=len(messages),
        skipped=sum(each.state is ContactState.SKIPPED for each in decided),
        failed=sum(each.state is ContactState.FAILED for each in decided),
        waiting=len(waiting) - len(decided),
    )
    return not messages

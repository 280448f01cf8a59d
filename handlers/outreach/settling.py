"""What follows from a change of tasks: those that have what they want end, and what still waits of them is skipped."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from persistence.uow import Transaction
from schemas.clock import Clock
from schemas.outreach.messages import DecideContacts, handed_over
from schemas.outreach.records import UNSETTLED, ContactState, OutreachTask, StopReason
from schemas.outreach.statuses import WINDOW, Gate, concluded, leave_of, room_of

log = structlog.get_logger()


async def settle(
    tx: Transaction, tasks: Iterable[OutreachTask], clock: Clock, *, asleep: Collection[str] = ()
) -> dict[str, OutreachTask]:
    """Store changed tasks with what follows: the end of those that are done, and more contacts where there is room.

    The tasks are locked. Contacts that wait are handed to the handler that decides them, but not those of tasks in
    `asleep`. Returns the tasks as they are then.
    """
    now = clock()
    found = {task.id: task for task in tasks}
    tallies = await tx.contacts.tally(found, UNSETTLED)
    closing: dict[str, str] = {}
    for changed in list(found.values()):
        tally = tallies[changed.id]
        task, waiting = await _within_maximum(tx, changed, tally.get(ContactState.WAITING, 0), now)
        queued = tally.get(ContactState.QUEUED, 0)
        after = found[task.id] = concluded(task, now, is_quiet=not waiting and not queued)
        if after is not task:
            log.info("outreach_task_ended", task_id=task.id, status=after.status, reason=after.stop_reason)
        leave = leave_of(after, now)
        if waiting and leave.gate is Gate.CLOSED:
            closing[task.id] = leave.reason
        elif waiting and task.id not in asleep and leave.gate is Gate.OPEN:
            room = room_of(after, queued=queued, uncertain=tally.get(ContactState.UNCERTAIN, 0))
            await _wake(tx, task.id, room, now)
    await tx.contacts.close(closing, now)
    await tx.outreach_tasks.save(found.values())
    return found


async def _within_maximum(tx: Transaction, task: OutreachTask, waiting: int, now: datetime) -> tuple[OutreachTask, int]:
    """Skip those who were found last, where the maximum was lowered below what was seen; return how many wait."""
    beyond = task.creators_seen - task.max_creators if task.max_creators else 0
    if beyond <= 0 or not waiting:
        return task, waiting
    dropped = await tx.contacts.drop(task.id, StopReason.MAXIMUM, now, min(beyond, waiting))
    return replace(task, creators_seen=task.creators_seen - dropped), waiting - dropped


async def _wake(tx: Transaction, task_id: str, room: int, now: datetime) -> None:
    if room and (waiting := await tx.contacts.waiting(task_id, now, min(room, WINDOW))):
        await tx.send(DecideContacts.of([handed_over(each) for each in waiting]))

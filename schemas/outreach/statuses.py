"""How a task goes from one status to another, and when its creators may be written to."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple

from schemas.outreach.messages import Action
from schemas.outreach.records import BEFORE, OVER, OutreachTask, StopReason, TaskStatus

#: The largest number that a column of counts holds.
MOST = 2**31 - 1

#: Contacts of a task that are on their way at most: what is paused or cancelled should soon be quiet.
WINDOW = 20

#: After the word that no more creators come, so long the last of them may still be under way to their task.
GRACE = timedelta(seconds=30)

#: Reasons of an end after which creators who were handed over before may still be written to.
LENIENT = frozenset({StopReason.HANDED_OVER, StopReason.REPORTED, StopReason.CRAWL})
#: The statuses of such an end: `REPORTED` stands beside others too, after which nobody is written to.
LENIENT_ENDS = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED})


class Gate(Enum):
    """Whether a task's creators may be written to now."""

    OPEN = auto()
    WAIT = auto()
    CLOSED = auto()


class Leave(NamedTuple):
    """A gate, and why it is not open."""

    gate: Gate
    reason: str = ""


def leave_of(task: OutreachTask, now: datetime) -> Leave:
    """Tell whether the task's creators may be written to now."""
    if task.status in OVER and not is_lenient(task):
        return Leave(Gate.CLOSED, task.stop_reason or f"the task is {task.status}")
    if task.plan_stop_time is not None and task.plan_stop_time <= now:
        return Leave(Gate.CLOSED, StopReason.TIME)
    if has_reached_target(task):
        return Leave(Gate.CLOSED, StopReason.TARGET)
    if task.status is TaskStatus.RUNNING or is_lenient(task):
        return Leave(Gate.OPEN)
    return Leave(Gate.WAIT, f"the task is {task.status}")


def is_lenient(task: OutreachTask) -> bool:
    """Tell whether a task ended with the word that no more creators come, and nothing against those it has."""
    lenient = LENIENT if task.status is TaskStatus.COMPLETED else {StopReason.CRAWL}
    return task.status in LENIENT_ENDS and task.stop_reason in lenient


def room_of(task: OutreachTask, *, queued: int, uncertain: int) -> int:
    """Return how many more contacts may be on their way: a few at a time, and never beyond the target."""
    room = WINDOW - queued
    if task.new_creators_expect_count:
        room = min(room, task.new_creators_expect_count - task.new_creators_real_count - queued - uncertain)
    return max(room, 0)


def has_reached_target(task: OutreachTask) -> bool:
    """Tell whether as many creators as wanted have been written to."""
    wanted = task.new_creators_expect_count
    return bool(wanted) and task.new_creators_real_count >= (wanted or 0)


def has_seen_most(task: OutreachTask) -> bool:
    """Tell whether no more creators of this task are to be looked at."""
    return bool(task.max_creators) and task.creators_seen >= (task.max_creators or 0)


def concluded(task: OutreachTask, now: datetime, *, is_quiet: bool) -> OutreachTask:
    """Return the task as it is after contacts of it changed; `is_quiet` tells that none waits or is on its way."""
    if task.status is not TaskStatus.RUNNING:
        return task
    if has_reached_target(task):
        return stopped(task, TaskStatus.COMPLETED, StopReason.TARGET, now)
    if is_quiet and has_seen_most(task):
        return stopped(task, TaskStatus.COMPLETED, StopReason.MAXIMUM, now)
    if is_quiet and task.stop_reason == StopReason.CRAWL:
        failed = stopped(task, TaskStatus.FAILED, StopReason.CRAWL, now)
        return replace(failed, message=task.message or failed.message)
    if is_quiet and task.handed_over_at is not None and task.handed_over_at + GRACE <= now:
        return stopped(task, TaskStatus.COMPLETED, StopReason.HANDED_OVER, now)
    return task


def stopped(task: OutreachTask, status: TaskStatus, reason: StopReason, now: datetime) -> OutreachTask:
    """Return the task as ended here."""
    return replace(
        task,
        status=status,
        stop_reason=reason,
        message=reason,
        real_end_at=task.real_end_at or now,
        spend_time=task.spend_time or _spent(task.real_start_at, now),
        last_modification_time=now,
    )


def _spent(since: datetime | None, now: datetime) -> int | None:
    """Return whole seconds; whoever reported the start may have a clock of another year."""
    return None if since is None else min(max(int((now - since).total_seconds()), 0), MOST)


def started(task: OutreachTask, now: datetime) -> OutreachTask:
    """Return the task as running from now on, or again; an end that is past by then is no end."""
    is_past = task.plan_stop_time is not None and task.plan_stop_time <= now
    return replace(
        task,
        plan_stop_time=None if is_past else task.plan_stop_time,
        status=TaskStatus.RUNNING,
        message=None,
        stop_reason=None,
        handed_over_at=None,
        real_start_at=task.real_start_at or now,
        real_end_at=None,
        last_modification_time=now,
    )


def controlled(task: OutreachTask, action: Action, now: datetime, reason: str | None = None) -> OutreachTask:
    """Return the task as an operator, or whoever crawls for it, wants it; the same task where that changes nothing.

    Cancelled is for good. What was paused goes on only by `resume` or `start`. An `end` with a reason is one that came
    too early: the task fails once nobody waits or is on their way.
    """
    status = task.status
    after = task
    if status is TaskStatus.CANCELLED:
        return task
    if action is Action.START and status is not TaskStatus.RUNNING:
        after = started(task, now)
        if status is TaskStatus.PAUSED:
            after = replace(after, handed_over_at=task.handed_over_at)
    elif action is Action.RESUME and status is TaskStatus.PAUSED:
        after = replace(task, status=_resumed(task), message=None, last_modification_time=now)
    elif action is Action.PAUSE and (status is TaskStatus.RUNNING or status in BEFORE):
        after = replace(task, status=TaskStatus.PAUSED, message=reason or "paused", last_modification_time=now)
    elif action is Action.CANCEL and status not in OVER:
        cancelled = stopped(task, TaskStatus.CANCELLED, StopReason.CANCELLED, now)
        after = replace(cancelled, message=reason or cancelled.message)
    elif action is Action.END and status not in OVER and task.handed_over_at is None:
        after = replace(task, handed_over_at=now, last_modification_time=now)
        if reason:
            after = replace(after, stop_reason=StopReason.CRAWL, message=reason)
    return after


def _resumed(task: OutreachTask) -> TaskStatus:
    """Return what a paused task goes on as: one that never ran still waits for its time."""
    return TaskStatus.RUNNING if task.real_start_at is not None else TaskStatus.PENDING


def told(current: TaskStatus, wanted: TaskStatus) -> str | None:
    """Return why a status that somebody reports is not taken over; None if it is.

    What an operator decided, and what was ended here, is not undone by a report that knows nothing of it.
    """
    if current is wanted:
        return None
    if current in OVER:
        return f"is not taken over: the task is {current}"
    if current is TaskStatus.PAUSED and wanted not in OVER:
        return "is not taken over: the task is paused, and goes on when it is resumed"
    if current is TaskStatus.RUNNING and wanted in BEFORE:
        return "is not taken over: the task is running"
    return None

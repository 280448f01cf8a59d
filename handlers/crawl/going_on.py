"""Whether a crawl for an outreach task is still wanted: the task's own state, asked before each creator."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from brokers.verdict import Conflict, Unavailable
from crawlers.creators import always
from crawlers.errors import TaskWaits
from persistence.uow import Uow
from schemas.clock import Clock
from schemas.outreach.statuses import Gate, has_seen_most, leave_of

log = structlog.get_logger()

#: A command may wait for days; a few hundred looks must last as long.
_LOOK_AGAIN = timedelta(minutes=30)


def going_on(task_id: str | None, uow: Uow, clock: Clock) -> Callable[[], Awaitable[bool]]:
    """Return what a crawl asks: False once its task is over or full, TaskWaits while it is paused.

    A task that nobody knows, and one that cannot be looked at now, is crawled for: who is written to is decided when
    the creators arrive.
    """
    if task_id is None:
        return always

    async def ask() -> bool:
        try:
            async with uow() as tx:
                task = (await tx.outreach_tasks.look_up([task_id])).get(task_id)
        except (Conflict, Unavailable) as error:
            log.warning("crawl_task_unknown", task_id=task_id, error=str(error)[:200])
            return True
        if task is None:
            return True
        leave = leave_of(task, clock())
        if leave.gate is Gate.WAIT:
            raise TaskWaits(f"task {task_id}: {leave.reason}", clock() + _LOOK_AGAIN)
        return leave.gate is Gate.OPEN and not has_seen_most(task)

    return ask

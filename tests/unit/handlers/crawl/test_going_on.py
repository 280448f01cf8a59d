"""A crawl for a task goes on as long as the task wants it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from brokers.verdict import Unavailable
from crawlers.errors import TaskWaits
from handlers.crawl.going_on import going_on
from schemas.outreach.records import TaskStatus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def uow_of(task: Any, error: Exception | None = None) -> Any:
    async def look_up(ids: list[str]) -> dict[str, Any]:
        if error is not None:
            raise error
        return {ids[0]: task} if task is not None else {}

    @asynccontextmanager
    async def uow() -> AsyncIterator[Any]:
        yield SimpleNamespace(outreach_tasks=SimpleNamespace(look_up=look_up))

    return uow


def task(status: TaskStatus = TaskStatus.RUNNING, **values: Any) -> Any:
    known = {
        "status": status,
        "stop_reason": None,
        "plan_stop_time": None,
        "new_creators_expect_count": None,
        "new_creators_real_count": 0,
        "max_creators": None,
        "creators_seen": 0,
    }
    return SimpleNamespace(**{**known, **values})


async def goes_on(found: Any, error: Exception | None = None) -> bool:
    return await going_on("t-1", uow_of(found, error), lambda: NOON)()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (task(), True),
        (None, True),
        (task(TaskStatus.CANCELLED), False),
        (task(TaskStatus.TIMEOUT), False),
        (task(plan_stop_time=NOON - timedelta(seconds=1)), False),
        (task(new_creators_expect_count=5, new_creators_real_count=5), False),
        (task(max_creators=9, creators_seen=9), False),
    ],
    ids=["running", "unknown", "cancelled", "timeout", "past its end", "target reached", "all seen"],
)
async def test_a_crawl_goes_on_as_long_as_its_task_wants_creators(found: Any, expected: bool) -> None:
    assert await goes_on(found) is expected


async def test_a_paused_task_lets_its_crawl_wait() -> None:
    with pytest.raises(TaskWaits) as refusal:
        await goes_on(task(TaskStatus.PAUSED))
    assert refusal.value.until == NOON + timedelta(minutes=30)


async def test_a_task_that_cannot_be_looked_at_is_crawled_for() -> None:
    assert await goes_on(None, Unavailable("SQL is away"))


async def test_a_search_for_nobody_s_task_asks_nobody() -> None:
    assert await going_on(None, uow_of(None, AssertionError()), lambda: NOON)()

"""The loop survives what may happen to a pass, waits as long as fits, and stops at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import structlog

from brokers.verdict import Conflict, Unavailable
from publishers import clockwork
from publishers.clockwork import SETTLE_TRIES, Pace, insist, keep_passing

PACE = Pace(
    shortest=timedelta(milliseconds=20), longest=timedelta(milliseconds=100), outage=timedelta(milliseconds=300)
)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The waits between passes in milliseconds, none of them waited."""
    seen: list[int] = []

    async def note(_: asyncio.Event, wait: timedelta) -> None:
        seen.append(round(wait.total_seconds() * 1000))

    monkeypatch.setattr(clockwork, "_pause", note)
    return seen


def scripted(stop: asyncio.Event, *outcomes: int | Exception) -> Callable[[], Awaitable[int]]:
    left = list(outcomes)

    async def work() -> int:
        outcome = left.pop(0)
        if not left:
            stop.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return work


async def run(*outcomes: int | Exception) -> None:
    stop = asyncio.Event()
    await keep_passing(scripted(stop, *outcomes), name="test", stop=stop, pace=PACE)


async def test_an_idle_publisher_looks_ever_more_rarely_and_a_busy_one_at_once(waits: list[int]) -> None:
    await run(0, 0, 0, 0, 7, 0)
    assert waits == [20, 40, 80, 100, 0, 20]


async def test_an_outage_is_waited_for_with_growing_patience_and_told_once(waits: list[int]) -> None:
    with structlog.testing.capture_logs() as logs:
        await run(*[Unavailable("away")] * 6, 1, 0)
    assert waits == [20, 40, 80, 160, 300, 300, 0, 20]
    assert [entry["event"] for entry in logs] == ["publisher_waits", "publisher_resumed"]


async def test_a_lost_race_is_tried_again_soon(waits: list[int]) -> None:
    await run(0, 0, 0, Conflict("deadlock"), 1)
    assert waits[3] == 20


async def test_a_bug_in_a_pass_does_not_end_the_loop(waits: list[int]) -> None:
    with structlog.testing.capture_logs() as logs:
        await run(RuntimeError("bug"), 0)
    assert [entry["event"] for entry in logs] == ["pass_failed"]
    assert len(waits) == 2


async def test_a_waiting_publisher_stops_at_once() -> None:
    stop, idle = asyncio.Event(), asyncio.Event()

    async def work() -> int:
        idle.set()
        return 0

    hour = timedelta(hours=1)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(keep_passing(work, name="test", stop=stop, pace=Pace(shortest=hour, longest=hour)))
        await idle.wait()
        stop.set()


async def test_a_settlement_is_tried_again_when_it_loses_and_not_for_ever() -> None:
    calls = []

    async def lose() -> None:
        calls.append(1)
        raise Conflict("deadlock")

    with pytest.raises(Conflict):
        await insist(lose)
    assert len(calls) == SETTLE_TRIES

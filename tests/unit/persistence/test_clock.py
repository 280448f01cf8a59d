"""Publishers share the database's clock, whatever their machines' clocks say."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from brokers.verdict import Unavailable
from persistence.clock import SharedClock
from tests.fakes.clock import FakeClock

NOON = datetime(2026, 1, 12, 12, 0, tzinfo=UTC)


class Machine:
    """A process beside a database: the one's steady seconds, the other's clock."""

    def __init__(self) -> None:
        self.seconds, self.database = 100.0, FakeClock(NOON)
        self.is_away = False
        self.clock = SharedClock(self._read, lambda: self.seconds)

    async def _read(self) -> datetime:
        if self.is_away:
            raise Unavailable("the database is away")
        return self.database()


async def test_it_does_not_guess_before_the_database_was_asked() -> None:
    machine = Machine()
    with pytest.raises(Unavailable):
        machine.clock()


async def test_between_readings_it_goes_on_with_the_steady_clock() -> None:
    machine = Machine()
    await machine.clock.read()
    machine.seconds += 7
    assert machine.clock() == NOON + timedelta(seconds=7)


async def test_a_reading_follows_the_database_and_tells_of_a_jump() -> None:
    machine = Machine()
    await machine.clock.read()
    machine.database.forward(hours=-3)
    with capture_logs() as logs:
        await machine.clock.read()
    assert machine.clock() == NOON - timedelta(hours=3)
    assert [(line["event"], line["seconds"]) for line in logs] == [("shared_clock_jumped", -3 * 3600)]


async def test_an_outage_costs_readings_and_not_the_time() -> None:
    machine = Machine()
    stop = asyncio.Event()
    await machine.clock.read()
    machine.is_away, machine.seconds = True, 160.0
    following = asyncio.create_task(machine.clock.run(stop))
    await machine.clock.known(stop)
    stop.set()
    await following
    assert machine.clock() == NOON + timedelta(seconds=60)


async def test_whoever_waits_for_the_time_is_let_go_when_told_to_stop() -> None:
    machine = Machine()
    stop = asyncio.Event()
    machine.is_away = True
    waiting = asyncio.create_task(machine.clock.known(stop))
    stop.set()
    async with asyncio.timeout(1):
        await waiting

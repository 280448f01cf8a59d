"""Clocks jump while reminders fall due."""

import asyncio

import pytest

from tests.chaos.fleet import RoleProcess
from tests.chaos.under_fire import Begin, MeshUnderFire

pytestmark = pytest.mark.chaos

HOUR = 3600
DAY = 24 * HOUR


async def test_a_publisher_whose_clock_jumps_tells_nothing_twice_and_nothing_early(begin: Begin) -> None:
    """Publishers go by the database's clock, so one whose own is wrong breaks no lease and repeats no reminder."""
    mesh = await begin(reminded=1, is_tampered=True)
    chance = mesh.driver.chance
    async with mesh.driver.load(rate=15):
        for jump in (chance.uniform(HOUR, DAY), -chance.uniform(HOUR, DAY), 60 * DAY, 0):
            mesh.driver.burst(40)
            await mesh.reminders_due()
            await mesh.driver.some_time(0, 0.3)
            mesh.tampering.set(_clock_of(chance.choice(mesh.fleet.publishers)), jump)
            await mesh.acknowledged(20)
    mesh.returned()
    await mesh.verdict("publishers' clocks jump")
    assert mesh.told_events("chat_task_repeated") == 0, "a lease was broken"


@pytest.mark.long
async def test_a_database_whose_clock_jumps_has_nothing_told_twice_and_nothing_lost(begin: Begin) -> None:
    """What is due by a clock that is fast is told early, once; by one that is slow it waits until its time has come."""
    mesh = await begin(reminded=1, is_tampered=True)
    chance = mesh.driver.chance
    async with mesh.driver.load(rate=5):
        for jump in (chance.uniform(HOUR, 20 * HOUR), -chance.uniform(HOUR, 20 * HOUR), 0):
            mesh.driver.burst(40)
            await mesh.reminders_due()
            jumps = mesh.told_events("shared_clock_jumped")
            mesh.tampering.set("clock of the database", jump)
            await mesh.until(lambda seen=jumps: mesh.told_events("shared_clock_jumped") >= seen + 2)
            before = await _told(mesh)
            mesh.driver.burst(40)
            await asyncio.sleep(2)  # that nothing is told in this time is the point of a jump back
            after = await _told(mesh)
            assert (after > before) == (jump >= 0), f"{before} reminders told, then {after}, after {jump:.0f} s"
    mesh.returned()
    await mesh.verdict("the database's clock jumps")


def _clock_of(role: RoleProcess) -> str:
    return f"clock of {role.port}"


async def _told(mesh: MeshUnderFire) -> int:
    return sum((await mesh.truth.scheduled()).values())

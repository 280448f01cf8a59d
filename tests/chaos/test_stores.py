"""The database and Redis go away, come back, refuse to write or forget everything, while messages are in work."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

import pytest

from persistence.engine import LOCK_WAIT
from persistence.session import READ_TIMEOUT
from tests.chaos.antagonist import antagonist, deadlocks
from tests.chaos.fleet import RoleProcess, Workers
from tests.chaos.under_fire import RECOVERY_SECONDS, Begin, MeshUnderFire

pytestmark = pytest.mark.chaos

RACES = ("race_lost", "pass_lost_a_race")


async def test_a_database_that_is_away_for_a_while_costs_time_only(begin: Begin) -> None:
    mesh = await begin()
    async with mesh.driver.load(rate=20):
        mesh.driver.burst(100)
        await mesh.in_work()
        await mesh.services.database.stop()
        mesh.driver.burst(100)
        await asyncio.sleep(12)  # the length of the outage is the scenario
        await mesh.services.database.start()
        mesh.returned()
        await mesh.acknowledged(20)
        await mesh.recovered()
    await mesh.verdict("database away")


async def test_a_database_that_crashes_under_load_costs_time_only(begin: Begin) -> None:
    mesh = await begin()
    async with mesh.driver.load():
        for _ in range(2):
            mesh.driver.burst(100)
            await mesh.in_work()
            await mesh.driver.some_time(0, 0.3)
            await mesh.services.database.kill()
            await mesh.attempted(40)
            await mesh.services.database.start()
            mesh.returned()
            await mesh.recovered()
    await mesh.verdict("database kill -9")


async def test_a_database_that_only_reads_for_a_while_costs_time_only(begin: Begin) -> None:
    mesh = await begin()
    async with mesh.driver.load():
        mesh.driver.burst(100)
        await mesh.in_work()
        await _read_only(mesh, is_on=True)
        await mesh.attempted(200)
        await _read_only(mesh, is_on=False)
        mesh.returned()
        await mesh.acknowledged(20)
        await mesh.recovered()
    await mesh.verdict("database read-only")


async def test_redis_stopped_and_emptied_slows_nothing_down(begin: Begin) -> None:
    mesh = await begin(http=1)
    async with mesh.driver.load(rate=25):
        await mesh.acknowledged(30)
        before = len(mesh.driver.operations)
        await mesh.services.redis.stop()
        await mesh.acknowledged(80)
        after = len(mesh.driver.operations)
        await mesh.services.redis.restart()  # it comes back empty
        mesh.returned()
        await mesh.acknowledged(20)
    outcome = await mesh.verdict("redis away")
    meanwhile = mesh.driver.operations[before:after]
    assert {answer for each in mesh.driver.operations for answer in each.answers} == {"200"}
    slowest = max(each.seconds for each in meanwhile)
    assert slowest < 3, f"a request took {slowest:.1f} s"
    outcome.facts["slowest"] = f"{slowest:.2f}s"


async def test_a_database_in_which_others_provoke_deadlocks_costs_time_only(begin: Begin) -> None:
    mesh = await begin()
    async with mesh.driver.load(rate=30), antagonist(mesh.store.admin_url, mesh.driver.expected) as other:
        mesh.driver.burst(100)
        await mesh.in_work()
        async with deadlocks(other):
            for _ in range(6):
                mesh.driver.burst(60)  # a group locks many marks, one after the other
                await mesh.acknowledged(40)
                await mesh.driver.some_time(0, 0.3)
        mesh.returned()
        await mesh.acknowledged(20)
        await mesh.recovered()
    outcome = await mesh.verdict("database deadlocks")
    outcome.facts |= {"deadlocks of the mesh": lost_races(mesh, 1213), "of the other": dict(other.met)}
    assert lost_races(mesh, 1213), "no deadlock was the mesh's"


async def test_a_disk_that_is_full_under_sqlite_costs_time_only(begin: Begin) -> None:
    mesh = await begin(store="embedded", workers=Workers(count=1), is_tampered=True)
    await _fill_disk(mesh, "file size", _size_of_files, "disk I/O error")
    await mesh.verdict("SQLite, files cannot grow")


@pytest.mark.long
async def test_an_sqlite_database_that_may_not_grow_costs_time_only(begin: Begin) -> None:
    mesh = await begin(store="embedded", workers=Workers(count=1), is_tampered=True)
    await _fill_disk(mesh, "pages", lambda _: 1, "database or disk is full")
    await mesh.verdict("SQLite, database full")


@pytest.mark.long
async def test_locks_held_for_longer_than_anybody_waits_cost_time_only(begin: Begin) -> None:
    mesh = await begin()
    async with mesh.driver.load(rate=20), antagonist(mesh.store.admin_url, mesh.driver.expected) as other:
        mesh.driver.burst(100)
        await mesh.in_work()
        holding = asyncio.create_task(other.keep(partial(other.hold_arrivals, span=LOCK_WAIT + timedelta(seconds=2))))
        await mesh.until(lambda: lost_races(mesh, 1205))
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        mesh.returned()
        await mesh.acknowledged(20)
        await mesh.recovered()
    outcome = await mesh.verdict("database locks held")
    outcome.facts["lock waits given up"] = lost_races(mesh, 1205)


@pytest.mark.long
async def test_a_slow_database_costs_time_only(begin: Begin) -> None:
    mesh = await begin(store="proxied")
    async with mesh.driver.load(rate=30):
        for delay in (0.02, 0.1, 0.4):
            mesh.store.proxy.delay = (
                delay  # each way, of each packet: a transaction of ten statements takes 20 times that
            )
            mesh.driver.burst(50)
            await mesh.in_work()
            await mesh.driver.some_time(4, 8)
        mesh.store.proxy.delay = 0
        mesh.returned()
        await mesh.acknowledged(20)
        await mesh.recovered()
    await mesh.verdict("database slow")


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_link_to_the_database_that_swallows_everything_is_given_up_and_costs_time_only(begin: Begin) -> None:
    mesh = await begin(store="proxied")
    async with mesh.driver.load(rate=15):
        mesh.driver.burst(100)
        await mesh.in_work()
        await mesh.driver.some_time(0, 0.2)
        mesh.store.proxy.freeze()
        async with asyncio.timeout(READ_TIMEOUT.total_seconds() + RECOVERY_SECONDS):
            while not mesh.told_events("breaker_opened"):
                await asyncio.sleep(1)
        mesh.store.proxy.restore()  # what was swallowed arrives now, commits among it
        mesh.returned()
        await mesh.acknowledged(20)
        await mesh.recovered()
    await mesh.verdict("database link frozen")


def lost_races(mesh: MeshUnderFire, code: int) -> int:
    """Return how often the roles gave way to an error of the database and ran their transaction again."""
    lost = [event for role in mesh.fleet.all for name in RACES for event in role.events(name)]
    return sum(f"database error {code}" in event["reason"] for event in lost)


async def _fill_disk(mesh: MeshUnderFire, limit: str, most: Callable[[MeshUnderFire], float], complaint: str) -> None:
    """Let a disk be full until the worker and a publisher have said so and more has arrived, then make room."""
    async with mesh.driver.load(rate=25):
        mesh.driver.burst(60)
        await mesh.in_work()
        await mesh.driver.some_time(0, 0.3)
        mesh.tampering.set(limit, most(mesh))
        mesh.driver.burst(300)  # that fill what room is left
        await mesh.until(lambda: _complains(mesh.fleet.workers, "breaker_opened", complaint))
        await mesh.acknowledged(50)
        mesh.tampering.unset(limit)
        mesh.returned()
        await mesh.acknowledged(20)
        await mesh.recovered()


def _complains(roles: Iterable[RoleProcess], event: str, complaint: str) -> bool:
    return any(complaint in said["reason"] for role in roles for said in role.events(event))


def _size_of_files(mesh: MeshUnderFire) -> float:
    """Return what no file may outgrow: the database's size, or that of a log that still has to tell of it."""
    assert mesh.store.file
    return max([mesh.store.file.stat().st_size, *(role.log.stat().st_size + 2**18 for role in mesh.fleet.all)])


async def _read_only(mesh: MeshUnderFire, *, is_on: bool) -> None:
    await mesh.services.administer(f"SET GLOBAL read_only = {int(is_on)}")

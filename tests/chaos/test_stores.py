"""The database and Redis go away, come back, refuse to write or forget everything, while messages are in work."""

import asyncio

import pytest

from tests.chaos.under_fire import Begin, MeshUnderFire

pytestmark = pytest.mark.chaos


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


async def _read_only(mesh: MeshUnderFire, *, is_on: bool) -> None:
    await mesh.services.administer(f"SET GLOBAL read_only = {int(is_on)}")

"""The broker restarts, crashes, drops connections, and the link to it fails, while messages are in work."""

import pytest

from tests.chaos.under_fire import Begin

pytestmark = pytest.mark.chaos


async def test_a_broker_that_restarts_under_load_loses_nothing(begin: Begin) -> None:
    mesh = await begin()
    async with mesh.driver.load(rate=30):
        mesh.driver.burst(100)
        await mesh.in_work()
        await mesh.services.broker.restart()
        mesh.returned()
        await mesh.acknowledged(30)
    await mesh.verdict("broker restart", uncertain=8)


async def test_a_broker_killed_under_load_loses_nothing(begin: Begin) -> None:
    mesh = await begin()
    async with mesh.driver.load(rate=30):
        mesh.driver.burst(100)
        await mesh.in_work()
        await mesh.driver.some_time(0, 0.2)
        await mesh.services.broker.kill()
        await mesh.attempted(30)
        await mesh.services.broker.start()
        mesh.returned()
        await mesh.acknowledged(30)
    await mesh.verdict("broker kill -9")


async def test_resets_of_all_connections_lose_nothing(begin: Begin) -> None:
    mesh = await begin()
    async with mesh.driver.load():
        for _ in range(2):
            mesh.driver.burst(100)
            await mesh.in_work()
            await mesh.driver.some_time(0, 0.3)
            await mesh.services.broker.close_connections()
            mesh.returned()
            await mesh.acknowledged(30)
    await mesh.verdict("connections reset")


async def test_a_link_that_is_cut_and_slow_between_worker_and_broker_loses_nothing(begin: Begin) -> None:
    mesh = await begin()
    async with mesh.driver.load():
        for _ in range(2):
            mesh.driver.burst(100)
            await mesh.in_work()
            await mesh.driver.some_time(0, 0.3)
            mesh.proxy.cut()
            await mesh.acknowledged(30)
            mesh.proxy.delay = 0.05
            mesh.proxy.restore()
            mesh.returned()
            await mesh.fleet.workers[0].until_ready()
        await mesh.acknowledged(50)
    await mesh.verdict("link cut")


async def test_a_link_that_swallows_everything_is_noticed_and_its_work_is_done_once(begin: Begin) -> None:
    mesh = await begin(worker_options="?heartbeat=2")  # two missed beats are a lost link
    worker = mesh.fleet.workers[0]
    async with mesh.driver.load():
        mesh.driver.burst(150)
        await mesh.in_work()
        await mesh.driver.some_time(0, 0.2)
        mesh.proxy.freeze()
        await mesh.until(lambda: mesh.is_unready(worker))
        await mesh.recovered()  # by the other worker alone
        mesh.proxy.restore()
        mesh.returned()
        await worker.until_ready()
        mesh.driver.burst(50)
    await mesh.verdict("link frozen")

"""The gateway on a real socket, with fakes behind it: what only a server and a client together can show."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from brokers.outgoing import Outgoing
from publishers.gateway.ports import Limits
from publishers.gateway.server import listen, serve
from tests.build.gateway import AUTH, World, crawl


@asynccontextmanager
async def served(
    world: World, drain: timedelta = timedelta(seconds=5)
) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """Serve a world; give its address and what stops it."""
    listening = listen("127.0.0.1", 0)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(world.app, listening, stop, drain=drain))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", stop.set
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await serving


async def test_the_sender_of_a_far_too_large_body_hears_413_and_may_go_on() -> None:
    world = World(limits=Limits(max_body_bytes=1_000_000))
    async with served(world) as (url, _), httpx.AsyncClient(base_url=url, headers=AUTH) as client:
        assert (await client.post("/samples/ingest", content=b" " * 40_000_000)).status_code == 413
        assert (await client.post("/samples/ingest", json=crawl())).status_code == 202


async def test_a_large_body_without_a_token_is_a_401() -> None:
    async with served(World()) as (url, _), httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/samples/ingest", content=b" " * 14_000_000)).status_code == 401


async def test_a_chunked_body_over_the_limit_is_a_413() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 65_536

    world = World(limits=Limits(max_body_bytes=1_000_000))
    async with served(world) as (url, _), httpx.AsyncClient(base_url=url, headers=AUTH) as client:
        assert (await client.post("/samples/ingest", content=endless())).status_code == 413


async def test_a_stopping_gateway_finishes_what_it_has_begun_and_takes_nothing_more() -> None:
    world = World()
    begun, confirmed = asyncio.Event(), asyncio.Event()

    class SlowBroker:
        async def publish(self, _: Outgoing) -> None:
            begun.set()
            await confirmed.wait()

    world.publisher = SlowBroker()  # type: ignore[assignment] # as much of it as is used
    async with served(world) as (url, stop), httpx.AsyncClient(base_url=url, headers=AUTH) as client:
        request = asyncio.create_task(client.post("/samples/ingest", json=crawl()))
        await begun.wait()
        stop()
        await _refuses(url)
        confirmed.set()
        assert (await request).status_code == 202


async def _refuses(url: str) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                async with httpx.AsyncClient() as another:
                    await another.get(f"{url}/health/live")
            except httpx.ConnectError:
                return
            except httpx.ReadError:
                pass  # it was in the queue of the socket when that closed: reset, but not yet refused
            await asyncio.sleep(0.02)


async def test_a_request_that_outlasts_the_drain_does_not_hold_the_process() -> None:
    world = World()

    class DeadBroker:
        async def publish(self, _: Outgoing) -> None:
            begun.set()
            await asyncio.sleep(600)

    begun = asyncio.Event()
    world.publisher = DeadBroker()  # type: ignore[assignment] # as much of it as is used
    served_briefly = served(world, drain=timedelta(seconds=1))
    async with served_briefly as (url, stop), httpx.AsyncClient(base_url=url, headers=AUTH) as client:
        request = asyncio.create_task(client.post("/samples/ingest", json=crawl()))
        await begun.wait()
        stop()
        with pytest.raises(httpx.HTTPError):
            (await request).raise_for_status()


def test_a_taken_port_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1])

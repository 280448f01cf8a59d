"""A small mesh of one or two queues on a real broker, with a handler that a test writes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiormq
import aiormq.abc

from brokers import declare
from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher
from brokers.queue import Queue
from brokers.router import Route
from brokers.verdict import Unavailable
from brokers.worker import Worker
from schemas.clock import utc_now
from tests.fakes.status import FakeStatusBoard

DRAIN = timedelta(seconds=10)
PATIENCE = 20.0


async def eventually(condition: Callable[[], Any], within: float = PATIENCE) -> None:
    """Wait until a condition, plain or async, holds."""
    async with asyncio.timeout(within):
        while True:
            held = condition()
            if asyncio.iscoroutine(held):
                held = await held
            if held:
                return
            await asyncio.sleep(0.02)


@dataclass
class SmallMesh:
    """One vhost with its topology, a publisher, a plain channel to look with, and workers on demand."""

    url: str
    queues: tuple[Queue, ...]
    publisher: Publisher
    plain: aiormq.abc.AbstractChannel
    board: FakeStatusBoard = field(default_factory=FakeStatusBoard)

    async def say(self, body: Any, **properties: Any) -> None:
        queue = self.queues[0]
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.publisher.publish(Outgoing(exchange=queue.exchange, key=queue.name, body=raw, **properties))

    async def depth(self, name: str) -> int:
        answer = await self.plain.queue_declare(name, passive=True)
        return int(answer.message_count or 0)

    async def get(self, name: str, *, within: float = PATIENCE) -> aiormq.abc.DeliveredMessage:
        async with asyncio.timeout(within):
            while True:
                message = await self.plain.basic_get(name, no_ack=True)
                if isinstance(message.delivery, aiormq.spec.Basic.GetOk):
                    return message
                await asyncio.sleep(0.05)

    def worker(self, handler: Callable[..., Awaitable[Any]], probe: Any = None, **link: Any) -> Worker:
        return Worker(
            [Route(queue, handler) for queue in self.queues],
            {},
            link=Link(link.get("url", self.url), "test worker"),
            publisher=self.publisher,
            board=self.board,
            probe=probe or _fine,
            clock=utc_now,
        )

    @asynccontextmanager
    async def working(
        self, handler: Callable[..., Awaitable[Any]], *, is_ready: bool = True, **options: Any
    ) -> AsyncIterator[Worker]:
        worker = self.worker(handler, **options)
        stop = asyncio.Event()
        running = asyncio.create_task(worker.run(stop, DRAIN))
        if is_ready:
            await eventually(lambda: worker.is_ready)
        try:
            yield worker
        finally:
            stop.set()
            await running


@asynccontextmanager
async def small_mesh(url: str, *queues: Queue) -> AsyncIterator[SmallMesh]:
    connection = await aiormq.connect(url)
    plain = await connection.channel()
    await declare.whole({queue.domain for queue in queues}, queues).apply(plain)
    publisher = Publisher(Link(url, "test publisher"))
    try:
        yield SmallMesh(url, queues, publisher, plain)
    finally:
        await publisher.close()
        await connection.close()


async def _fine() -> None:
    return


def away(reason: str = "SQL is away") -> Unavailable:
    return Unavailable(reason)

"""A real worker that is fed wild messages, and the account of what became of each of them."""

import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from prometheus_client.parser import text_string_to_metric_families

from brokers import declare, topology
from brokers.answers import Answers
from brokers.dead import DeadLetter, DeadLetters, Selection
from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher
from brokers.queue import Queue
from mesh.embedded.mariadb import PrivateMariaDB
from mesh.embedded.process import free_port
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from mesh.embedded.redis import PrivateRedis
from persistence.migrate import upgrade
from schemas.clock import utc_now
from tests.build.broker import eventually
from tests.build.relay import KEY
from tests.chaos.fleet import RoleProcess
from tests.fuzz.amqp import Raw, raw_publisher
from tests.services.sql import fresh_database

CHEW_SECONDS = 420.0  # ten thousand messages, half of them parked one by one, on two busy cores
#: What only happens when a worker was not up to a message: none of it may be in its log.
ALARMS = (
    "group_failed",
    "message_failed",
    "not_moved",
    "publish_channel_retired",
    "consumer_rebuilt",
    "consumer_waits",
    "breaker_opened",
    "probe_failed",
    "watchdog_failed",
)


@dataclass(frozen=True, slots=True)
class Services:
    """What all mills share."""

    broker: PrivateRabbitMQ
    database: PrivateMariaDB
    redis: PrivateRedis


@dataclass(slots=True)
class Account:
    """What became of the messages of one queue."""

    published: int
    done: int
    letters: list[DeadLetter]
    left: int
    alarms: Counter[str] = field(default_factory=Counter)

    @property
    def causes(self) -> Counter[str]:
        return Counter(letter.error_class for letter in self.letters)

    @property
    def unreasoned(self) -> list[DeadLetter]:
        return [letter for letter in self.letters if not letter.reason]

    def __str__(self) -> str:
        return (
            f"published {self.published} = done {self.done} + parked {len(self.letters)} {dict(self.causes)}, "
            f"left {self.left}, alarms {dict(self.alarms)}"
        )


class Mill:
    """One vhost, one database, one `mesh worker`."""

    def __init__(self, broker_url: str, database_url: str, redis_url: str, folder: Path) -> None:
        self.broker_url = broker_url
        self.database_url = database_url
        self.folder = folder
        self.environment = {
            "MESH_BROKER_URL": broker_url,
            "MESH_DATABASE_URL": database_url,
            "MESH_REDIS_URL": redis_url,
            "MESH_ENCRYPTION_KEYS": KEY,
            "MESH_DATA_DIR": str(folder),
            "MESH_LOG_LEVEL": "info",
        }
        self.worker = self.role("worker", "MESH_WORKER_METRICS_PORT")
        self._done_before: Counter[str] = Counter()
        self._link = Link(broker_url, "fuzz")
        self._publisher = Publisher(Link(broker_url, "fuzz publisher"))
        self._answers = Answers(Link(broker_url, "fuzz answers"))

    def role(self, name: str, port_setting: str, **settings: str) -> RoleProcess:
        port = free_port()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MESH_")}
        return RoleProcess(
            name, [name], self.folder, {**inherited, **self.environment, port_setting: str(port), **settings}, port
        )

    async def declare(self) -> None:
        channel = await self._link.channel()
        await declare.whole(topology.DOMAINS, topology.QUEUES).apply(channel)
        await channel.close()

    async def feed(self, messages: Sequence[Raw]) -> None:
        """Publish; what `account` tells later is of these messages alone."""
        for queue in topology.QUEUES:
            self._done_before[queue.name] = await self._counted("mesh_messages_done_total", queue)
            await self._empty(queue.dead)
        async with raw_publisher(self.broker_url) as publisher:
            await publisher.publish(messages)

    async def account(self, queue: Queue, published: int) -> Account:
        """Wait until the queue is empty and quiet, then say what became of everything."""
        await eventually(lambda: self._is_settled(queue, published), CHEW_SECONDS)
        letters = [letter async for letter in self.dead.letters(Selection(queue=queue.name))]
        done = await self._done(queue)
        return Account(published, done, letters, await self.left(queue), self.alarms())

    @property
    def dead(self) -> DeadLetters:
        return DeadLetters(self._link, self._publisher, topology.QUEUES, utc_now)

    async def depth(self, name: str) -> int:
        channel = await self._link.channel()
        try:
            return int((await channel.queue_declare(name, passive=True)).message_count or 0)
        finally:
            await channel.close()

    async def left(self, queue: Queue) -> int:
        return sum([await self.depth(name) for name in queue.physical_names])

    def alarms(self) -> Counter[str]:
        return Counter({name: count for name in ALARMS if (count := len(list(self.worker.events(name))))})

    async def ask(self, queue: Queue, body: Any) -> dict[str, Any]:
        """Publish a message that expects an answer, and return the answer."""
        message_id = str(uuid4())
        async with self._answers.expect(message_id) as answer:
            message = Outgoing(
                exchange=queue.exchange,
                key=queue.physical_names[0] if queue.partitions else queue.message.key,
                body=json.dumps(body).encode(),
                message_id=message_id,
                reply_to=answer.reply_to,
            )
            await self._publisher.publish(message)
            told = await answer.wait(timedelta(seconds=30))
        assert told is not None, f"{queue.name} does not work any more"
        found: dict[str, Any] = json.loads(told)
        return found

    async def close(self) -> None:
        await self._answers.close()
        await self._publisher.close()
        await self._link.close()

    async def _is_settled(self, queue: Queue, published: int) -> bool:
        assert self.worker.is_running
        ended = await self._done(queue) + await self.depth(queue.dead)
        return ended >= published and not await self.left(queue)

    async def _done(self, queue: Queue) -> int:
        return await self._counted("mesh_messages_done_total", queue) - self._done_before[queue.name]

    async def _empty(self, name: str) -> None:
        channel = await self._link.channel()
        await channel.queue_purge(name)
        await channel.close()

    async def _counted(self, metric: str, queue: Queue) -> int:
        if not self.worker.is_running:
            return 0
        async with httpx.AsyncClient(trust_env=False) as client:
            page = (await client.get(f"http://127.0.0.1:{self.worker.port}/metrics", timeout=10)).text
        samples = [each for family in text_string_to_metric_families(page) for each in family.samples]
        return sum(
            int(each.value) for each in samples if each.name == metric and each.labels.get("queue") == queue.name
        )


@asynccontextmanager
async def mill(
    broker: PrivateRabbitMQ, database_url: str, redis_url: str, folder: Path, *, is_working: bool = True
) -> AsyncIterator[Mill]:
    vhost = f"fuzz-{uuid4()}"
    await upgrade(database_url)
    running = Mill(await broker.add_vhost(vhost), database_url, redis_url, folder)
    await running.declare()
    try:
        if is_working:
            await running.worker.start()
        yield running
        if running.worker.is_running:
            assert await running.worker.terminate() == 0
    finally:
        await running.worker.kill()
        await running.close()
        await broker.remove_vhost(vhost)


@asynccontextmanager
async def milled(services: Services, folder: Path, *, is_working: bool = True) -> AsyncIterator[Mill]:
    """Run a mill on a database of its own on the SQL server."""
    async with (
        fresh_database(services.database) as url,
        mill(services.broker, url, services.redis.url, folder, is_working=is_working) as running,
    ):
        yield running

"""A mesh in this process whose chatbot types into a local seller centre, and reminders for it to type."""

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiormq
from pydantic import SecretStr

from brokers import declare, topology
from handlers import chatbot
from mesh.compose import Composition
from mesh.embedded.process import ChildProcess
from mesh.publishers import schedule_publisher
from persistence.migrate import upgrade
from schemas.chatbot.records import ChatDelivery, DeliveryState
from schemas.clock import utc_now
from settings import Settings
from tests.build.broker import DRAIN
from tests.build.chatbot import sample, schedule
from tests.build.seller_centre import a_site, kill_browsers

SETTLED = (DeliveryState.SENT, DeliveryState.UNCERTAIN, DeliveryState.FAILED)


@dataclass
class TypedChat:
    """A seller centre of `creators` at `site`, and a mesh whose every reminder is typed there."""

    site: str
    creators: int
    composition: Composition
    kills: int = 0

    async def settled(self) -> dict[DeliveryState, list[ChatDelivery]]:
        """Return what became of the reminders."""
        async with self.composition.database.uow() as tx:
            return {state: await tx.deliveries.listed(state, self.creators) for state in SETTLED}

    async def asked(self, path: str, body: Any = None) -> Any:
        """Ask the seller centre what only a sandbox tells."""

        def ask() -> Any:
            data = None if body is None else json.dumps(body).encode()
            with urllib.request.urlopen(urllib.request.Request(f"{self.site}{path}", data), timeout=60) as answer:
                return json.load(answer)

        return await asyncio.to_thread(ask)

    async def truth(self) -> dict[str, dict[str, Any]]:
        """Return what each creator was sent."""
        return {each["creator_id"]: each for each in await self.asked("/_sandbox/chat")}

    async def fill(self) -> None:
        """Store as many samples as there are creators, each with a reminder that is due: a text and a link."""
        samples = [sample(platform_creator_id=creator(number)) for number in range(self.creators)]
        async with self.composition.database.uow() as tx:
            await tx.samples.add(samples)
            await tx.schedules.save([schedule(each) for each in samples])

    def kill(self) -> None:
        """Kill every browser."""
        kill_browsers()
        self.kills += 1

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[None]:
        """Publish what is due while inside."""
        stop = asyncio.Event()
        running = asyncio.create_task(schedule_publisher(self.composition, utc_now).run(stop))
        try:
            yield
        finally:
            stop.set()
            await running

    @asynccontextmanager
    async def typist(self) -> AsyncIterator[ChildProcess]:
        """Type in a process of its own while inside."""
        settings = self.composition.settings
        assert settings.broker_url is not None
        assert settings.database_url is not None
        process = ChildProcess("typist", settings.data_dir)
        environment = {
            "MESH_BROKER_URL": settings.broker_url.get_secret_value(),
            "MESH_DATABASE_URL": settings.database_url.get_secret_value(),
            "MESH_DATA_DIR": str(settings.data_dir),
            "MESH_SITE_URL": self.site,
            "MESH_CHATBOT_SENDER": "browser",
            "MESH_CRAWL_STEPS_PER_MINUTE": "0",
        }
        command = [sys.executable, "-m", "mesh", "worker", "chatbot.sample.batch"]
        await process.spawn(command, {**os.environ, **environment})
        try:
            yield process
        finally:
            await process.stop(timedelta(seconds=20))

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Publish what is due and type it while inside."""
        stop = asyncio.Event()
        working = [
            asyncio.create_task(self.composition.worker(list(chatbot.router)).run(stop, DRAIN)),
            asyncio.create_task(schedule_publisher(self.composition, utc_now).run(stop)),
        ]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*working)


@asynccontextmanager
async def typed_chat(vhost: str, folder: Path, creators: int, a_minute: float = 0) -> AsyncIterator[TypedChat]:
    """A mesh on SQLite and an empty vhost."""
    database = f"sqlite:///{folder / 'mesh.db'}"
    await upgrade(database)
    async with AsyncExitStack() as stack:
        site, _ = await stack.enter_async_context(a_site("--creators", str(creators), "--samples", "1"))
        settings = Settings(
            _env_file=None,
            broker_url=SecretStr(vhost),
            database_url=SecretStr(database),
            redis_url=None,
            data_dir=folder,
            site_url=site,
            chatbot_sender="browser",
            chatbot_quiet_hours={},
            crawl_steps_per_minute=a_minute,
        )
        composition = Composition(settings, "test")
        stack.push_async_callback(composition.close)
        connection = await aiormq.connect(vhost)
        await declare.whole(topology.DOMAINS, topology.QUEUES).apply(await connection.channel())
        await connection.close()
        yield TypedChat(site, creators, composition)


def creator(number: int) -> str:
    """Return the id of a creator of the seller centre."""
    return f"7495000{number:012d}"

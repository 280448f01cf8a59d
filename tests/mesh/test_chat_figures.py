"""Due reminders typed by a browser that is killed again and again. Minutes long: `pytest -m long`.

`MESH_TEST_CHATS` says how many reminders (10,000 take hours), `MESH_TEST_CHATS_A_MINUTE` how politely they are typed
(0: as fast as it goes), `MESH_TEST_KILLED_EVERY_S` how long a browser lives.
"""

import asyncio
import json
import os
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiormq
import pytest
from pydantic import SecretStr

from brokers import declare, topology
from handlers import chatbot
from mesh.compose import Composition
from mesh.publishers import schedule_publisher
from persistence.migrate import upgrade
from schemas.chatbot.records import ChatDelivery, DeliveryState
from schemas.clock import utc_now
from settings import Settings
from tests.build.broker import DRAIN
from tests.build.chatbot import sample, schedule
from tests.build.seller_centre import a_site, kill_browsers
from tests.build.telling import tell

pytestmark = [pytest.mark.long, pytest.mark.timeout(24 * 3600)]

CHATS = int(os.environ.get("MESH_TEST_CHATS", "150"))
PACE = float(os.environ.get("MESH_TEST_CHATS_A_MINUTE", "0"))
KILLED_EVERY_S = float(os.environ.get("MESH_TEST_KILLED_EVERY_S", "60"))
#: Nothing became of any reminder for so long: something is stuck.
STUCK_S = 600.0
SETTLED = (DeliveryState.SENT, DeliveryState.UNCERTAIN, DeliveryState.FAILED)


@dataclass
class World:
    """A seller centre, and a mesh in this process whose chatbot types there."""

    site: str
    composition: Composition
    kills: int = 0

    async def settled(self) -> dict[DeliveryState, list[ChatDelivery]]:
        async with self.composition.database.uow() as tx:
            return {state: await tx.deliveries.listed(state, CHATS) for state in SETTLED}

    async def asked(self, path: str) -> Any:
        def ask() -> Any:
            with urllib.request.urlopen(f"{self.site}{path}", timeout=60) as answer:
                return json.load(answer)

        return await asyncio.to_thread(ask)

    async def fill(self) -> None:
        """Store as many samples as there are creators, each with a reminder that is due."""
        samples = [sample(platform_creator_id=f"7495000{number:012d}") for number in range(CHATS)]
        async with self.composition.database.uow() as tx:
            await tx.samples.add(samples)
            await tx.schedules.save([schedule(each) for each in samples])

    async def kill_on(self) -> None:
        while True:
            await asyncio.sleep(KILLED_EVERY_S)
            kill_browsers()
            self.kills += 1


@pytest.fixture
async def world(vhost: str, tmp_path: Path) -> AsyncIterator[World]:
    database = f"sqlite:///{tmp_path / 'mesh.db'}"
    await upgrade(database)
    async with AsyncExitStack() as stack:
        site, _ = await stack.enter_async_context(a_site("--creators", str(CHATS), "--samples", "1"))
        settings = Settings(
            _env_file=None,
            broker_url=SecretStr(vhost),
            database_url=SecretStr(database),
            redis_url=None,
            data_dir=tmp_path,
            site_url=site,
            chatbot_sender="browser",
            chatbot_quiet_hours={},
            crawl_steps_per_minute=PACE,
        )
        composition = Composition(settings, "test")
        stack.push_async_callback(composition.close)
        connection = await aiormq.connect(vhost)
        await declare.whole(topology.DOMAINS, topology.QUEUES).apply(await connection.channel())
        await connection.close()
        yield World(site, composition)


@asynccontextmanager
async def at_work(world: World) -> AsyncIterator[None]:
    stop = asyncio.Event()
    working = [
        asyncio.create_task(world.composition.worker(list(chatbot.router)).run(stop, DRAIN)),
        asyncio.create_task(schedule_publisher(world.composition, utc_now).run(stop)),
    ]
    killing = asyncio.create_task(world.kill_on())
    try:
        yield
    finally:
        killing.cancel()
        stop.set()
        await asyncio.gather(*working)


async def test_every_reminder_is_typed_once_though_its_browser_is_killed_again_and_again(
    world: World, request: pytest.FixtureRequest
) -> None:
    await world.fill()
    began = seen_at = time.monotonic()
    done = 0
    async with at_work(world):
        while done < CHATS and time.monotonic() < seen_at + STUCK_S:
            await asyncio.sleep(1)
            now = sum(map(len, (await world.settled()).values()))
            done, seen_at = now, time.monotonic() if now > done else seen_at
        seconds = time.monotonic() - began
    settled = await world.settled()
    truth = {each["creator_id"]: each for each in await world.asked("/_sandbox/chat")}
    bubbles = Counter(len(each["messages"]) for each in truth.values())
    rate = 60 * done / seconds
    tell(
        request.config,
        "reminders typed by a browser that is killed",
        [
            f"{CHATS} reminders in {seconds:.0f} s: {rate:.1f} a minute, {world.kills} browsers killed",
            ", ".join(f"{len(found)} {state}" for state, found in settled.items()),
            "bubbles a creator: " + ", ".join(f"{number}: {count}" for number, count in sorted(bubbles.items())),
            *sorted({f"{each.state}: {each.reason}" for state in SETTLED[1:] for each in settled[state]}),
        ],
    )
    assert [each["repeated"] for each in truth.values() if each["repeated"]] == []
    assert len(settled[DeliveryState.SENT]) + len(settled[DeliveryState.UNCERTAIN]) == CHATS
    for each in settled[DeliveryState.SENT]:
        assert len(truth[each.platform_creator_id]["messages"]) == 2, each  # a text and a link
    assert {each.sender for each in settled[DeliveryState.SENT]} == {"browser"}
    assert len(settled[DeliveryState.UNCERTAIN]) <= world.kills

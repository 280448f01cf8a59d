"""Outreach from HTTP to the counter, on a real broker: each creator is written to once, though all is repeated."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiormq
import httpx
import pytest
from pydantic import SecretStr

from brokers import declare, topology
from brokers.answers import Answers
from handlers import chatbot, creators, outreach
from mesh.compose import Composition
from mesh.gateway import application
from persistence.migrate import upgrade
from publishers.outbox import OutboxRelay
from publishers.outreach import OutreachPoller
from schemas.chatbot.records import DeliveryState
from schemas.clock import utc_now
from schemas.outreach.records import ContactState, OutreachTask, TaskStatus
from settings import Settings
from tests.build.broker import DRAIN, eventually
from tests.build.gateway import AUTH, TOKEN
from tests.build.outreach import creator

HALF = 12
TASK = {
    "taskId": "T-1",
    "taskName": "Aurela January",
    "region": "MX",
    "brand": "Aurela",
    "status": "running",
    "emailFirstBody": "Hola, ¿colaboramos?",
    "productList": ["P-1"],
}


@dataclass
class World:
    """A gateway, workers and publishers in this process, on a real broker; nobody crawls."""

    url: str
    composition: Composition
    client: httpx.AsyncClient

    async def post(self, path: str, body: Any, **headers: str) -> Any:
        response = await self.client.post(path, json=body, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    async def task(self) -> OutreachTask:
        async with self.composition.database.uow() as tx:
            return (await tx.outreach_tasks.find(["T-1"]))["T-1"]

    async def states(self) -> dict[str, int]:
        async with self.composition.database.uow() as tx:
            return {str(state): count for state, count in (await tx.contacts.tally(["T-1"]))["T-1"].items()}

    async def written_to(self) -> list[str]:
        async with self.composition.database.uow() as tx:
            return [each.platform_creator_id for each in await tx.deliveries.listed(DeliveryState.SENT, 1000)]

    async def come_to(self, **states: int) -> None:
        async def have() -> bool:
            return await self.states() == states

        await eventually(have)


@pytest.fixture
async def world(vhost: str, tmp_path: Path) -> AsyncIterator[World]:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    await upgrade(url)
    async with AsyncExitStack() as stack:
        settings = Settings(
            _env_file=None,
            broker_url=SecretStr(vhost),
            database_url=SecretStr(url),
            redis_url=None,
            service_tokens=(SecretStr(TOKEN),),
        )
        composition = Composition(settings, "test")
        stack.push_async_callback(composition.close)
        connection = await aiormq.connect(vhost)
        await declare.whole(topology.DOMAINS, topology.QUEUES).apply(await connection.channel())
        await connection.close()
        answers = Answers(composition.link("answers"))
        stack.push_async_callback(answers.close)
        transport = httpx.ASGITransport(application(composition, answers))
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://mesh", timeout=30, headers=AUTH)
        )
        stop = asyncio.Event()
        uow, publisher = composition.database.uow, composition.publisher
        routers = (chatbot.router, *creators.ROUTERS, *outreach.ROUTERS)
        running = [
            asyncio.create_task(composition.worker([route for each in routers for route in each]).run(stop, DRAIN)),
            asyncio.create_task(OutboxRelay(uow, publisher, utc_now).run(stop)),
            asyncio.create_task(OutreachPoller(uow, utc_now).run(stop)),
        ]
        try:
            yield World(vhost, composition, client)
        finally:
            stop.set()
            await asyncio.gather(*running)


def page(first: int, last: int) -> dict[str, Any]:
    rows = [
        creator(platformCreatorId=str(number), platformCreatorUsername=f"u{number}") for number in range(first, last)
    ]
    return {"source": "crawler", "rows": rows, "options": {"taskId": "T-1", "contact": True}}


async def test_every_creator_is_written_to_once_although_all_is_said_twice(world: World) -> None:
    for _ in range(2):
        assert await world.post("/outreach_tasks/ingest", {"task": TASK}) == {"taskId": "T-1"}
        assert (await world.post("/creators/ingest", page(0, HALF)))["creators"] == HALF
        by_hand = [{"platformCreatorId": str(number), "outreachTaskId": "T-1"} for number in range(HALF, 2 * HALF)]
        assert await world.post("/chatbot/outreach/messages", by_hand) == {"count": HALF}
    await world.come_to(sent=2 * HALF)
    assert sorted(await world.written_to(), key=int) == [str(number) for number in range(2 * HALF)]
    assert (await world.task()).new_creators_real_count == 2 * HALF
    asked = await world.post("/creators/history", {"creatorUsername": "U3"})
    assert asked == {"records": [{"connect": True, "reply": False, "brandName": "Aurela"}]}


async def test_a_paused_task_goes_on_where_it_was_and_stops_at_its_target(world: World) -> None:
    await world.post("/outreach_tasks/ingest", {"task": {**TASK, "targetNewCreators": 5}})
    await world.post("/chatbot/outreach/control", {"action": "pause", "taskId": "T-1"})

    async def is_paused() -> bool:
        return (await world.task()).status is TaskStatus.PAUSED

    await eventually(is_paused)
    await world.post("/creators/ingest", page(0, HALF))
    await world.come_to(waiting=HALF)
    await world.post("/chatbot/outreach/control", {"action": "resume", "taskId": "T-1"})
    await world.come_to(sent=5, skipped=HALF - 5)
    after = await world.task()
    assert (after.status, after.message) == (TaskStatus.COMPLETED, "target_reached")
    assert len(await world.written_to()) == 5


async def test_a_task_that_is_due_asks_for_its_crawl(world: World) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    due = {**TASK, "status": "pending", "runAtTime": soon.isoformat(), "searchKeywords": "soap"}
    await world.post("/outreach_tasks/ingest", {"task": due})
    connection = await aiormq.connect(world.url)
    channel = await connection.channel()

    async def is_asked_for() -> bool:
        return bool((await channel.queue_declare("crawl.creators", passive=True)).message_count)

    await eventually(is_asked_for)
    await connection.close()
    assert (await world.task()).status is TaskStatus.RUNNING
    assert ContactState.SENT.value not in await world.states()

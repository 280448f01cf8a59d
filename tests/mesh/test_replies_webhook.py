"""Signed notifications on their way from HTTP through a real broker into SQL."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiormq
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from brokers import declare, topology
from brokers.answers import Answers
from handlers.replies import inbound
from mesh.compose import Composition
from mesh.gateway import application
from persistence.migrate import upgrade
from persistence.tables import messages, outbox
from publishers.gateway.signature import sign
from publishers.gateway.tiktok import PATH
from schemas.replies.messages import AnswerThread, SendReplies
from schemas.replies.records import Role
from settings import Settings
from tests.build.broker import DRAIN, eventually
from tests.build.replies import BUSINESS
from tests.build.tiktok import CLIENT_KEY, SECRET, content, envelope

CONVERSATIONS = 20
EACH = 5


@dataclass
class World:
    """A gateway and a worker in this process, without Redis, so that the ledger alone tells copies."""

    composition: Composition
    client: httpx.AsyncClient

    async def post(self, body: bytes) -> int:
        header = sign(body, SECRET, int(time.time()))
        return (await self.client.post(PATH, content=body, headers={"TikTok-Signature": header})).status_code

    async def said(self) -> list[tuple[str, str]]:
        async with self.composition.database.uow() as tx:
            rows = await tx._session.execute(
                select(messages.c.conversation_id, messages.c.content)
                .where(messages.c.role == Role.USER)
                .order_by(messages.c.id)
            )
            return [(row.conversation_id, row.content) for row in rows]

    async def answers(self) -> list[tuple[str, int | None]]:
        """Return the reply to each message, with its conversation."""
        async with self.composition.database.uow() as tx:
            rows = await tx._session.execute(
                select(messages.c.conversation_id, messages.c.reply_id).where(messages.c.role == Role.USER)
            )
            return [(row.conversation_id, row.reply_id) for row in rows]

    async def wakes(self, key: str) -> int:
        async with self.composition.database.uow() as tx:
            named = outbox.c.routing_key.startswith(key)
            return len((await tx._session.execute(select(outbox.c.id).where(named))).all())


@pytest.fixture
async def world(vhost: str, tmp_path: Path) -> AsyncIterator[World]:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    await upgrade(url)
    settings = Settings(
        _env_file=None,
        broker_url=SecretStr(vhost),
        database_url=SecretStr(url),
        redis_url=None,
        tiktok_client_key=CLIENT_KEY,
        tiktok_client_secrets=(SecretStr(SECRET.decode()),),
        tiktok_business_ids=(BUSINESS,),
        replies_debounce_seconds=0,
    )
    async with AsyncExitStack() as stack:
        composition = Composition(settings, "test")
        stack.push_async_callback(composition.close)
        connection = await aiormq.connect(vhost)
        await declare.whole(topology.DOMAINS, topology.QUEUES).apply(await connection.channel())
        await connection.close()
        answers = Answers(composition.link("answers"))
        stack.push_async_callback(answers.close)
        transport = httpx.ASGITransport(application(composition, answers))
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://mesh"))
        stop = asyncio.Event()
        running = asyncio.create_task(composition.worker(list(inbound.router)).run(stop, DRAIN))
        try:
            yield World(composition, client)
        finally:
            stop.set()
            await running


async def test_every_message_is_taken_in_once_and_in_the_order_of_its_conversation(world: World) -> None:
    rounds = [
        [
            envelope(
                content(
                    {"body": str(n)},
                    f"mid-{n}",
                    conversation_id=f"cv-{c}",
                    from_user={"id": f"usr-{c}", "role": "personal_account"},
                    timestamp=int(time.time() * 1000),
                )
            )
            for c in range(CONVERSATIONS)
        ]
        for n in range(EACH)
    ]
    for bodies in rounds:
        copies = bodies * 3
        Random(7).shuffle(copies)
        assert set(await asyncio.gather(*map(world.post, copies))) == {200}

    async def are_all() -> bool:
        return len(await world.said()) >= CONVERSATIONS * EACH

    await eventually(are_all)
    said = await world.said()
    assert set(Counter(said).values()) == {1}
    for c in range(CONVERSATIONS):
        assert [text for conversation, text in said if conversation == f"cv-{c}"] == [str(n) for n in range(EACH)]
    answers = await world.answers()
    replied = [number for _, number in answers if number is not None]
    assert len(set(replied)) == len(replied) == await world.wakes(SendReplies.key)
    # Nobody answers what waits here, so that its conversation was woken for the first of it alone.
    assert await world.wakes(AnswerThread.key) == len({name for name, number in answers if number is None})


async def test_a_notification_that_is_not_json_goes_its_way_too(world: World) -> None:
    assert await world.post(b"\xff not JSON") == 200
    assert await world.post(envelope(content())) == 200

    async def is_there() -> bool:
        return bool(await world.said())

    await eventually(is_there)

"""A shop from TikTok's webhook to TikTok's API in this process: gateway, worker, relay, poller, and a clock that moves.

The broker is real, and so is the HTTP between them; TikTok and the model are stand-ins.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiormq
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

import mesh.compose
from adapters.vault import Vault
from brokers import declare, topology
from brokers.answers import Answers
from deploy.sandbox.model import Model
from deploy.sandbox.standin import TOKEN
from deploy.sandbox.tiktok_messages import TikTokMessages
from handlers.replies import ROUTERS
from mesh.compose import Composition
from mesh.gateway import application
from persistence.migrate import upgrade
from publishers.clockwork import Pace, Polling
from publishers.gateway.server import listen, serve
from publishers.gateway.signature import sign
from publishers.gateway.tiktok import PATH
from publishers.outbox import OutboxRelay
from publishers.replies import RepliesPoller
from schemas.clock import utc_now
from settings import Settings
from tests.build.broker import DRAIN, eventually
from tests.build.relay import KEY
from tests.build.replies import BUSINESS, seed, tokens
from tests.build.sandbox import standing_in
from tests.build.tiktok import CLIENT_KEY, SECRET

_FAST = Pace(shortest=timedelta(milliseconds=20), longest=timedelta(milliseconds=50))
#: Nothing goes on any more once nothing has for so long.
_QUIET = 0.4


@dataclass
class MovedClock:
    """The time, so much ahead."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def turn_to(self, moment: datetime) -> None:
        self.ahead = moment - utc_now()


@dataclass
class WholeShop:
    """What a test does with it: TikTok posts, customers write, and SQL and TikTok are asked what came of it."""

    composition: Composition
    clock: MovedClock
    tiktok: TikTokMessages
    model: Model
    client: httpx.AsyncClient

    async def post(self, body: bytes, **headers: str) -> int:
        """Post a notification, signed now unless it brings a signature."""
        signed = {"TikTok-Signature": sign(body, SECRET, int(self.clock().timestamp()))}
        return (await self.client.post(PATH, content=body, headers=headers or signed)).status_code

    def write(self, words: str, conversation: str = "cv+1==", customer: str = "usr-1", **values: Any) -> None:
        """Let a customer write in TikTok."""
        told = {"conversation_id": conversation, "user_id": customer, "text": words, "business_id": BUSINESS, **values}
        body, _ = self.tiktok._written(told)
        self.tiktok.postman.post([body])

    async def ask(self, words: str, conversation: str = "cv+1==", **values: Any) -> str:
        """Write, and return the answer that reached the customer."""
        before = len(self.tiktok.said(conversation))
        self.write(words, conversation, **values)
        await eventually(lambda: len(self.tiktok.said(conversation)) > before, 25)
        (answer,) = self.tiktok.said(conversation)[before:]
        return answer

    async def settled(self) -> None:
        """Wait until nothing waits any more, in the queues or in SQL, and has not for a moment."""
        quiet_since = time.monotonic()
        async with asyncio.timeout(25):
            while time.monotonic() - quiet_since < _QUIET:
                if any([(await self.rows(query))[0][0] for query in _OPEN]) or await self._depth():
                    quiet_since = time.monotonic()
                await asyncio.sleep(0.05)

    async def rows(self, query: str) -> list[Any]:
        async with self.composition.database.uow() as tx:
            return list((await tx._session.execute(text(query))).all())

    async def states(self) -> list[str]:
        """Return what became of each notification that is stored."""
        return [row[0] for row in await self.rows("SELECT state FROM webhook_events ORDER BY id")]

    async def _depth(self) -> int:
        link = self.composition.link("looks")
        channel = await link.channel()
        queues = (topology.REPLIES_WEBHOOKS_TAKE, topology.REPLIES_THREADS_ANSWER, topology.REPLIES_THREADS_SEND)
        names = [name for each in queues for name in each.physical_names]
        found = [(await channel.queue_declare(name, passive=True)).message_count or 0 for name in names]
        await link.close()
        return sum(found)


_OPEN = (
    "SELECT COUNT(*) FROM webhook_events WHERE state IN ('RECEIVED', 'CLAIMED')",
    "SELECT COUNT(*) FROM replies WHERE state IN ('PENDING', 'SENDING')",
    "SELECT COUNT(*) FROM outbox",
)


@asynccontextmanager
async def whole_shop(
    broker_url: str, folder: Path, patch: pytest.MonkeyPatch, *, has_model: bool = False, **values: Any
) -> AsyncIterator[WholeShop]:
    """Open a shop with the forty pieces and one connected account; `values` are settings."""
    url = f"sqlite:///{folder / 'mesh.db'}"
    await upgrade(url)
    clock = MovedClock()
    patch.setattr(mesh.compose, "utc_now", clock)
    tiktok, model = TikTokMessages(clock=lambda: clock().timestamp()), Model()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(tiktok.postman.close)
        tiktok_url = await stack.enter_async_context(standing_in(tiktok))
        model_url = await stack.enter_async_context(standing_in(model))
        given: Mapping[str, Any] = {
            "broker_url": SecretStr(broker_url),
            "database_url": SecretStr(url),
            "redis_url": None,
            "encryption_keys": (SecretStr(KEY),),
            "tiktok_client_key": CLIENT_KEY,
            "tiktok_client_secrets": (SecretStr(SECRET.decode()),),
            "tiktok_business_ids": (BUSINESS,),
            "tiktok_base_url": f"{tiktok_url}/open_api/v1.3",
            "tiktok_sends_a_minute": 600,
            "replies_debounce_seconds": 0,
            **({"model_base_url": f"{model_url}/v1", "model_api_key": SecretStr(TOKEN)} if has_model else {}),
            **values,
        }
        composition = Composition(Settings(_env_file=None, **given), "test")
        stack.push_async_callback(composition.close)
        if composition.webhook:
            composition.__dict__["webhook"] = replace(composition.webhook, clock=clock)
        connection = await aiormq.connect(broker_url)
        await declare.whole(topology.DOMAINS, topology.QUEUES).apply(await connection.channel())
        await connection.close()
        await _stocked(composition, clock)
        gateway_url = await _running(stack, composition, clock)
        tiktok.businesses.add(BUSINESS)
        tiktok.postman.use(
            {"callback_url": f"{gateway_url}{PATH}", "client_key": CLIENT_KEY, "client_secret": SECRET.decode()}
        )
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=gateway_url, timeout=30))
        yield WholeShop(composition, clock, tiktok, model, client)


async def _stocked(composition: Composition, clock: MovedClock) -> None:
    vault, now = Vault([KEY]), clock()
    account = tokens(access_token=vault.seal(TOKEN), refresh_token=None)
    async with composition.database.uow() as tx:
        await tx.stock.put(seed())
        # Good at every moment that a test turns the clock to.
        await tx.tokens.put(replace(account, access_expires_at=now + timedelta(days=400), refresh_expires_at=None))


async def _running(stack: AsyncExitStack, composition: Composition, clock: MovedClock) -> str:
    """Start every role, and return where the gateway is."""
    stop = asyncio.Event()
    answers = Answers(composition.link("answers"))
    stack.push_async_callback(answers.close)
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    uow, publisher = composition.database.uow, composition.publisher
    work = (
        serve(application(composition, answers), listening, stop, drain=DRAIN),
        composition.worker([route for router in ROUTERS for route in router]).run(stop, DRAIN),
        OutboxRelay(uow, publisher, clock, Polling(pace=_FAST)).run(stop),
        RepliesPoller(uow, publisher, clock, _FAST).run(stop),
    )
    running = [asyncio.create_task(each) for each in work]

    async def ended() -> None:
        stop.set()
        await asyncio.gather(*running)

    stack.push_async_callback(ended)
    return f"http://127.0.0.1:{port}"

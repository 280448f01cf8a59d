"""A gateway, workers and publishers of marketing events in this process, and the stand-ins they send to."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiormq
import httpx
from pydantic import SecretStr
from sqlalchemy import text

from adapters.vault import Vault
from brokers import declare, topology
from brokers.answers import Answers
from deploy.sandbox.meta import Meta
from deploy.sandbox.sgtm import Sgtm
from deploy.sandbox.standin import TOKEN, Standin
from handlers.relay import ROUTERS
from mesh.compose import Composition
from mesh.gateway import application
from persistence.engine import open_engine
from publishers.deliveries import DeliveriesPoller
from publishers.marketing_events import MarketingEventsPoller
from publishers.outbox import OutboxRelay
from schemas.clock import utc_now
from settings import Settings
from tests.build.broker import DRAIN, eventually
from tests.build.relay import KEY, credential, storefront, tagging_server
from tests.build.sandbox import standing_in

LOGIN = "oms:a-password-of-the-oms"
AUTH = {"Authorization": f"Basic {b64encode(LOGIN.encode()).decode()}"}
INGEST = topology.RELAY_EVENTS_INGEST
#: A person whom Meta can match.
PERSON = {"email": "jane@example.com", "client_user_agent": "Mozilla/5.0"}


@dataclass
class World:
    """A gateway, workers and publishers in this process, on a real broker, and the stand-ins they send to."""

    url: str
    composition: Composition
    client: httpx.AsyncClient
    sgtm: Standin = field(default_factory=Sgtm)
    meta: Standin = field(default_factory=Meta)
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def uow(self) -> Any:
        return self.composition.database.uow

    async def shop(self, code: str = "bosley") -> int:
        """Store a storefront with a tagging server of its own and an account at Meta; return its number."""
        vault = Vault([KEY])
        shop = await storefront(self.uow, code, domain=f"{code}.example")
        await tagging_server(
            self.uow,
            shop,
            sgtm_url=self.addresses["sgtm"],
            measurement_id="G-TEST1",
            api_secret=vault.seal({"api_secret": TOKEN}),
        )
        sealed = vault.seal({"access_token": TOKEN, "pixel_id": "700100200"})
        await credential(self.uow, shop, "meta_capi", credentials_encrypted=sealed)
        return shop.id

    async def post(self, page: Any) -> dict[str, Any]:
        """Post a page and return its result."""
        content = page if isinstance(page, bytes) else json.dumps(page).encode()
        response = await self.client.post("/v1/events", content=content, headers=AUTH)
        assert response.status_code == 202, response.text
        return dict(response.json())

    async def say(self, body: bytes) -> None:
        """Publish as any AMQP client may."""
        connection = await aiormq.connect(self.url)
        channel = await connection.channel()
        await channel.basic_publish(body, exchange=INGEST.exchange, routing_key=INGEST.name)
        await connection.close()

    async def execute(self, statement: str, **values: Any) -> list[Any]:
        """Run plain SQL, as any other system may."""
        url = self.composition.settings.database_url
        assert url
        engine = open_engine(url.get_secret_value())
        async with engine.begin() as connection:
            found = await connection.execute(text(statement), values)
            rows = list(found.all()) if found.returns_rows else []
        await engine.dispose()
        return rows

    async def states(self) -> dict[str, int]:
        rows = await self.execute("SELECT state, COUNT(*) FROM deliveries GROUP BY state")
        return {row[0]: row[1] for row in rows}

    async def delivered(self, count: int) -> None:
        async def are() -> bool:
            return await self.states() == {"delivered": count}

        await eventually(are)


@asynccontextmanager
async def opened(vhost: str, url: str) -> AsyncIterator[World]:
    """Start one on a virtual host and a database with its tables."""
    async with AsyncExitStack() as stack:
        sgtm, meta = Sgtm(), Meta()
        addresses = {
            "sgtm": await stack.enter_async_context(standing_in(sgtm)),
            "meta": await stack.enter_async_context(standing_in(meta)),
        }
        settings = Settings(
            _env_file=None,
            broker_url=SecretStr(vhost),
            database_url=SecretStr(url),
            redis_url=None,
            events_users=(SecretStr(LOGIN),),
            encryption_keys=(SecretStr(KEY),),
            relay_allowed_hosts=("127.0.0.1",),
            relay_base_urls={"meta_capi": f"{addresses['meta']}/v23.0"},
        )
        composition = Composition(settings, "test")
        stack.push_async_callback(composition.close)
        await _declare(vhost)
        answers = Answers(composition.link("answers"))
        stack.push_async_callback(answers.close)
        transport = httpx.ASGITransport(application(composition, answers))
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://mesh", timeout=30)
        )
        stop = asyncio.Event()
        running = [asyncio.create_task(each) for each in _work(composition, stop)]
        try:
            yield World(vhost, composition, client, sgtm, meta, addresses)
        finally:
            stop.set()
            await asyncio.gather(*running)


def _work(composition: Composition, stop: asyncio.Event) -> list[Any]:
    worker = composition.worker([route for router in ROUTERS for route in router])
    uow, publisher = composition.database.uow, composition.publisher
    return [
        worker.run(stop, DRAIN),
        OutboxRelay(uow, publisher, utc_now).run(stop),
        MarketingEventsPoller(uow, publisher, utc_now).run(stop),
        DeliveriesPoller(uow, publisher, utc_now).run(stop),
    ]


async def _declare(url: str) -> None:
    connection = await aiormq.connect(url)
    await declare.whole(topology.DOMAINS, topology.QUEUES).apply(await connection.channel())
    await connection.close()


def item(order: str = "LX-1", **values: Any) -> dict[str, Any]:
    said = {
        "storefront_id": "bosley",
        "event_name": "purchase_completed",
        "event_time": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        "order_id": order,
        "order_revenue": 80.79,
        "currency": "USD",
        "user_data": PERSON,
    }
    return said | values


def ids(standin: Standin) -> dict[str, int]:
    """Return how often each downstream id was sent to a stand-in."""
    return {each.id: each.count for each in standin.events()}

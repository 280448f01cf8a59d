"""Marketing events while their senders are killed and their destinations fail."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

import pytest

from adapters.vault import Vault
from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher
from brokers.topology import RELAY_EVENTS_INGEST
from deploy.sandbox.meta import Meta
from deploy.sandbox.sgtm import Sgtm
from deploy.sandbox.standin import TOKEN, Standin
from persistence.engine import Database, open_uow
from tests.build.broker import eventually
from tests.build.relay import KEY, credential, storefront, tagging_server
from tests.build.sandbox import PERSON, standing_in
from tests.chaos.fleet import Workers
from tests.chaos.under_fire import Begin, MeshUnderFire

pytestmark = pytest.mark.chaos

SENDERS = Workers(environment={"MESH_RELAY_ALLOWED_HOSTS": "127.0.0.1", "MESH_LOG_LEVEL": "info"})
#: As vendors fail: 10 % are told to slow down, 5 % break, 1 % get no answer for longer than anyone waits.
FAULTS = {"error_rate_429": 0.1, "error_rate_500": 0.05, "hang_rate": 0.01, "hang_s": 60.0, "retry_after_s": 1}
#: A sender that was killed holds its deliveries for a lease of 90 s; then they are sent again.
PATIENCE = 240.0
IDLE = {"latency_ms": 20.0}


@dataclass
class Shop:
    """A storefront, the destination that its events go to, and what was published for it and when."""

    code: str
    standin: Standin
    published: dict[str, float] = field(default_factory=dict)

    @property
    def missing(self) -> set[str]:
        return self.published.keys() - {each.id for each in self.standin.events()}

    def waits(self) -> list[float]:
        """How long each event took from its publish until it was first taken."""
        return [each.first_at - self.published[each.id] for each in self.standin.events()]

    def judge(self) -> None:
        """Every event was taken, each counts once, and nothing else was."""
        taken = self.standin.events()
        assert {each.id for each in taken} == self.published.keys()
        assert {each.conversions for each in taken} <= {1}
        assert not self.standin.dropped()


class Market:
    """Storefronts with a destination each, on a mesh under fire."""

    def __init__(self, mesh: MeshUnderFire, database: Database, shops: dict[str, Shop]) -> None:
        self.mesh = mesh
        self.database = database
        self.shops = shops
        self._numbers = iter(range(10**9))

    async def publish(self, publisher: Publisher, codes: Iterable[str], events: int) -> None:
        """Publish a page for each of these storefronts, confirmed."""
        for code in codes:
            ids = [f"o-{next(self._numbers)}" for _ in range(events)]
            page = {"count": events, "data": [_item(code, each) for each in ids], "error": ""}
            body = json.dumps(page).encode()
            at = time.time()
            (failure,) = await publisher.publish_many(
                [Outgoing(exchange=RELAY_EVENTS_INGEST.exchange, key=RELAY_EVENTS_INGEST.name, body=body)]
            )
            assert failure is None
            self.shops[code].published |= {f"{code}:purchase_completed:{each}": at for each in ids}

    @asynccontextmanager
    async def load(self, *codes: str, page: int = 5, pause: float = 0.25) -> AsyncIterator[None]:
        """Publish steadily for as long as the block lasts."""
        publisher = Publisher(Link(self.mesh.url, "chaos orders"))
        stop = asyncio.Event()

        async def keep() -> None:
            while not stop.is_set():
                await self.publish(publisher, codes or self.shops, page)
                await asyncio.sleep(pause)

        running = asyncio.create_task(keep())
        try:
            yield
        finally:
            stop.set()
            await running
            await publisher.close()

    async def is_sending(self) -> bool:
        """Tell whether deliveries are in somebody's hands."""
        return bool(await self.mesh.truth.rows("SELECT id FROM deliveries WHERE state = 'sending' LIMIT 1"))

    async def states(self) -> dict[str, int]:
        found = await self.mesh.truth.rows("SELECT state, COUNT(*) FROM deliveries GROUP BY state")
        return {row[0]: row[1] for row in found}

    async def arrived(self) -> float:
        """Wait until every event is where it should be, and known to be; return how long that took."""
        began = time.monotonic()

        async def all_are_there() -> bool:
            await asyncio.sleep(0.2)
            return not any(shop.missing for shop in self.shops.values()) and set(await self.states()) == {"delivered"}

        try:
            await eventually(all_are_there, PATIENCE)
        except TimeoutError:
            told = {code: len(shop.missing) for code, shop in self.shops.items()}
            raise AssertionError(f"missing {told}, deliveries {await self.states()}, seed {self.mesh.seed}") from None
        return time.monotonic() - began

    async def verdict(self, scenario: str, **facts: Any) -> None:
        """Judge every destination, then the mesh."""
        took = await self.arrived()
        for shop in self.shops.values():
            shop.judge()
        late = "SELECT COUNT(*) FROM deliveries WHERE delivered_at > expires_at"
        assert (await self.mesh.truth.rows(late))[0][0] == 0
        self.mesh.returned()
        outcome = await self.mesh.verdict(scenario)
        published = sum(len(shop.published) for shop in self.shops.values())
        repeats = sum(shop.standin.counts()["repeats"] for shop in self.shops.values())
        outcome.facts |= {"events": published, "repeats": repeats, "arrived_after": f"{took:.1f}s", **facts}


@asynccontextmanager
async def market(mesh: MeshUnderFire, *makes: Callable[[], Standin]) -> AsyncIterator[Market]:
    """Open a storefront for each stand-in, which is its only destination."""
    database = open_uow(mesh.store.url)
    shops: dict[str, Shop] = {}
    async with _all_standing(*(make() for make in makes)) as standins:
        for number, (standin, address) in enumerate(standins, 1):
            code = f"shop-{number}"
            await _open(database, code, standin, address)
            standin.set_faults(**IDLE)
            shops[code] = Shop(code, standin)
        try:
            yield Market(mesh, database, shops)
        finally:
            await database.close()


@asynccontextmanager
async def _all_standing(*standins: Standin) -> AsyncIterator[list[tuple[Standin, str]]]:
    if not standins:
        yield []
        return
    async with standing_in(standins[0]) as address, _all_standing(*standins[1:]) as rest:
        yield [(standins[0], address), *rest]


async def _open(database: Database, code: str, standin: Standin, address: str) -> None:
    vault = Vault([KEY])
    shop = await storefront(database.uow, code, domain=f"{code}.example")
    if isinstance(standin, Sgtm):
        secret = vault.seal({"api_secret": TOKEN})
        await tagging_server(database.uow, shop, sgtm_url=address, measurement_id="G-CHAOS", api_secret=secret)
        return
    async with database.uow() as tx:
        platform = await tx.configuration.platforms.find(platform_code="meta_capi")
        assert platform
        await tx.configuration.platforms.change(platform.id, {"api_base_url": f"{address}/v23.0"})
    sealed = vault.seal({"access_token": TOKEN})
    await credential(database.uow, shop, pixel_id="700100200", credentials_encrypted=sealed)


def _item(code: str, order: str) -> dict[str, Any]:
    return {
        "storefront_id": code,
        "event_name": "purchase_completed",
        "event_time": datetime.now(UTC).isoformat(),
        "order_id": order,
        "order_revenue": "12.50",
        "currency": "USD",
        "user_data": dict(PERSON),
    }


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_events_arrive_once_though_their_senders_are_killed_in_mid_send(begin: Begin) -> None:
    """A call that nobody recorded is made again under the same id, which the destination recognises."""
    mesh = await begin(workers=SENDERS)
    async with market(mesh, Meta, Sgtm) as market_:
        for shop in market_.shops.values():
            shop.standin.set_faults(latency_ms=150)
        async with market_.load():
            for number in range(20):
                await eventually(market_.is_sending, 30)
                victim = mesh.fleet.workers[number % 2]
                await victim.kill()
                await victim.start()
        await market_.verdict("senders killed in mid-send")


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_destination_that_fails_gets_each_event_once_and_no_other_feels_it(begin: Begin) -> None:
    mesh = await begin(workers=SENDERS)
    async with market(mesh, Sgtm, Meta, Sgtm) as market_:
        failing, batched, sound = market_.shops.values()
        async with market_.load():
            await asyncio.sleep(15)  # how long events take while nothing fails
        await market_.arrived()
        quiet = _p99(sound.waits())
        seen = len(sound.waits())
        for shop in (failing, batched):
            shop.standin.set_faults(**IDLE, **FAULTS, seed=mesh.seed)
        async with market_.load():
            await asyncio.sleep(10)
            failing.standin.set_faults(down=True)
            await asyncio.sleep(10)
            failing.standin.set_faults(**IDLE, **FAULTS, seed=mesh.seed)
            await asyncio.sleep(10)
        for shop in (failing, batched):
            shop.standin.set_faults(**IDLE)
        await eventually(lambda: not sound.missing, 30)
        loaded = _p99(sound.waits()[seen:])
        facts = {"p99_quiet": f"{quiet:.3f}s", "p99_beside_failing": f"{loaded:.3f}s"}
        assert loaded < 1.2 * quiet + 0.5, facts  # half a second: one look of the poller, and whatever else runs here
        await market_.verdict("destinations fail", **facts)


def _p99(waits: list[float]) -> float:
    return quantiles(waits, n=100)[98]

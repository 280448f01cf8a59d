"""One mesh under fire: its services, its roles, its driver, and the verdict at the end."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import httpx
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from brokers import declare, topology
from brokers.dead import DeadLetters, Selection
from brokers.link import Link
from brokers.publisher import Publisher
from mesh.embedded.management import Management
from mesh.embedded.mariadb import PrivateMariaDB
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from mesh.embedded.redis import PrivateRedis
from persistence.engine import open_engine
from persistence.migrate import upgrade
from schemas.clock import utc_now
from tests.build.broker import eventually
from tests.chaos.driver import Driver
from tests.chaos.fleet import Fleet, RoleProcess, Workers
from tests.chaos.oracle import Counters, Truth, judge_reminders, judge_samples
from tests.chaos.report import Outcome, Parked, Report
from tests.chaos.stores import Store, store_on
from tests.chaos.tampered import TAMPERING, Tampering
from tests.services.proxy import Proxy, proxy_to

RECOVERY_SECONDS = 30.0  # from the return of whatever was away until everything acknowledged has its effects
StoreKind = Literal["server", "proxied", "embedded"]
Begin = Callable[..., Awaitable["MeshUnderFire"]]
SEED = "MESH_CHAOS_SEED"  # set it to the printed number to replay a scenario's moments


@dataclass
class Services:
    """The services that all scenarios share; each has its own vhost and database there."""

    broker: PrivateRabbitMQ
    database: PrivateMariaDB
    redis: PrivateRedis

    @property
    def all(self) -> tuple[PrivateRabbitMQ, PrivateMariaDB, PrivateRedis]:
        return self.broker, self.database, self.redis

    async def administer(self, statement: str) -> None:
        """Run a statement on the database server as its administrator."""
        engine = open_engine(self.database.url, pool_size=1)
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    async def mend(self) -> None:
        """Bring back what a scenario that failed has left behind."""
        for service in self.all:
            if not service.is_running:
                await service.start()
        await self.administer("SET GLOBAL read_only = 0")


class MeshUnderFire:
    """Everything a scenario needs."""

    def __init__(self, services: Services, fleet: Fleet, driver: Driver, proxy: Proxy, truth: Truth, url: str) -> None:
        self.services = services
        self.fleet = fleet
        self.driver = driver
        self.proxy = proxy
        self.truth = truth
        self.seed = 0
        self.table: list[str] = []  # what a scenario has to tell besides the counters
        self.store: Store
        self.tampering: Tampering
        self.outcome: Outcome | None = None
        self.note: Callable[[Outcome], None] = lambda _: None
        self.url = url
        self._recovery = 0.0
        self._returned_at: float | None = None

    async def acknowledged(self, more: int) -> None:
        """Wait until so many more messages are acknowledged: the mesh takes in."""
        goal = self.driver.acknowledged + more
        await eventually(lambda: self.driver.acknowledged >= goal, RECOVERY_SECONDS)

    async def attempted(self, more: int) -> None:
        """Wait until so many more messages were tried, whatever came of them."""
        goal = len(self.driver.operations) + more
        await eventually(lambda: len(self.driver.operations) >= goal, RECOVERY_SECONDS)

    async def in_work(self) -> None:
        """Wait until messages are acknowledged and not yet effective."""
        await eventually(self._has_work)

    async def reminders_due(self) -> None:
        """Wait until a reminder is stored and not yet told."""
        await eventually(self._has_reminders)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something that must come within the time to recover."""
        await eventually(condition, RECOVERY_SECONDS)

    async def is_unready(self, role: RoleProcess) -> bool:
        """Tell whether a role says of itself that it cannot work."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{role.port}/health/ready")).status_code == 503

    def returned(self) -> None:
        """Note that what was away is back: from here on recovery is measured."""
        self._returned_at = time.monotonic()

    async def recovered(self) -> float:
        """Wait until everything acknowledged so far is effective and every reminder told; return how long it took."""
        began = self._returned_at or time.monotonic()
        left = RECOVERY_SECONDS - (time.monotonic() - began)
        try:
            await eventually(self._is_complete, max(left, 1))
        except TimeoutError:
            samples, reminders = await self._counters()
            raise AssertionError(
                f"not recovered after {RECOVERY_SECONDS:.0f} s (seed {self.seed})\n{Counters.head()}\n"
                f"{samples.row()}\n{reminders.row()}"
            ) from None
        took = time.monotonic() - began
        self._recovery = max(self._recovery, took)
        self._returned_at = None
        return took

    async def verdict(
        self, scenario: str, *, parked: dict[str, int] | None = None, uncertain: int = 0, observed_again: int = 0
    ) -> Outcome:
        """Wait for the end of all work, end every role in order, and judge.

        `parked` are the dead letters that the scenario meant to cause, `uncertain` the most sends that its kills may
        have interrupted, `observed_again` how often it said the same under several identities.
        """
        await self.recovered()
        missing = self.fleet.dead_by_themselves()
        codes = await self.fleet.stop() if not missing else {}
        depths = await self.depths()
        outcome = await self.as_found(scenario, observed_again)
        samples, reminders = outcome.samples, outcome.reminders
        told = "\n".join([Counters.head(), *outcome.lines(), f"depths {depths}"])
        assert not missing, f"{missing} ended by themselves\n{told}"
        assert set(codes.values()) == {0}, f"{codes}\n{told}"
        assert samples.is_right, told
        assert reminders.is_right, told
        assert reminders.uncertain <= uncertain, told
        assert depths == dict.fromkeys(depths, 0) | (parked or {}), told
        assert not self.driver.problems, "\n".join([*self.driver.problems[:10], told])
        assert not await self._stored_but_missing(), told
        return outcome

    async def as_found(self, scenario: str, observed_again: int = 0) -> Outcome:
        """Count what there is now, right or wrong, and note it for the report."""
        samples, reminders = await self._counters()
        samples = replace(samples, duplicated=samples.duplicated - observed_again)
        self.outcome = Outcome(scenario, self.seed, samples, reminders, self._recovery, await self._parked())
        self.outcome.table = self.table
        self.note(self.outcome)
        return self.outcome

    async def depths(self) -> dict[str, int]:
        """Return how many messages each queue holds; unacknowledged ones only count once their consumers are gone."""
        declared = declare.whole(topology.DOMAINS, topology.QUEUES)
        link = Link(self.url, "chaos oracle")
        channel = await link.channel()
        answers = {each.name: await channel.queue_declare(each.name, passive=True) for each in declared.queues}
        await link.close()
        return {name: int(answer.message_count or 0) for name, answer in answers.items()}

    async def publish_anonymously(self, body: bytes) -> None:
        """Publish a body and nothing else, as the plainest of clients would: without any property."""
        vhost = unquote(urlsplit(self.url).path[1:])
        payload = {"payload": body.decode(), "payload_encoding": "string"}
        said = {"properties": {}, "routing_key": "samples.ingest", **payload}
        management = Management(self.services.broker.management_url, "mesh", self.services.broker.password)
        answer = await management.call("POST", "exchanges", vhost, "samples.topic", "publish", body=said)
        assert answer == {"routed": True}

    def stored_again(self) -> int:
        """Return how often a worker was handed a message whose effects were committed already."""
        return sum(1 for worker in self.fleet.workers for _ in worker.events("samples_already_stored"))

    def redelivered(self) -> list[int]:
        """Return, for each message that came to a worker again, how many failed deliveries the broker counts."""
        return [event["failures"] for worker in self.fleet.workers for event in worker.events("message_redelivered")]

    def told_events(self, name: str) -> int:
        """Return how often the roles logged an event."""
        return sum(1 for role in self.fleet.all for _ in role.events(name))

    async def _counters(self) -> tuple[Counters, Counters]:
        samples = await judge_samples(self.driver.operations, self.truth)
        return samples, await judge_reminders(self.driver.operations, self.truth, self.fleet.workers)

    async def _parked(self) -> list[Parked]:
        """Return the dead letters by reason; they stay where they are."""
        publisher = Publisher(Link(self.url, "chaos oracle"))
        link = Link(self.url, "chaos oracle")
        letters = DeadLetters(link, publisher, topology.QUEUES, utc_now).letters(Selection())
        grouped = Counter([(each.queue, each.error_class, each.reason) async for each in letters])
        await link.close()
        return Parked.grouped(grouped)

    async def _is_complete(self) -> bool:
        samples, reminders = await self._counters()
        await asyncio.sleep(0.1)  # these are whole tables, on the cores that the mesh works on
        return samples.lost == reminders.lost == 0 and reminders.acknowledged == reminders.attempted

    async def _has_work(self) -> bool:
        samples = await judge_samples(self.driver.operations, self.truth)
        return samples.lost > 0

    async def _has_reminders(self) -> bool:
        _, reminders = await self._counters()
        return reminders.lost > 0

    async def _stored_but_missing(self) -> set[str]:
        stored = {each.product for each in self.driver.operations if each.is_stored}
        return stored - (await self.truth.samples()).keys()


@asynccontextmanager
async def mesh_under_fire(services: Services, folder: Path, report: Report, test: str) -> AsyncIterator[Begin]:
    """Run a whole mesh on a vhost and a database of its own; `http` and `reminded` are the driver's shares.

    `environment` are settings of every role besides.
    With `is_tampered` the roles' clocks and files are open to the scenario (see tampered.py).
    """
    await services.mend()
    vhost = f"chaos-{uuid4()}"
    async with store_on(services.database) as server_store:
        url = await services.broker.add_vhost(vhost)
        fleets: list[MeshUnderFire] = []
        async with proxy_to(services.broker.port) as proxy:

            async def begin(
                *,
                http: float = 0.5,
                reminded: float = 0.3,
                worker_options: str = "",
                workers: Workers | None = None,
                environment: Mapping[str, str] | None = None,
                store: StoreKind = "server",
                is_tampered: bool = False,
            ) -> MeshUnderFire:
                used = server_store.embedded(folder) if store == "embedded" else server_store
                await upgrade(used.admin_url)
                await _declare(url)
                joined = {
                    "MESH_BROKER_URL": url,
                    "MESH_DATABASE_URL": used.proxy.of(used.url) if store == "proxied" else used.url,
                    "MESH_REDIS_URL": services.redis.url,
                    **({TAMPERING: str(folder / "tampering")} if is_tampered else {}),
                    **(environment or {}),
                }
                # The nodes of a cluster are reached directly.
                via = None if "," in url else proxy.of(url) + worker_options
                fleet = Fleet(folder, joined, via, workers or Workers())
                seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(10**6))
                driver = Driver(fleet.url, url, seed, http=http, reminded=reminded)
                # Without a pool, since the server may be replaced meanwhile.
                truth = Truth(create_async_engine(used.admin_url, poolclass=NullPool))
                mesh = MeshUnderFire(services, fleet, driver, proxy, truth, url)
                mesh.store, mesh.tampering = used, Tampering(folder / "tampering")
                mesh.seed = seed
                mesh.note = partial(report.note, test)
                report.begin(test, seed)
                fleets.append(mesh)
                await fleet.start()
                return mesh

            try:
                yield begin
            finally:
                for mesh in fleets:
                    await mesh.fleet.kill()
                    await mesh.driver.close()
                await services.mend()
                for mesh in fleets:
                    if mesh.outcome is None:
                        await mesh.as_found("without a verdict")
                await services.broker.remove_vhost(vhost)


async def _declare(url: str) -> None:
    link = Link(url, "chaos begins")
    await declare.whole(topology.DOMAINS, topology.QUEUES).apply(await link.channel())
    await link.close()

"""`mesh bench relay`: marketing events until committed, beside Celery, and until a destination has taken them."""

import asyncio
import http
import http.client
import secrets
import time
from contextlib import AsyncExitStack
from typing import Any

import orjson
import psutil

from brokers.outgoing import Outgoing, outgoing
from brokers.topology import RELAY_DELIVERIES_SEND, RELAY_EVENTS_INGEST
from mesh.bench import crawl, peers
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Account, Measured, Target, accounted
from mesh.bench.gateway import ready
from mesh.bench.ingest import ended
from mesh.bench.orders import orders, pages
from mesh.bench.shop import Shop, shop
from mesh.bench.stage import Place, Stage
from mesh.bench.standin import Standin, standing_in
from mesh.embedded.process import ServiceFailed, free_port
from publishers.gateway.auth import HEADER
from publishers.gateway.events import PATH
from schemas.relay.messages import SendDeliveries

INTAKE = "intake, pages of 100"
POSTED = "posted, 4,000 in a page"
SINGLE_INTAKE = "intake, an event a message"
CELERY = "intake, Celery, an event a task"
BATCHES = "forwarding, 1,000 a call"
SINGLES = "forwarding, an event a call"
SWITCHED = "forwarding, switched off midway"

PAGE = 100
POSTED_PAGE = 4000
#: The slow variants get a share of the events, so that all take seconds and none minutes.
SHARE_OF_CELERY = 10
SHARE_OF_SINGLES = 4

#: At least that long a switch is left off: nothing may arrive meanwhile.
_OFF_SECONDS = 6.0
#: When the switch is thrown: at full load, and before all is sent.
_MIDWAY = 0.3

STORED = "SELECT COUNT(*) FROM marketing_events"
DELIVERED = "SELECT COUNT(*) FROM deliveries WHERE state = 'delivered'"


def _intake(items: int, share: int = 1) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        number = max(size // share, 1)
        async with AsyncExitStack() as stack:
            place, _, of = await _set(stack, stage, "meta")
            await crawl.send(place, (_ingest(page) for page in pages(number, items)))
            async with place.process("worker", ("mesh", "worker", RELAY_EVENTS_INGEST.name), of.settings) as process:
                per_second, facts = await crawl.rate(place, process, number, tell, STORED)
            return crawl.measured(per_second, await _stored(place, number), facts)

    return measure


async def _posted(stage: Stage, size: int, tell: Tell) -> Measured:
    """Post one page and wait for the answer that all of it is committed; a small one before it opens connections."""
    port, token, number = free_port(), secrets.token_hex(16), min(size, POSTED_PAGE)
    async with AsyncExitStack() as stack:
        place, _, of = await _set(stack, stage, "meta")
        settings = {"MESH_GATEWAY_PORT": str(port), "MESH_SERVICE_TOKENS": token, **of.settings}
        await stack.enter_async_context(place.process("worker", ("mesh", "worker", RELAY_EVENTS_INGEST.name), settings))
        gateway = await stack.enter_async_context(place.process("gateway", ("mesh", "gateway"), settings))
        await ready(port, gateway, place)
        first, page = (orjson.dumps(each) for each in (*pages(PAGE, PAGE), {"data": orders(number, after=PAGE)}))
        await asyncio.to_thread(_post, port, token, first)
        tell(0.5)
        began = time.monotonic()
        accepted = await asyncio.to_thread(_post, port, token, page)
        seconds = time.monotonic() - began
        found = await _stored(place, PAGE + number) + accounted(number, accepted, accepted)
        return crawl.measured(number / seconds, found, {"seconds": round(seconds, 3), "bytes": len(page)})


def _post(port: int, token: str, page: bytes) -> int:
    """Return how many events of a page were accepted."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", PATH, page, {HEADER: token, "Content-Type": "application/json"})
        answer = connection.getresponse()
        body = orjson.loads(answer.read())
        if answer.status != http.HTTPStatus.ACCEPTED or "accepted" not in body:
            raise ServiceFailed(f"a page was answered {answer.status}: {str(body)[:500]}")
        return int(body["accepted"])
    finally:
        connection.close()


def _celery(share: int) -> Measure:
    module, queue = "mesh.bench.peers.celery_events", "bench.celery"
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning", "--pool", "solo")

    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        number, python = max(size // share, 1), peers.python()
        async with AsyncExitStack() as stack:
            place, _, _ = await _set(stack, stage, "meta")
            async with place.process("fill", (module, str(number)), python=python) as filling:
                await ended(filling)
            if (filled := await crawl.waiting(place, queue)) != number:
                raise ServiceFailed(f"{filled} of {number} messages are in {queue}; the log is in {place.folder}")
            async with place.process("peer", ("celery", "--app", module, "worker", *quiet), python=python) as process:
                per_second, facts = await crawl.rate(place, process, number, tell, STORED)
            return crawl.measured(per_second, await _stored(place, number), facts)

    return measure


def _forwarding(vendor: str, share: int = 1) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        number = max(size // share, 1)
        async with AsyncExitStack() as stack:
            place, standin, of = await _set(stack, stage, vendor)
            await of.fill(number)
            process = await _senders(stack, place, of)
            per_second, facts = await crawl.rate(place, process, number, tell, DELIVERED)
            return crawl.measured(per_second, await _taken(standin, number), facts)

    return measure


async def _switched(stage: Stage, size: int, tell: Tell) -> Measured:
    """Throw the storefront's switch at full load, see how long something still arrives, and throw it back."""
    async with AsyncExitStack() as stack:
        place, standin, of = await _set(stack, stage, "sgtm")
        number = max(size // SHARE_OF_SINGLES, 1)
        await of.fill(number)
        process = await _senders(stack, place, of)
        began = time.monotonic()
        while (sent := (await standin.counts())["events"]) < number * _MIDWAY:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(crawl.LOOK_SECONDS)
        at, rate = time.time(), sent / (time.monotonic() - began)
        await of.switch(is_on=False)
        await asyncio.sleep(_OFF_SECONDS)
        stopped_after = max(await standin.last_at() - at, 0.0)
        held = number - (await standin.counts())["ids"]
        await of.switch(is_on=True)
        _, facts = await crawl.rate(place, process, number, tell, DELIVERED)
        facts |= {"stopped_after_seconds": round(stopped_after, 3), "held": held}
        return crawl.measured(rate, await _taken(standin, number), facts)


async def _set(stack: AsyncExitStack, stage: Stage, vendor: str) -> tuple[Place, Standin, Shop]:
    place = await stack.enter_async_context(stage.place())
    standin = await stack.enter_async_context(standing_in(place, vendor))
    return place, standin, await stack.enter_async_context(shop(place, standin, vendor))


async def _senders(stack: AsyncExitStack, place: Place, of: Shop) -> psutil.Process:
    """Start one sending process and what wakes it, on deliveries that are due already."""
    await crawl.send(place, iter([outgoing(SendDeliveries(destination_id=of.destination))]))
    await stack.enter_async_context(place.process("publishers", ("mesh", "publishers")))
    command = ("mesh", "worker", RELAY_DELIVERIES_SEND.name)
    return await stack.enter_async_context(place.process("worker", command, of.settings))


def _ingest(page: dict[str, Any]) -> Outgoing:
    return Outgoing(exchange=RELAY_EVENTS_INGEST.exchange, key=RELAY_EVENTS_INGEST.name, body=orjson.dumps(page))


async def _stored(place: Place, number: int) -> Account:
    """Compare what was published with the events that are stored and the deliveries that were made for them."""
    _, ((present, distinct),) = await place.sql.rows("SELECT COUNT(*), COUNT(DISTINCT identity) FROM marketing_events")
    _, ((made, events),) = await place.sql.rows("SELECT COUNT(*), COUNT(DISTINCT event_id) FROM deliveries")
    return accounted(number, int(present), int(distinct)) + accounted(number, int(made), int(events))


async def _taken(standin: Standin, number: int) -> Account:
    """Compare what was to be sent with what the stand-in has taken, repeats included."""
    counts = await standin.counts()
    return accounted(number, counts["events"], counts["ids"])


RELAY = Benchmark(
    name="relay",
    what="Marketing events from a queue into MariaDB until committed, and from there to a stand-in that answers after "
    "50 ms, by one process each.",
    unit="events/s",
    variants=lambda: {
        POSTED: _posted,
        INTAKE: _intake(PAGE),
        SINGLE_INTAKE: _intake(1, share=2),
        CELERY: _celery(SHARE_OF_CELERY),
        BATCHES: _forwarding("meta"),
        SINGLES: _forwarding("sgtm", SHARE_OF_SINGLES),
        SWITCHED: _switched,
    },
    size=20_000,
    sized_in="events",
    peers=(CELERY,),
    told=("cpu_seconds",),
    settings={
        "queues": "quorum for both; persistent, confirmed publishes; acks after the commit",
        "Celery": "one worker with the solo pool; without gossip, mingle, heartbeat, results and events",
        "what a task does": "our own parsing and rules, one transaction an event; it wakes nobody to send it",
        "destinations": "Meta's pixel (1,000 events a call) and a tagging server (one), each answering after 50 ms",
        "SQL": "READ COMMITTED for all; SQLAlchemy on asyncmy for ours, on PyMySQL for the peer",
    },
    targets=(
        Target(POSTED, fact="seconds", at_most=1),
        Target(INTAKE, CELERY, at_least=10),
        Target(BATCHES, at_least=1000),
        Target(SINGLES, at_least=300),
        Target(SWITCHED, fact="stopped_after_seconds", at_most=5),
    ),
)

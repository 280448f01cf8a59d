"""`mesh bench gateway`: confirmed accepts by HTTP, beside a typed route of the usual kind and a bare publisher."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import aiormq.abc
import psutil

from brokers.link import Link
from mesh.bench import crawl, peers
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Account, Measured, Target
from mesh.bench.load import SAMPLES, TASKS, Kind, Load, number_in
from mesh.bench.sender import sent
from mesh.bench.stage import Place, Stage
from mesh.embedded.process import ServiceFailed, free_port, port_answers

OURS = "gateway"
TYPED = "typed FastAPI route"
BARE = "bare publisher"

CONNECTIONS = (1, 64, 256)
ITEMS = 500

_READY_WITHIN = timedelta(seconds=20)
_READY = b"GET /health/ready HTTP/1.1\r\nHost: bench\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a variant is loaded, and which part of a round's posts is enough to measure it in seconds."""

    connections: int
    kind: Kind = SAMPLES
    items: int = 1
    share: int = 1

    def load(self, size: int) -> Load:
        """Return the load of a round, without an address; a tenth more is sent before, to warm up."""
        posts = max(size // self.items // self.share, 10)
        return Load(
            kind=self.kind,
            address="",
            connections=self.connections,
            items=self.items,
            posts=posts,
            warm_up=max(posts // 10, self.connections),
        )


def _served(shape: Shape, *, is_peer: bool = False) -> Measure:
    """Measure a server, ours or the peer: it and its client are processes of their own."""

    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        port, token = str(free_port()), secrets.token_hex(16)
        settings = {"MESH_GATEWAY_PORT": port, "MESH_SERVICE_TOKENS": token}
        async with stage.place() as place:
            async with _server(place, settings, is_peer=is_peer) as process:
                await ready(int(port), process, place)
                load = replace(shape.load(size), address=port, token=token, watched=process.pid)
                told = await sent("mesh.bench.client", load)
            tell(0.7)
            return await _judged(place, load, told)

    return measure


def _server(place: Place, settings: Mapping[str, str], *, is_peer: bool) -> AbstractAsyncContextManager[psutil.Process]:
    if is_peer:
        return place.process("typed", ("mesh.bench.peers.gateway",), settings, python=peers.python())
    return place.process("gateway", ("mesh", "gateway"), settings)


def _bare(shape: Shape) -> Measure:
    """Measure the bare publisher: what the broker and the library leave to a gateway."""

    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        async with stage.place() as place:
            load = replace(shape.load(size), address=place.broker_url)
            told = await sent("mesh.bench.bare", load)
            tell(0.7)
            return await _judged(place, load, told)

    return measure


async def ready(port: int, process: psutil.Process, place: Place) -> None:
    """Wait until a server says that it is ready."""
    async with asyncio.timeout(_READY_WITHIN.total_seconds()):
        while not await port_answers(port, say=_READY, expect=b"HTTP/1.1 200"):
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                raise ServiceFailed(f"the server ended; its log is in {place.folder}")
            await asyncio.sleep(0.05)


async def _judged(place: Place, load: Load, told: dict[str, Any]) -> Measured:
    """Compare what was answered with what the queue holds; every post was answered, or the sender had failed."""
    found = account_of(load, [number_in(message) for message in await _taken(place, load)])
    return crawl.measured(load.posts * load.items / told["seconds"], found, {"posts": load.posts, **told})


def account_of(load: Load, found: Sequence[int]) -> Account:
    """Return what is missing of a load's numbers, and how many of those found are too many."""
    wanted = set(range(load.messages))
    too_many = len(found) - len(wanted.intersection(found))
    return Account(expected=load.messages, lost=len(wanted.difference(found)), duplicated=too_many)


async def _taken(place: Place, load: Load) -> list[bytes]:
    """Take what is in the queue, to which nobody listened so far."""
    link = Link(place.broker_url, "mesh bench reads")
    taken: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(message: aiormq.abc.DeliveredMessage) -> None:
        taken.put_nowait(message.body)

    try:
        channel = await link.channel()
        waiting = (await channel.queue_declare(load.queue.name, passive=True)).message_count or 0
        await channel.basic_consume(load.queue.name, take, no_ack=True)
        return [await taken.get() for _ in range(waiting)]
    finally:
        await link.close()


def _at(name: str, connections: int) -> str:
    return f"{name}, {connections} connection{'s' if connections > 1 else ''}"


def _items(name: str) -> str:
    return f"{name}, {ITEMS} items a post"


def _variants() -> dict[str, Measure]:
    variants: dict[str, Measure] = {}
    for connections in CONNECTIONS:
        ours = Shape(connections=connections, share=8 if connections == 1 else 1)
        typed = replace(ours, share=max(ours.share, 3))
        variants[_at(OURS, connections)] = _served(ours)
        variants[_at(TYPED, connections)] = _served(typed, is_peer=True)
        variants[_at(BARE, connections)] = _bare(ours)
    many = Shape(connections=1, kind=TASKS, items=ITEMS)
    variants[_items(OURS)] = _served(many)
    variants[_items(TYPED)] = _served(replace(many, share=2), is_peer=True)
    variants[_items(BARE)] = _bare(many)
    return variants


GATEWAY = Benchmark(
    name="gateway",
    what="Messages accepted over HTTP and confirmed by the broker; their queue has no consumer.",
    unit="messages/s",
    variants=_variants,
    size=6_000,
    sized_in="messages",
    targets=(
        Target(_at(OURS, 64), _at(TYPED, 64), at_least=2.5),
        Target(_at(OURS, 64), _at(BARE, 64), at_least=0.4),
        Target(_at(OURS, 64), fact="p99_ms", at_most=50),
    ),
    peers=(*(_at(TYPED, connections) for connections in CONNECTIONS), _items(TYPED)),
    told=("p50_ms", "p99_ms", "server_cpu_us", "sender_cpu_us"),
    settings={
        "queue": "quorum, no consumer",
        "publishes": "persistent, mandatory, confirmed",
        "status board": "none, no Redis",
        "client": "keep-alive, one post under way a connection, in a process of its own on the same machine",
    },
)

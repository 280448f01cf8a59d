"""`mesh bench consume`: what the machinery around a handler costs, with a handler that does nothing."""

import asyncio
import sys
from collections.abc import Iterator
from itertools import count

import orjson
import psutil

from brokers import declare
from brokers.link import Link
from brokers.outgoing import Outgoing
from mesh.bench import crawl, peers, tally
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.consumer import ORDINARY, PREFETCH
from mesh.bench.crawl import Tell
from mesh.bench.figures import Account, Measured, Target, accounted
from mesh.bench.stage import Place, Stage
from mesh.embedded.process import ServiceFailed

ONE_BY_ONE = "ordinary queue"
GROUPS = "batch queue"
BARE = "bare aio-pika"
FASTSTREAM = "FastStream"

#: About what a small command weighs.
_TEXT = "x" * 200

#: A run that is not done by then lacks messages; the slowest takes a fifth of it.
_DONE_WITHIN_SECONDS = 60


def _by(*command: str, is_peer: bool = False) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        python = peers.python() if is_peer else sys.executable
        async with stage.place() as place:
            await _declare(place)
            await crawl.send(place, _ticks(size))
            tally.file_in(place.folder).unlink(missing_ok=True)
            async with place.process("consumer", (*command, str(size)), python=python) as process:
                facts = await _watched(place, process)
            tell(1)
            return await _told(place, size, facts)

    return measure


async def _declare(place: Place) -> None:
    link = Link(place.broker_url, "mesh bench")
    try:
        await declare.whole((ORDINARY.domain,), (ORDINARY,)).apply(await link.channel())
    finally:
        await link.close()


def _ticks(number: int) -> Iterator[Outgoing]:
    """Yield messages that carry their number in the body, for parsers, and as their id, for others."""
    for each in range(number):
        body = orjson.dumps({"number": each, "text": _TEXT})
        yield Outgoing(exchange=ORDINARY.exchange, key=ORDINARY.name, body=body, message_id=str(each))


async def _watched(place: Place, process: psutil.Process) -> dict[str, float]:
    """Wait until everything has come; what it took of the machine until then."""
    for look in count():
        if tally.read(place.folder) or look * crawl.LOOK_SECONDS > _DONE_WITHIN_SECONDS:
            return crawl.cost(process)
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            break
        await asyncio.sleep(crawl.LOOK_SECONDS)
    raise ServiceFailed(f"the consumer ended; its log is in {place.folder}")


async def _told(place: Place, size: int, facts: dict[str, float]) -> Measured:
    """Read what the process has counted to its end, and what the queue has left: acks that never arrived."""
    told = tally.read(place.folder) or {"received": 0, "distinct": 0, "seconds": None}
    found = accounted(size, told["received"], told["distinct"])
    left = await crawl.waiting(place, ORDINARY.name)
    unacked = Account(expected=0, duplicated=left)  # each would be handled again
    return Measured(round(told["distinct"] / (told["seconds"] or _DONE_WITHIN_SECONDS), 1), found + unacked, facts)


CONSUME = Benchmark(
    name="consume",
    what="Small messages from a quorum queue through a handler that does nothing, by one process.",
    unit="messages/s",
    variants=lambda: {
        ONE_BY_ONE: _by("mesh.bench.consumer", "ordinary"),
        FASTSTREAM: _by("mesh.bench.peers.faststream_consumer", is_peer=True),
        GROUPS: _by("mesh.bench.consumer", "batch"),
        BARE: _by("mesh.bench.peers.aio_pika_consumer", is_peer=True),
    },
    size=20_000,
    sized_in="messages",
    peers=(FASTSTREAM, BARE),
    told=("cpu_seconds", "rss_mb"),
    settings={
        "prefetch": f"{PREFETCH}, for all",
        "queue": "one quorum queue with a delivery limit and dead-lettering, for all",
        "body": "about 240 bytes of JSON; ours and FastStream validate it, aio-pika reads a property alone",
        "loop": "uvloop, for all",
        "logs": "none of each message, for all",
    },
    targets=(Target(ONE_BY_ONE, FASTSTREAM, at_least=0.9), Target(GROUPS, BARE, at_least=1.5)),
)

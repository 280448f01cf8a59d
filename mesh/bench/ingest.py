"""`mesh bench ingest`: one-row messages until committed, beside Celery and Dramatiq, process for process."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import psutil

from brokers.topology import SAMPLES_INGEST
from mesh.bench import crawl, peers
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Measured, Target
from mesh.bench.stage import Place, Stage
from mesh.embedded.process import ServiceFailed

GROUPS = "group commit"
SINGLY = "one transaction a message"
CELERY = "Celery"
DRAMATIQ = "Dramatiq"

#: The slow variants get a share of the messages, so that all take seconds and none minutes.
SHARE_OF_THE_SLOW = 8

#: A worker that is one process: on two cores the parent of a prefork pool would be one more, and in the way.
_SOLO = ("--pool", "solo")

#: Enough for a peer to publish its share one by one.
_FILLED_WITHIN_SECONDS = 60


def messages(number: int) -> Iterator[dict[str, Any]]:
    """Yield one-row messages: every sample is seen for the first time, and later once more with another stock."""
    samples = samples_of(number)
    for seen in range(number):
        yield {"source": "bench", "rows": [crawl.row(seen % samples, stock=str(1000 + seen // samples))]}


def samples_of(number: int) -> int:
    """Return how many samples that many messages tell of."""
    return (number + 1) // 2


def of(variant: str, processes: int) -> str:
    """Return what a variant is called with that many processes."""
    return f"{variant}, {processes} process{'es' if processes > 1 else ''}"


def _ours(*command: str, share: int = 1) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        number = max(size // share, 1)
        async with stage.place() as place:
            await crawl.publish(place, messages(number))
            async with place.process("worker", command) as process:
                per_second, facts = await crawl.rate(place, process, number, tell)
            return await _told(place, SAMPLES_INGEST.name, number, per_second, facts)

    return measure


def _theirs(module: str, queue: str, *command: str, workers: int = 1) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        number, python = max(size // SHARE_OF_THE_SLOW, 1), peers.python()
        async with stage.place() as place:
            async with place.process("fill", (module, str(number)), python=python) as filling:
                await ended(filling)
            if (filled := await crawl.waiting(place, queue)) != number:
                raise ServiceFailed(f"{filled} of {number} messages are in {queue}; the log is in {place.folder}")
            prefetch = {"dramatiq_queue_prefetch": "100"}  # Celery's is in its module
            async with AsyncExitStack() as stack:
                begun = [place.process(f"peer-{each}", command, prefetch, python=python) for each in range(workers)]
                working = [await stack.enter_async_context(each) for each in begun]
                per_second, facts = await crawl.rate(place, working[0], number, tell)
                facts |= crawl.cost(*working)
            return await _told(place, queue, number, per_second, facts)

    return measure


async def ended(process: psutil.Process) -> None:
    """Wait until a process has come to its end."""
    async with asyncio.timeout(_FILLED_WITHIN_SECONDS):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(crawl.LOOK_SECONDS)


async def _told(place: Place, queue: str, number: int, per_second: float, facts: dict[str, Any]) -> Measured:
    found = await crawl.account(place, rows=number, samples=samples_of(number))
    left = await crawl.waiting(place, queue)
    return crawl.measured(per_second, found, {"messages": number, "left_in_queue": left, **facts})


def _mesh(processes: int) -> Measure:
    return _ours("mesh", "worker", SAMPLES_INGEST.name, "--processes", str(processes))


def _celery(processes: int) -> Measure:
    module = "mesh.bench.peers.celery_tasks"
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning")
    return _theirs(module, "bench.celery", "celery", "--app", module, "worker", *_SOLO, *quiet, workers=processes)


def _dramatiq(processes: int) -> Measure:
    module = "mesh.bench.peers.dramatiq_tasks"
    return _theirs(module, "bench.dramatiq", "dramatiq", module, "--processes", str(processes))


INGEST = Benchmark(
    name="ingest",
    what="One-row messages from a queue into MariaDB until committed, by one worker process and by two.",
    unit="messages/s",
    variants=lambda: {
        of(GROUPS, 1): _mesh(1),
        of(CELERY, 1): _celery(1),
        of(DRAMATIQ, 1): _dramatiq(1),
        of(SINGLY, 1): _ours("mesh.bench.singly", share=SHARE_OF_THE_SLOW),
        of(GROUPS, 2): _mesh(2),
        of(CELERY, 2): _celery(2),
        of(DRAMATIQ, 2): _dramatiq(2),
    },
    size=20_000,
    sized_in="messages",
    peers=tuple(of(peer, processes) for processes in (1, 2) for peer in (CELERY, DRAMATIQ)),
    told=("cpu_seconds", "rss_mb"),
    settings={
        "queues": "quorum for ours and Celery; durable classic for Dramatiq, which knows no other",
        "publishes": "persistent and confirmed, each peer's by itself",
        "acks": "after the commit, for all: acks_late for Celery, and a lost worker's task is given back",
        "prefetch": "2,000 for ours, 100 for the peers",
        "a process": "a worker of Celery's with the solo pool; one of Dramatiq's with its 8 threads",
        "Celery": "without gossip, mingle, heartbeat, results and events",
        "SQL": "READ COMMITTED for all; SQLAlchemy on asyncmy for ours, on PyMySQL for the peers",
    },
    targets=(
        Target(of(GROUPS, 1), of(CELERY, 1), at_least=10),
        Target(of(GROUPS, 2), of(CELERY, 2), at_least=10),
        Target(of(GROUPS, 1), of(SINGLY, 1), at_least=6),
    ),
)

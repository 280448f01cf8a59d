"""`mesh bench memory`: what a worker process takes of the machine's memory, idle and after work."""

import asyncio

import psutil

from adapters.vault import new_key
from mesh.bench import crawl, ingest, rows
from mesh.bench.benchmark import Benchmark
from mesh.bench.crawl import Tell
from mesh.bench.figures import Measured, Target
from mesh.bench.stage import Stage

IDLE = "idle"
SMALL = "after one-row messages"
LARGE = f"after messages of {rows.ROWS} rows"

LIMIT_MB = 150

#: A worker has imported and connected everything well within this; afterwards nothing more comes by itself.
_SETTLED_SECONDS = 4.0

#: A page of rows is as much work as this many messages of one row.
_SMALL_AS_LARGE = 100


#: Every role: one of them opens secrets, though there are none here.
_WORKER = "worker", ("mesh", "worker"), {"MESH_ENCRYPTION_KEYS": new_key()}


async def _idle(stage: Stage, size: int, tell: Tell) -> Measured:  # noqa: ARG001 - idle means that the size is nothing
    async with stage.place() as place, place.process(*_WORKER) as process:
        await asyncio.sleep(_SETTLED_SECONDS)
        place.must_run(process)
        tell(1)
        return Measured(_resident(process))


async def _small(stage: Stage, size: int, tell: Tell) -> Measured:
    async with stage.place() as place:
        await crawl.publish(place, ingest.messages(size))
        async with place.process(*_WORKER) as process:
            await crawl.rate(place, process, size, tell)
            taken = _resident(process), _peak(process)
        found = await crawl.account(place, rows=size, samples=ingest.samples_of(size))
    return Measured(taken[0], found, {"peak_mb": taken[1]})


async def _large(stage: Stage, size: int, tell: Tell) -> Measured:
    number = max(size // _SMALL_AS_LARGE, 1)
    async with stage.place() as place:
        await crawl.publish(place, rows.messages(number))
        async with place.process(*_WORKER) as process:
            await crawl.rate(place, process, number, tell)
            taken = _resident(process), _peak(process)
        found = await crawl.account(place, rows=number * rows.ROWS, samples=number * rows.ROWS)
    return Measured(taken[0], found, {"peak_mb": taken[1]})


def _resident(process: psutil.Process) -> float:
    return round(process.memory_info().rss / 1e6, 1)


def _peak(process: psutil.Process) -> float | None:
    """Return the most that was ever resident, which only Linux tells."""
    try:
        with open(f"/proc/{process.pid}/status") as status:  # noqa: PTH123 - a file of the kernel's
            return round(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024 / 1e6, 1)
    except (OSError, StopIteration):
        return None


MEMORY = Benchmark(
    name="memory",
    what="Resident memory of a worker process that consumes every queue.",
    unit="MB",
    variants=lambda: {IDLE: _idle, SMALL: _small, LARGE: _large},
    size=20_000,
    sized_in="messages",
    rounds=1,
    targets=tuple(Target(variant, at_most=LIMIT_MB) for variant in (IDLE, SMALL, LARGE)),
)

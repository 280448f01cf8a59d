"""`mesh bench startup`: how soon the command line answers."""

import asyncio
import sys
import time
from collections.abc import Sequence

from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Measured, Target
from mesh.bench.stage import ROOT, Stage

HELP = "mesh --help"
PYTHON = "python -c pass"


def _timed(arguments: Sequence[str]) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:  # noqa: ARG001 - every benchmark's shape
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )
        code = await process.wait()
        seconds = time.monotonic() - began
        if code != 0:
            raise RuntimeError(f"{' '.join(arguments)} ended with {code}")
        tell(1)
        return Measured(round(seconds, 4))

    return measure


STARTUP = Benchmark(
    name="startup",
    what="Wall time of `mesh --help`, beside an interpreter that does nothing.",
    unit="s",
    variants=lambda: {HELP: _timed(["-m", "mesh", "--help"]), PYTHON: _timed(["-c", "pass"])},
    size=1,
    sized_in="starts",
    rounds=10,
    targets=(Target(HELP, at_most=0.5),),
)

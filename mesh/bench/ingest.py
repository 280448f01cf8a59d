"""`mesh bench ingest`: what one transaction a group is worth, against one transaction a message."""

from collections.abc import Iterator
from typing import Any

from brokers.topology import SAMPLES_INGEST
from mesh.bench import crawl
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Measured, Target
from mesh.bench.stage import Stage

GROUPS = "group commit"
SINGLY = "one transaction a message"

#: The slow variant gets a share of the messages, so that both take seconds and neither minutes.
SHARE_OF_THE_SLOW = 5


def messages(number: int) -> Iterator[dict[str, Any]]:
    """Yield one-row messages: every sample is seen for the first time, and later once more with another stock."""
    samples = samples_of(number)
    for seen in range(number):
        yield {"source": "bench", "rows": [crawl.row(seen % samples, stock=str(1000 + seen // samples))]}


def samples_of(number: int) -> int:
    """Return how many samples that many messages tell of."""
    return (number + 1) // 2


def _with(command: tuple[str, ...], share: int = 1) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        number = max(size // share, 1)
        async with stage.place() as place:
            await crawl.publish(place, messages(number))
            async with place.process("worker", command) as process:
                per_second, facts = await crawl.rate(place, process, number, tell)
            found = await crawl.account(place, rows=number, samples=samples_of(number))
        return crawl.measured(per_second, found, {"messages": number, **facts})

    return measure


INGEST = Benchmark(
    name="ingest",
    what="One-row messages from a quorum queue into MariaDB by one worker process, until committed.",
    unit="messages/s",
    variants=lambda: {
        GROUPS: _with(("mesh", "worker", SAMPLES_INGEST.name)),
        SINGLY: _with(("mesh.bench.singly",), SHARE_OF_THE_SLOW),
    },
    size=20_000,
    sized_in="messages",
    targets=(Target(GROUPS, SINGLY, at_least=6),),
)

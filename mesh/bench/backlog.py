"""`mesh bench backlog`: whether a worker is as fast and as small on a million waiting messages as on ten thousand."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psutil

from brokers.topology import SAMPLES_INGEST
from mesh.bench import crawl
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.drain import UNTIMED, Course, Look, drained, look, mb, slope, thinned
from mesh.bench.figures import Measured, Target
from mesh.bench.stage import Place, Stage

#: The size of a round is that of the whole.
WHOLE, TENTH, HUNDREDTH = "whole", "a tenth", "a hundredth"
SHARES = {HUNDREDTH: 100, TENTH: 10, WHOLE: 1}

#: In fewer messages than this the memory's noise is all that a slope would show; the whole is always fitted.
FITTED = 50_000

#: Fewer would be over within a transaction or two.
LEAST = 1000

#: Of the whole measurement, how much is filling the queue; only the progress bar cares.
_FILLING = 0.3

#: A sample is seen a second time this many messages later, so that both times are never in one transaction.
_LATER = 2000

#: Ends of a run that are compared with each other.
_END = 10_000


def messages(number: int) -> Iterator[dict[str, Any]]:
    """Yield one-row messages, every second of which tells of a new sample, the others of one seen before.

    The mix is the same from the first to the last, so that a rate which changes is not the work's doing.
    """
    for seen in range(number):
        sample, is_again = divmod(seen, 2)
        again = sample - _LATER // 2 if sample >= _LATER // 2 else sample
        yield {"source": "bench", "rows": [crawl.row(again if is_again else sample, stock=str(1000 + is_again))]}


def _of(share: int) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        number = max(size // share, LEAST)
        async with stage.place() as place:
            before_mb = mb(psutil.Process(place.broker_pid))
            filled_in = await _filled(place, number, tell)
            async with place.process("worker", ("mesh", "worker", SAMPLES_INGEST.name)) as process:
                looks = await drained(
                    place, process, SAMPLES_INGEST.name, number, lambda part: tell(_FILLING + part * (1 - _FILLING))
                )
                await crawl.rate(place, process, number, lambda _: None)
                looks.append(look(place, process))
            found = await crawl.account(place, rows=number, samples=(number + 1) // 2)
            course = await Course.of(place)
        facts = {"messages": number, "filled_per_second": round(number / filled_in), "broker_mb_before": before_mb}
        return crawl.measured(
            course.rate(_untimed(number), number),
            found,
            facts | _facts(looks, course, number, is_fitted=share == 1 or number >= FITTED),
        )

    return measure


async def _filled(place: Place, number: int, tell: Tell) -> float:
    """Fill the queue and return how many seconds that took."""

    def told() -> Iterator[dict[str, Any]]:
        for done, body in enumerate(messages(number)):
            if not done % 1000:
                tell(done / number * _FILLING)
            yield body

    began = time.monotonic()
    await crawl.publish(place, told())
    return time.monotonic() - began


def _facts(looks: list[Look], course: Course, number: int, *, is_fitted: bool) -> dict[str, Any]:
    untimed, end = _untimed(number), min(_END, number // 2)
    return {
        "first_per_second": round(course.rate(untimed, untimed + end), 1),
        "last_per_second": round(course.rate(number - end, number), 1),
        "rss_mb": looks[-1].worker_mb,
        "rss_mb_per_100k": slope(looks, course, number) if is_fitted else None,
        "broker_mb": max(each.broker_mb for each in looks),
        "course": list(thinned(looks, course)),
    }


def _untimed(number: int) -> int:
    return min(UNTIMED, number // 5)


BACKLOG = Benchmark(
    name="backlog",
    what="One-row messages by one worker process, from backlogs of three sizes, each drained to the last.",
    unit="messages/s",
    variants=lambda: {name: _of(share) for name, share in SHARES.items()},
    size=1_000_000,
    sized_in="messages in the whole backlog",
    rounds=1,
    targets=(
        Target(TENTH, HUNDREDTH, at_least=0.8),
        Target(WHOLE, HUNDREDTH, at_least=0.8),
        Target(WHOLE, fact="rss_mb_per_100k", at_most=1),
    ),
    told=("messages", "first_per_second", "last_per_second", "rss_mb", "rss_mb_per_100k", "broker_mb"),
    settings={
        "timed": f"from the first transaction after {UNTIMED:,} messages to the last, by their own stamps",
        "memory": "resident, looked at four times a second; the slope is fitted after the first fifth of the messages",
        "work": "every second message tells of a new sample, the others of one seen before",
    },
    patience=timedelta(minutes=25),
)

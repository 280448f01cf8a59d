"""`mesh bench retry`: messages that fail twice come back from the delay ladder, all of them and on time."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from itertools import count, islice, pairwise
from math import ceil
from typing import Any

import orjson
import psutil

from brokers import declare
from brokers.link import Link
from brokers.outgoing import Outgoing
from mesh.bench import crawl, distribution, refusing
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Account, Measured, Target, accounted
from mesh.bench.pace import OpenLoop, arrivals
from mesh.bench.refusing import REFUSED, Call
from mesh.bench.stage import Place, Stage
from mesh.embedded.process import ServiceFailed

#: Messages a second; each is handled three times, and goes down the ladder twice.
PACE = 200

STEADY = f"{PACE} a second"
AT_ONCE = "all at once"

#: Seconds of the two delays: one level of the ladder alone, then three one after the other.
DELAYS = (4, 7)

#: All at once, the first must not come back before the last has failed, or it would wait behind them in the queue.
FAILED_PER_SECOND = 500

#: A return later than this at the 99th percentile is not on time.
ON_TIME_MS = 1000

_LOOK_SECONDS = 0.25


def apart(size: int) -> tuple[int, int]:
    """Return two delays in seconds, each one level of the ladder and longer than it takes to fail all messages once."""
    needed = max(DELAYS[0], ceil(size / FAILED_PER_SECOND))
    level = 1 << (needed - 1).bit_length()
    return level, level


def _with(delays_for: Callable[[int], Sequence[int]], pace: int | None) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        delays = delays_for(size)
        async with stage.place() as place:
            file = place.folder / "calls.json"
            file.unlink(missing_ok=True)
            await _declared(place)
            moments = list(islice(arrivals(pace, seed=pace), size)) if pace else [0.0] * size
            async with place.process("worker", ("mesh.bench.refusing", str(file), *map(str, delays))) as process:
                sent = await OpenLoop(place.broker_url, REFUSED.name).play(moments, _messages(), lambda _: None)
                await _finished(place, process, size, sum(delays), tell)
            calls, stored = refusing.seen(file), int(await place.sql.value(crawl.STORED))
            parked = await _waiting(place, REFUSED.dead)
        facts = {"delays_s": list(delays), **_facts(calls, delays), "parked": parked}
        return Measured(facts["p99_ms"], account(list(sent.intended), calls, stored, len(delays) + 1), facts)

    return measure


def lateness(calls: Collection[Call], delays: Sequence[int]) -> dict[int, list[float]]:
    """Return, by delay, the seconds by which each next attempt began later than its delay after the one before."""
    began: dict[str, dict[int, float]] = defaultdict(dict)
    for message_id, attempt, moment in calls:
        began[message_id].setdefault(attempt, moment)
    late: dict[int, list[float]] = {delay: [] for delay in delays}
    for attempts in began.values():
        for (number, before), (following, after) in pairwise(sorted(attempts.items())):
            if following == number + 1:
                late[delays[number - 1]].append(after - before - delays[number - 1])
    return late


def account(message_ids: Collection[str], calls: Collection[Call], stored: int, attempts: int) -> Account:
    """Compare the attempts and the effects that should be with those that were."""
    wanted = {(message_id, attempt) for message_id in message_ids for attempt in range(1, attempts + 1)}
    made = [(message_id, attempt) for message_id, attempt, _ in calls]
    number = len(message_ids)
    return accounted(len(wanted), len(made), len(wanted.intersection(made))) + accounted(
        number, stored, min(stored, number)
    )


def _facts(calls: Collection[Call], delays: Sequence[int]) -> dict[str, Any]:
    late = lateness(calls, delays)
    everything = [each for some in late.values() for each in some]
    if not everything:
        raise RuntimeError("no message came back; the worker's log is in the folder of the benchmarks")
    attempts = Counter(attempt for _, attempt, _ in calls)
    return {
        **distribution.told(everything),
        "least_ms": round(min(everything) * 1000, 2),
        "p99_ms_by_delay": {str(delay): distribution.told(some)["p99_ms"] for delay, some in late.items() if some},
        "attempts": {str(attempt): attempts[attempt] for attempt in sorted(attempts)},
        "seconds": round(max(moment for *_, moment in calls) - min(moment for *_, moment in calls), 1),
    }


def _messages() -> Iterator[Outgoing]:
    for number in count():
        yield Outgoing(exchange=REFUSED.exchange, key=REFUSED.name, body=orjson.dumps({"number": number}))


async def _declared(place: Place) -> None:
    """Make the queue, so that what is published before the worker consumes has a place to wait."""
    link = Link(place.broker_url, "mesh bench")
    try:
        await declare.one(REFUSED).apply(await link.channel())
    finally:
        await link.close()


async def _finished(place: Place, process: psutil.Process, size: int, longest: float, tell: Tell) -> None:
    """Return once every message is stored, or none was for longer than the ladder may hold it."""
    stored, changed_at = 0, time.monotonic()
    while stored < size and time.monotonic() - changed_at < longest + crawl.STALLED_SECONDS:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            raise ServiceFailed(f"the worker ended; its log is in {place.folder}")
        await asyncio.sleep(_LOOK_SECONDS)
        if (found := int(await place.sql.value(crawl.STORED))) != stored:
            stored, changed_at = found, time.monotonic()
            tell(stored / size)


async def _waiting(place: Place, queue: str) -> int:
    link = Link(place.broker_url, "mesh bench look")
    try:
        return (await (await link.channel()).queue_declare(queue, passive=True)).message_count or 0
    finally:
        await link.close()


RETRY = Benchmark(
    name="retry",
    what="Messages that fail twice: how much later than it asked for the handler gets them back from the delay ladder, "
    "99th percentile.",
    unit="ms late (p99)",
    variants=lambda: {STEADY: _with(lambda _: DELAYS, PACE), AT_ONCE: _with(apart, None)},
    size=20_000,
    sized_in="messages",
    rounds=1,
    targets=(Target(STEADY, at_most=ON_TIME_MS), Target(AT_ONCE, at_most=ON_TIME_MS)),
    told=("p50_ms", "p99.9_ms", "most_ms", "least_ms", "parked"),
    settings={
        "lateness": "from the call of the handler that failed to the next call, less the delay that it asked for",
        "delays": f"{DELAYS[0]} s (one level of the ladder), then {DELAYS[1]} s (three levels); all at once, twice one "
        "level that is longer than it takes to fail them all",
        "worker": f"one process, {REFUSED.concurrency} at a time, prefetch {REFUSED.prefetch}",
        "lost": "attempts and effects that did not happen; duplicated: those that happened once too often",
    },
    patience=timedelta(minutes=8),
)

"""`mesh bench latency`: critical time, from the moment a message should have left to its committed row."""

from collections.abc import Iterator, Mapping
from itertools import islice, takewhile
from typing import Any

import orjson
import psutil

from brokers.outgoing import Outgoing
from brokers.topology import SAMPLES_INGEST
from mesh.bench import crawl, distribution, ingest, witness
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Measured, Target
from mesh.bench.pace import BEHIND_SECONDS, OpenLoop, Played, arrivals
from mesh.bench.singly import ONE_BY_ONE
from mesh.bench.stage import Place, Stage

RATES = (100, 500, 2000)
GROUPS = "groups"
SINGLY = "singly"

#: What the target is about.
AIM_RATE, AIM_MS = 500, 100

#: Messages before the measurement: the worker connects, learns their size and consumes anew with a prefetch that fits.
WARM_UP = 200

_WAYS: Mapping[str, str] = {GROUPS: witness.GROUPS, SINGLY: witness.SINGLY}


def variant(way: str, per_second: int) -> str:
    """Return the name of a variant."""
    return f"{way}, {per_second:,}/s"


def _at(way: str, per_second: int) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        moments = list(takewhile(lambda moment: moment < size, arrivals(per_second, seed=per_second)))
        async with stage.place() as place:
            file = place.folder / "commits.json"
            file.unlink(missing_ok=True)
            async with place.process("worker", ("mesh.bench.witness", _WAYS[way], str(file))) as process:
                played = await _played(place, process, moments, per_second, tell)
            sent = WARM_UP + len(played.intended)
            samples = min(sent, ingest.samples_of(WARM_UP + len(moments)))
            found = await crawl.account(place, rows=sent, samples=samples)
            facts = _facts(played, witness.seen(file), per_second)
        return Measured(facts["p99_ms"], found, facts)

    return measure


async def _played(place: Place, process: psutil.Process, moments: list[float], per_second: int, tell: Tell) -> Played:
    """Warm the worker up, publish on time, and wait until all of it is stored."""
    bodies = ingest.messages(WARM_UP + len(moments))
    await crawl.publish(place, islice(bodies, WARM_UP))
    await crawl.rate(place, process, WARM_UP, lambda _: None)
    loop = OpenLoop(place.broker_url, SAMPLES_INGEST.name)
    played = await loop.play(moments, _outgoing(bodies), tell, int(per_second * BEHIND_SECONDS))
    await crawl.rate(place, process, WARM_UP + len(played.intended), tell)
    return played


def _outgoing(bodies: Iterator[dict[str, Any]]) -> Iterator[Outgoing]:
    for body in bodies:
        yield Outgoing(exchange=SAMPLES_INGEST.exchange, key=SAMPLES_INGEST.name, body=orjson.dumps(body))


def _facts(played: Played, commits: Mapping[str, float], per_second: int) -> dict[str, Any]:
    """Compare when messages were meant to leave with when they were committed; what is missing is for the account."""
    times = [commits[each] - intended for each, intended in played.intended.items() if each in commits]
    if not times:
        raise RuntimeError("the worker committed none of the messages; its log is in the folder of the benchmarks")
    waiting = sum(commits.get(each, played.ended_at) >= played.ended_at for each in played.intended)
    began = min(played.intended.values())
    keeps_up = not played.was_cut and waiting <= per_second * BEHIND_SECONDS
    return {
        **distribution.told(times),
        "keeps_up": "yes" if keeps_up else "no",
        "messages": len(times),
        "messages_a_transaction": round(
            len(times) / len({commits[each] for each in played.intended if each in commits}), 1
        ),
        "waiting_at_the_end": waiting,
        "backlog_grew_per_second": 0 if keeps_up else round(waiting / (played.ended_at - began)),
        "sent_late_p99_ms": round(distribution.quantile(sorted(played.late), 0.99) * 1000, 2),
    }


def _grouping() -> str:
    batch = SAMPLES_INGEST.batch
    assert batch is not None
    return f"up to {batch.size} messages or {batch.linger.total_seconds() * 1000:g} ms a transaction, one at a time"


LATENCY = Benchmark(
    name="latency",
    what="Critical time of one-row messages through one worker process, 99th percentile: from the moment a message was "
    "meant to be sent to the moment its worker saw the commit of its rows.",
    unit="ms (p99)",
    variants=lambda: {variant(way, rate): _at(way, rate) for rate in RATES for way in (GROUPS, SINGLY)},
    size=20,
    sized_in="seconds at each rate",
    targets=(Target(variant(GROUPS, AIM_RATE), at_most=AIM_MS),),
    told=("p50_ms", "p99.9_ms", "keeps_up"),
    settings={
        "load": "open loop, Poisson arrivals from a fixed seed, each publish confirmed, sent by this machine as well",
        GROUPS: f"group commit, {_grouping()}",
        SINGLY: f"a transaction a message, {ONE_BY_ONE.concurrency} at a time",
        "not counted": f"the first {WARM_UP} messages of a worker",
        "keeps up": f"no where more than {BEHIND_SECONDS:g} s of messages were not stored when sending ended, which it "
        "did as soon as so many waited in the queue; the percentiles then only tell how long that took",
    },
)

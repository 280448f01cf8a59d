"""What a load is: numbered bodies, what is told of them by whoever sends them, and how they are found again."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson
import psutil

from brokers.queue import Queue
from brokers.topology import CHATBOT_SAMPLE_BATCH, SAMPLES_INGEST
from mesh.bench import crawl

Kind = Literal["samples", "tasks"]
SAMPLES: Kind = "samples"
TASKS: Kind = "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many posts of `items` messages each over so many connections; the first `warm_up` of them are not timed.

    `address` is an HTTP port of this machine, or a broker's URL; `watched` is the process whose work it causes.
    """

    kind: Kind
    address: str
    connections: int
    posts: int
    warm_up: int = 0
    items: int = 1
    token: str = ""
    watched: int | None = None

    @property
    def queue(self) -> Queue:
        """Where the messages go."""
        return SAMPLES_INGEST if self.kind == SAMPLES else CHATBOT_SAMPLE_BATCH

    @property
    def messages(self) -> int:
        """How many messages there will be in all, each with a number of its own."""
        return (self.warm_up + self.posts) * self.items


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How long the timed posts took, all together and each, and the processor time of a post on either side."""

    seconds: float
    p50_ms: float
    p99_ms: float
    sender_cpu_us: float
    server_cpu_us: float | None


def body(kind: str, number: int) -> bytes:
    """Return one message; its number is the creator's."""
    row = crawl.row(number)
    if kind == SAMPLES:
        return orjson.dumps({"source": "bench", "rows": [row]})
    return b"[" + orjson.dumps(_task(number)) + b"]"


def bodies(load: Load) -> Iterator[bytes]:
    """Yield the body of each post."""
    for post in range(load.warm_up + load.posts):
        if load.items == 1:
            yield body(load.kind, post)
        else:
            yield orjson.dumps([_task(number) for number in range(post * load.items, (post + 1) * load.items)])


def number_in(message: bytes) -> int:
    """Return the number of a message that was found in a queue."""
    value: Any = orjson.loads(message)
    seen = value["rows"][0] if isinstance(value, dict) else value[0]
    return int(seen["platformCreatorId"].removeprefix(crawl.CREATOR))


def _task(number: int) -> dict[str, Any]:
    return {
        "platformCreatorId": crawl.row(number)["platformCreatorId"],
        "region": "MX",
        "sampleId": "0190A6B2-7C1F-7A54-9B3B-0E2C8D1F6A11",
        "platformProductName": "Clay mask 100 g",
        "messages": [{"type": "text", "content": "Hola, tu muestra va en camino."}],
    }


class Stopwatch:
    """Times the posts of a load, and the processor time that they take meanwhile."""

    def __init__(self, watched: int | None) -> None:
        self.latencies: list[float] = []
        self._watched = psutil.Process(watched) if watched else None
        self._began, self._own, self._theirs = time.perf_counter(), time.process_time(), self._taken()

    def told(self) -> Told:
        """Return what was measured since the beginning."""
        seconds, own = time.perf_counter() - self._began, time.process_time() - self._own
        theirs, number = self._taken() - self._theirs, len(self.latencies)
        latencies = sorted(self.latencies)
        return Told(
            seconds=round(seconds, 4),
            p50_ms=_ms(latencies, 0.50),
            p99_ms=_ms(latencies, 0.99),
            sender_cpu_us=round(own / number * 1e6, 1),
            server_cpu_us=round(theirs / number * 1e6, 1) if self._watched else None,
        )

    def _taken(self) -> float:
        if self._watched is None:
            return 0.0
        times = self._watched.cpu_times()
        return times.user + times.system


def _ms(latencies: Sequence[float], share: float) -> float:
    return round(latencies[min(int(len(latencies) * share), len(latencies) - 1)] * 1000, 2)


def tell(send: Callable[[Load], Told]) -> None:
    """Be a sender's process: take a load from standard input, tell what came of it on standard output."""
    load = Load(**orjson.loads(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(orjson.dumps(asdict(send(load))))

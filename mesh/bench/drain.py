"""How a backlog goes down: what the queue, the worker and the broker look like meanwhile, and when groups began."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from statistics import linear_regression

import psutil

from brokers.link import Link
from mesh.bench.crawl import STALLED_SECONDS, Tell
from mesh.bench.stage import Place
from persistence.inbox import REMEMBERED

#: A look asks the broker for one number and the kernel for two; counting rows would cost more the more there are.
LOOK_SECONDS = 0.25

#: The first messages are not timed: a worker opens its consumer anew once it has learned their size.
UNTIMED = 2000

#: Memory is fitted from here on: until then buffers and caches fill, which happens once.
SETTLED = 0.2

#: Each transaction stamps its marks with one moment, its beginning, and a month.
_GROUPS = "SELECT expires_at, COUNT(*) FROM inbox GROUP BY expires_at ORDER BY expires_at"


@dataclass(frozen=True, slots=True)
class Look:
    """When it was, by the wall clock, and how much memory was resident, in MB."""

    at: float
    worker_mb: float
    broker_mb: float


@dataclass(frozen=True, slots=True)
class Course:
    """When each transaction began, by the wall clock, and how many messages were stored when it did."""

    began: Sequence[float]
    stored: Sequence[int] = field(repr=False)

    @classmethod
    async def of(cls, place: Place) -> "Course":
        """Read from the inbox what the worker did; messages of the last transaction are stored, but not timed."""
        _, groups = await place.sql.rows(_GROUPS)
        moments = [_seconds(expires_at - REMEMBERED) for expires_at, _ in groups]
        counts = [int(count) for _, count in groups]
        return cls(moments, list(accumulate(counts, initial=0))[:-1])

    def rate(self, since: int, until: int) -> float:
        """Return messages a second between the moments at which `since` and `until` messages were stored."""
        first, last = self._index(since), self._index(until)
        if first >= last:
            return 0.0
        return (self.stored[last] - self.stored[first]) / max(self.began[last] - self.began[first], 1e-3)

    def stored_at(self, moment: float) -> int:
        """Return how many messages were stored at a moment of the wall clock."""
        place = bisect_right(self.began, moment) - 1
        return self.stored[place] if place >= 0 else 0

    def _index(self, stored: int) -> int:
        return min(bisect_right(self.stored, stored), len(self.stored)) - 1


async def drained(place: Place, process: psutil.Process, queue: str, number: int, tell: Tell) -> list[Look]:
    """Look on until nothing of `number` messages waits in the queue any more, or nothing goes on."""
    link = Link(place.broker_url, "mesh bench look")
    looks: list[Look] = []
    waiting, changed_at = number, time.monotonic()
    try:
        channel = await link.channel()
        while waiting and time.monotonic() - changed_at < STALLED_SECONDS:
            place.must_run(process)
            looks.append(look(place, process))
            found = (await channel.queue_declare(queue, passive=True)).message_count or 0
            if found != waiting:
                waiting, changed_at = found, time.monotonic()
                tell(1 - waiting / number)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await link.close()
    return looks


def look(place: Place, process: psutil.Process) -> Look:
    """Look at the memory of the worker and of the broker."""
    return Look(time.time(), mb(process), mb(psutil.Process(place.broker_pid)))


def slope(looks: Sequence[Look], course: Course, number: int) -> float:
    """Return the growth of the worker's memory in MB per 100,000 messages, by least squares once it has settled."""
    points = [(course.stored_at(each.at), each.worker_mb) for each in looks]
    settled = [(stored, mb) for stored, mb in points if stored >= number * SETTLED]
    if len({stored for stored, _ in settled}) < 2:  # noqa: PLR2004 - a line needs two points
        return 0.0
    fitted = linear_regression([stored for stored, _ in settled], [mb for _, mb in settled])
    return round(fitted.slope * 100_000, 3)


def thinned(looks: Sequence[Look], course: Course, points: int = 200) -> Iterator[list[float]]:
    """Yield evenly spaced looks for a plot: seconds, messages stored, MB of the worker, MB of the broker."""
    step = max(len(looks) // points, 1)
    for each in [*looks[:-1:step], looks[-1]]:
        seconds = round(each.at - looks[0].at, 2)
        yield [seconds, course.stored_at(each.at), each.worker_mb, each.broker_mb]


def mb(process: psutil.Process) -> float:
    """Return what a process has in memory."""
    return round(process.memory_info().rss / 1e6, 1)


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()

"""`mesh bench rows`: how near the worker comes to the bare driver writing the same rows into the same tables."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from brokers.topology import SAMPLES_INGEST
from mesh.bench import crawl
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Measured, Target, accounted
from mesh.bench.sql import Sql
from mesh.bench.stage import Place, Stage

WORKER = "worker"
BY_MESSAGE = "bare driver, a transaction a message"
BY_GROUP = "bare driver, a transaction a group"

ROWS = 200  # a message: a page of a crawl

#: Each table, and the query that finds for each of its rows the message that it came with.
_TABLES: Mapping[str, str] = {
    "samples": "SELECT l.message_id, t.* FROM samples t JOIN sample_crawl_logs l ON l.sample_id = t.id",
    "sample_crawl_logs": "SELECT t.message_id, t.* FROM sample_crawl_logs t",
    "sample_contents": "SELECT l.message_id, t.* FROM sample_contents t "
    "JOIN sample_content_crawl_logs l ON l.content_id = t.id",
    "sample_content_crawl_logs": "SELECT t.message_id, t.* FROM sample_content_crawl_logs t",
}

#: What one message wrote, by table, as the driver takes it.
Page = dict[str, list[tuple[Any, ...]]]


class Comparison:
    """One run: the worker stores messages, then the bare driver writes what the tables held."""

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._statements: dict[str, str] = {}
        self._group = 1

    def variants(self) -> dict[str, Measure]:
        """Return the worker first: the others write its rows again."""
        return {WORKER: self.worker, BY_GROUP: self.by_group, BY_MESSAGE: self.by_message}

    async def worker(self, stage: Stage, size: int, tell: Tell) -> Measured:
        """Measure the real worker, from the queue to the commit."""
        async with stage.place() as place:
            await crawl.publish(place, messages(size))
            async with place.process("worker", ("mesh", "worker", SAMPLES_INGEST.name)) as process:
                per_second, facts = await crawl.rate(place, process, size, tell)
            found = await crawl.account(place, rows=size * ROWS, samples=size * ROWS)
            await self._keep(place)
        return crawl.measured(per_second * ROWS, found, {"messages_a_group": self._group, **facts})

    async def by_group(self, stage: Stage, size: int, tell: Tell) -> Measured:
        """Measure the driver with transactions as large as the worker's were."""
        return await self._driver(stage, self._group, size, tell)

    async def by_message(self, stage: Stage, size: int, tell: Tell) -> Measured:
        """Measure the driver with a transaction for each message."""
        return await self._driver(stage, 1, size, tell)

    async def _keep(self, place: Place) -> None:
        """Remember what the worker wrote, and how many messages it took into one transaction."""
        pages: dict[str, Page] = {}
        for table, query in _TABLES.items():
            names, rows = await place.sql.rows(f"{query} ORDER BY 1")
            columns = ", ".join(f"`{name}`" for name in names[1:])
            marks = ", ".join(["%s"] * (len(names) - 1))
            self._statements[table] = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - our own names
            for message_id, *values in rows:
                pages.setdefault(message_id, {}).setdefault(table, []).append(tuple(values))
        self._pages = list(pages.values())
        transactions = int(await place.sql.value("SELECT COUNT(DISTINCT creation_time) FROM sample_crawl_logs"))
        self._group = max(round(len(pages) / transactions), 1) if transactions else 1

    async def _driver(self, stage: Stage, group: int, size: int, tell: Tell) -> Measured:
        groups = [_joined(self._pages[first : first + group]) for first in range(0, len(self._pages), group)]
        async with stage.place() as place:
            began = time.monotonic()
            for number, page in enumerate(groups, 1):
                await self._write(place.sql, page)
                tell(number / len(groups))
            seconds = time.monotonic() - began
            stored = int(await place.sql.value("SELECT COUNT(*) FROM sample_crawl_logs"))
        found = accounted(size * ROWS, stored, stored)
        return crawl.measured(stored / seconds, found, {"messages_a_group": group, "timed_seconds": round(seconds, 3)})

    async def _write(self, sql: Sql, page: Page) -> None:
        await sql.begin()
        for table, rows in page.items():
            await sql.executemany(self._statements[table], rows)
        await sql.commit()


def _joined(pages: Sequence[Page]) -> Page:
    return {table: [row for page in pages for row in page.get(table, [])] for table in _TABLES}


def messages(number: int) -> Iterator[dict[str, Any]]:
    """Yield pages of samples that are all new; every second row tells of a content."""
    for page in range(number):
        numbers = range(page * ROWS, (page + 1) * ROWS)
        yield {"source": "bench", "rows": [crawl.row(each, has_content=each % 2 == 0) for each in numbers]}


COMPARED = Benchmark(
    name="rows",
    what=f"Messages of {ROWS} rows by one worker process, against the bare driver's executemany of the same rows.",
    unit="rows/s",
    variants=lambda: Comparison().variants(),
    size=200,
    sized_in="messages",
    targets=(Target(WORKER, BY_GROUP, at_least=0.6), Target(WORKER, BY_MESSAGE, at_least=0.6)),
)

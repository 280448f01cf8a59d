"""`mesh bench creators`: how near the worker comes to the bare driver upserting the same creators."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from brokers.outgoing import Outgoing
from brokers.topology import CREATORS_INGEST
from mesh.bench import crawl
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Account, Measured, Target, accounted
from mesh.bench.sql import Sql
from mesh.bench.stage import Place, Stage

WORKER = "worker"
BY_GROUP = "bare driver, a transaction a group"

ROWS = 200  # a message: some pages of a search

#: Each table, and the query that finds for each message the rows that it wrote: of a creator as it was in the end.
_TABLES: Mapping[str, str] = {
    "creators": "SELECT l.message_id, t.* FROM creator_crawl_logs l "
    "JOIN creators t ON t.platform = l.platform AND t.platform_creator_id = l.platform_creator_id",
    "creator_crawl_logs": "SELECT t.message_id, t.* FROM creator_crawl_logs t",
}

Page = dict[str, list[tuple[Any, ...]]]


class Comparison:
    """One run: the worker stores messages, then the bare driver writes what the tables held."""

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._statements: dict[str, str] = {}
        self._group = 1

    def variants(self) -> dict[str, Measure]:
        """Return the worker first: the driver writes its rows again."""
        return {WORKER: self.worker, BY_GROUP: self.by_group}

    async def worker(self, stage: Stage, size: int, tell: Tell) -> Measured:
        """Measure the real worker, from the queue to the commit."""
        async with stage.place() as place:
            await crawl.send(place, map(_outgoing, messages(size)))
            async with place.process("worker", ("mesh", "worker", CREATORS_INGEST.name)) as process:
                per_second, facts = await crawl.rate(place, process, size, tell)
            found = await _account(place, size)
            await self._keep(place)
        return crawl.measured(per_second * ROWS, found, {"messages_a_group": self._group, **facts})

    async def by_group(self, stage: Stage, size: int, tell: Tell) -> Measured:
        """Measure the driver with transactions as large as the worker's were."""
        groups = [self._pages[first : first + self._group] for first in range(0, len(self._pages), self._group)]
        async with stage.place() as place:
            began = time.monotonic()
            for number, pages in enumerate(groups, 1):
                await self._write(place.sql, pages)
                tell(number / len(groups))
            seconds = time.monotonic() - began
            stored = int(await place.sql.value("SELECT COUNT(*) FROM creator_crawl_logs"))
        found = accounted(size * ROWS, stored, stored)
        facts = {"messages_a_group": self._group, "timed_seconds": round(seconds, 3)}
        return crawl.measured(stored / seconds, found, facts)

    async def _keep(self, place: Place) -> None:
        """Remember what the worker wrote, and how many messages it took into one transaction."""
        pages: dict[str, Page] = {}
        for table, query in _TABLES.items():
            # Unsorted: the server would sort a hundred thousand long rows in a file.
            names, rows = await place.sql.rows(query)
            columns = [f"`{name}`" for name in names[1:]]
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608 - our own names
            if table == "creators":
                statement += f" ON DUPLICATE KEY UPDATE {', '.join(f'{name} = VALUES({name})' for name in columns)}"
            self._statements[table] = statement
            for message_id, *values in rows:
                pages.setdefault(message_id, {}).setdefault(table, []).append(tuple(values))
        self._pages = list(pages.values())
        transactions = int(await place.sql.value("SELECT COUNT(DISTINCT creation_time) FROM creator_crawl_logs"))
        self._group = max(round(len(pages) / transactions), 1) if transactions else 1

    async def _write(self, sql: Sql, pages: Sequence[Page]) -> None:
        await sql.begin()
        for table, statement in self._statements.items():
            await sql.executemany(statement, [row for page in pages for row in page.get(table, [])])
        await sql.commit()


async def _account(place: Place, size: int) -> Account:
    """Compare what was published with what the tables hold, once the worker has ended."""
    logs = "SELECT COUNT(*), COUNT(DISTINCT message_id, row_index) FROM creator_crawl_logs"
    _, ((present, distinct),) = await place.sql.rows(logs)
    stored, wanted = int(await place.sql.value("SELECT COUNT(*) FROM creators")), _creators(size)
    return accounted(size * ROWS, int(present), int(distinct)) + accounted(wanted, stored, min(stored, wanted))


def _creators(size: int) -> int:
    """Return how many creators that many messages tell of: the second half tells of those of the first again."""
    return (size - size // 2) * ROWS


def _outgoing(body: dict[str, Any]) -> Outgoing:
    return Outgoing(exchange=CREATORS_INGEST.exchange, key=CREATORS_INGEST.name, body=orjson.dumps(body))


def messages(number: int) -> Iterator[dict[str, Any]]:
    """Yield pages of creators; the second half sees those of the first half again, with other figures."""
    first = number - number // 2
    for page in range(number):
        numbers = range((page % first) * ROWS, (page % first + 1) * ROWS)
        yield {
            "source": "bench",
            "options": {"taskId": "0F4D2B6E-1C7A-4B55-8A0E-6A2C9F1D7E33", "region": "MX", "brandName": "Aurela"},
            "rows": [_row(each, page) for each in numbers],
        }


def _row(number: int, page: int) -> dict[str, Any]:
    """Return a row as a crawler of the search and the detail page sends it."""
    return {
        "platform": "tiktok",
        "platformCreatorId": f"7341{number:015d}",
        "platformCreatorUsername": f"dani.hogar.{number}",
        "platformCreatorDisplayName": f"Dani {number} 🌵",
        "region": "MX",
        "categories": ["Beauty & Personal Care", "Home"],
        "followers": f"{number % 900 + page % 90}.2K",
        "salesRevenue": "$3,120.40",
        "salesUnitsSold": "1,240",
        "salesGpm": "$12.40",
        "avgCommissionRate": "12.5%",
        "collabProducts": number % 40,
        "partneredBrands": "5 brands",
        "videoGpm": "$8.10",
        "videos": 120,
        "avgVideoViews": "15.4K",
        "avgVideoEngagementRate": "3.2%",
        "avgVideoLikes": 912,
        "avgVideoComments": 31,
        "liveStreams": 4,
        "avgLiveViews": "1.1K",
        "followersMale": "29%",
        "followersFemale": "71%",
        "followers1824": "33%",
        "followers2534": "41%",
        "email": f"dani.{number}@example.com",
        "connect": False,
        "reply": False,
        "send": False,
    }


CREATORS = Benchmark(
    name="creators",
    what=f"Messages of {ROWS} creators, each creator in two of them, by one worker process, against the bare driver's "
    "executemany of the same upserts and log rows.",
    unit="rows/s",
    variants=lambda: Comparison().variants(),
    size=500,
    sized_in="messages",
    targets=(Target(WORKER, BY_GROUP, at_least=0.5),),
)

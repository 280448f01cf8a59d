"""Judges a run by what SQL and the chatbot's own log say, in the seven counters of RabbitMQ's Jepsen suite."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.chaos.driver import Operation
from tests.chaos.fleet import RoleProcess


@dataclass(frozen=True)
class Counters:
    """Over messages: what became of what was said. Over reminders: of what the stored samples call for.

    `lost`: acknowledged without an effect. `unexpected`: an effect that nobody asked for. `duplicated`: effects beyond
    the first. `recovered`: effects of what was not acknowledged. `uncertain`: reminders that a kill left for an
    operator to look at.
    """

    attempted: int
    acknowledged: int
    ok: int
    lost: int
    unexpected: int
    duplicated: int
    recovered: int
    uncertain: int = 0

    @property
    def is_right(self) -> bool:
        return self.lost == self.unexpected == self.duplicated == 0

    def row(self) -> str:
        return " ".join(f"{getattr(self, each.name):>12}" for each in fields(self))

    @classmethod
    def head(cls) -> str:
        return " ".join(f"{each.name:>12}" for each in fields(cls))


class Truth:
    """What is stored, read outside the code under test."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def rows(self, statement: str) -> list[Any]:
        async with self._engine.connect() as connection:
            return list((await connection.execute(text(statement))).all())

    async def logged(self) -> Counter[str]:
        """Return how often each product's observation was applied."""
        return Counter(row[0] for row in await self.rows("SELECT platform_product_id FROM sample_crawl_logs"))

    async def samples(self) -> Counter[str]:
        return Counter(row[0] for row in await self.rows("SELECT platform_product_id FROM samples"))

    async def scheduled(self) -> dict[str, int]:
        """Return how many runs of each product's reminder are counted."""
        found = await self.rows("SELECT sample_id, run_count FROM sample_chatbot_schedules")
        return dict(await self._of_products(found))

    async def deliveries(self) -> list[tuple[str, str]]:
        """Return product and state of each chat delivery."""
        return await self._of_products(await self.rows("SELECT sample_id, state FROM chatbot_deliveries"))

    async def _of_products(self, found: list[Any]) -> list[tuple[str, Any]]:
        """Put the product in the place of the sample's id; a join of columns that differ in collation takes minutes."""
        products = dict(await self.rows("SELECT id, platform_product_id FROM samples"))
        return [(products[row[0]], row[1]) for row in found if row[0] in products]


def written_to(workers: Iterable[RoleProcess], *, for_outreach: bool) -> Counter[str]:
    """Return how often the chatbot really wrote to each creator, for an outreach task or for a reminder."""
    return Counter(
        event["platform_creator_id"]
        for worker in workers
        for event in worker.events("chat_task_logged_instead_of_sent")
        if (event["outreach_task_id"] is not None) == for_outreach
    )


async def judge_samples(operations: Iterable[Operation], truth: Truth) -> Counters:
    known = list(operations)
    attempted = {each.product for each in known}
    acknowledged = {each.product for each in known if each.is_acknowledged}
    samples, logged = await truth.samples(), await truth.logged()
    effective = samples.keys() & logged.keys()
    return Counters(
        attempted=len(attempted),
        acknowledged=len(acknowledged),
        ok=len(effective & attempted),
        lost=len(acknowledged - effective),
        unexpected=len((samples.keys() | logged.keys()) - attempted),
        duplicated=(samples + logged).total() - len(samples) - len(logged),
        recovered=len(effective - acknowledged),
    )


async def judge_reminders(operations: Iterable[Operation], truth: Truth, workers: Iterable[RoleProcess]) -> Counters:
    """Count reminders, and with them what the chatbot really said, which its log knows better than its table."""
    reminded = {each.product: each.creator for each in operations if each.is_reminded}
    stored = await truth.samples()
    wanted = reminded.keys() & stored.keys()
    runs = await truth.scheduled()
    deliveries = await truth.deliveries()
    delivered = Counter(product for product, state in deliveries if state == "sent")
    uncertain = {product for product, state in deliveries if state == "uncertain"}
    said = written_to(workers, for_outreach=False)
    counted = {product for product, count in runs.items() if count}
    return Counters(
        attempted=len(wanted),
        acknowledged=len(counted),
        ok=len(delivered.keys() & wanted),
        lost=len(wanted - delivered.keys() - uncertain),
        unexpected=len((delivered.keys() | runs.keys()) - wanted) + len(said.keys() - set(reminded.values())),
        duplicated=delivered.total()
        - len(delivered)
        + said.total()
        - len(said)
        + sum(max(count - 1, 0) for count in runs.values()),
        recovered=len(delivered.keys() - counted),
        uncertain=len(uncertain),
    )

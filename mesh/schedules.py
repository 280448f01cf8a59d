"""`mesh schedules`: what is due to whom, what is parked and why."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from mesh.compose import Composition
from mesh.console import console, print_json, table
from persistence.uow import Transaction
from schemas.clock import utc_now
from settings import Settings

T = TypeVar("T")

COLUMNS = ["id", "sample", "scenario", "active", "runs", "next run (UTC)", "parked because", "note"]


def listed(*, is_parked: bool | None, limit: int, as_json: bool) -> None:
    """Print schedules, soonest first."""
    found = asyncio.run(_in_transaction(lambda tx: tx.schedules.listed(parked=is_parked, limit=limit)))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each.id,
            each.sample_id,
            each.scenario.value,
            "yes" if each.active else "no",
            f"{each.run_count}/{each.max_runs}",
            each.next_run_time.strftime("%Y-%m-%d %H:%M"),
            each.parked_reason,
            each.note,
        )
        for each in found
    ]
    console.print(table("Chat schedules", COLUMNS, rows) if rows else "No such schedules.")


def unpark(ids: Sequence[str] | None) -> None:
    """Let parked schedules run again; None means all of them."""
    count = asyncio.run(_in_transaction(lambda tx: tx.schedules.unpark(ids, now=utc_now())))
    console.print(f"{count} unparked.")


async def _in_transaction(work: Callable[[Transaction], Awaitable[T]]) -> T:
    composition = Composition(Settings(), "schedules")
    try:
        async with composition.database.uow() as tx:
            return await work(tx)
    finally:
        await composition.close()

"""`mesh schedules`: what is due to whom, what is parked and why."""

import asyncio
from collections.abc import Sequence

from mesh.compose import in_transaction
from mesh.console import console, print_json, table
from schemas.clock import utc_now

COLUMNS = ["id", "scenario", "state", "runs", "next run (UTC)", "why"]


def listed(*, is_parked: bool | None, limit: int, as_json: bool) -> None:
    """Print schedules, soonest first."""
    found = asyncio.run(in_transaction("schedules", lambda tx: tx.schedules.listed(parked=is_parked, limit=limit)))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each.id,
            each.scenario.value,
            "parked" if each.parked_at else "active" if each.active else "ended",
            f"{each.run_count}/{each.max_runs}",
            each.next_run_time.strftime("%m-%d %H:%M"),
            each.parked_reason or each.note,
        )
        for each in found
    ]
    console.print(table("Chat schedules", COLUMNS, rows) if rows else "No such schedules.")


def unpark(ids: Sequence[str] | None) -> None:
    """Let parked schedules run again; None means all of them."""
    count = asyncio.run(in_transaction("schedules", lambda tx: tx.schedules.unpark(ids, now=utc_now())))
    console.print(f"{count} unparked.")

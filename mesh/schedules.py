"""`mesh schedules`: what is due to whom, what became of the last run, what is parked and why."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mesh.compose import in_transaction
from mesh.console import console, print_json, table
from persistence.uow import Transaction
from schemas.chatbot.messages import reminder_key
from schemas.chatbot.records import ChatDelivery, DeliveryState, Schedule
from schemas.clock import utc_now

COLUMNS = ["id", "scenario", "state", "runs", "next run (UTC)", "last run", "why"]


def listed(*, is_parked: bool | None, sample_id: str | None, limit: int, as_json: bool) -> None:
    """Print schedules, soonest first; of one sample, those that have ended too."""

    async def look(tx: Transaction) -> list[tuple[Schedule, ChatDelivery | None]]:
        found = await tx.schedules.listed(parked=is_parked, limit=limit, sample_id=sample_id)
        outcomes = await tx.deliveries.look_up([_key(each) for each in found if each.run_count])
        return [(each, outcomes.get(_key(each))) for each in found]

    shown = asyncio.run(in_transaction("schedules", look))
    if as_json:
        print_json([{**asdict(schedule), "last_outcome": _outcome(delivery)} for schedule, delivery in shown])
        return
    rows = [
        (
            each.id,
            each.scenario.value,
            "parked" if each.parked_at else "active" if each.active else "ended",
            f"{each.run_count}/{each.max_runs}",
            each.next_run_time.strftime("%m-%d %H:%M"),
            _said(each, delivery),
            each.parked_reason or each.note,
        )
        for each, delivery in shown
    ]
    console.print(table("Chat schedules", COLUMNS, rows) if rows else "No such schedules.")


def unpark(ids: Sequence[str] | None) -> None:
    """Let parked schedules run again; None means all of them."""
    count = asyncio.run(in_transaction("schedules", lambda tx: tx.schedules.unpark(ids, now=utc_now())))
    console.print(f"{count} unparked.")


def _key(schedule: Schedule) -> str:
    """Return the task key of a schedule's last run."""
    return reminder_key(schedule.sample_id, [(schedule.scenario.value, schedule.run_count)])


def _said(schedule: Schedule, delivery: ChatDelivery | None) -> str | None:
    if not schedule.run_count:
        return None
    if delivery is None:
        return "in the queue"
    at = delivery.updated_at.strftime("%m-%d %H:%M")
    reason = f": {delivery.reason}" if delivery.state is not DeliveryState.SENT and delivery.reason else ""
    return f"{delivery.state} {at}{reason}"


def _outcome(delivery: ChatDelivery | None) -> dict[str, Any] | None:
    if delivery is None:
        return None
    return {
        "state": delivery.state,
        "at": delivery.updated_at,
        "sender": delivery.sender,
        "attempts": delivery.attempts,
        "reason": delivery.reason,
        "task_key": delivery.task_key,
    }

"""`mesh outreach`: the tasks, whom they wrote to, and what an operator wants of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import typer

from handlers.outreach.tasks import apply
from mesh.compose import in_transaction
from mesh.console import age, console, print_json, table
from persistence.uow import Transaction
from publishers.chat_outcomes import told
from schemas.chatbot.records import DeliveryState
from schemas.clock import utc_now
from schemas.outreach.messages import Action, ChatOutcome
from schemas.outreach.records import Contact, ContactState, OutreachTask, TaskStatus
from schemas.zones import zone_of

TASKS = ["task", "name", "region", "brand", "status", "written to", "seen", "waiting", "on their way", "why"]
CONTACTS = ["creator", "username", "state", "decision", "since", "why"]

Tally = dict[ContactState, int]


def listed(status: str | None, *, limit: int, as_json: bool) -> None:
    """Print tasks, the ones that changed last first."""
    wanted = _status(status) if status else None

    async def look(tx: Transaction) -> tuple[list[OutreachTask], dict[str, Tally]]:
        found = await tx.outreach_tasks.listed(wanted, limit)
        return found, await tx.contacts.tally([task.id for task in found])

    tasks, tallies = asyncio.run(in_transaction("outreach", look))
    if as_json:
        print_json([_told(task, tallies[task.id]) for task in tasks])
        return
    rows = [_row(task, tallies[task.id]) for task in tasks]
    console.print(table("Outreach tasks", TASKS, rows) if rows else "No such task.")


def show(task_id: str, state: str | None, *, limit: int, as_json: bool) -> int:
    """Print a task with what it looks for, its plan in its own region's time, and its contacts; 1 if there is none."""
    wanted = _state(state) if state else None

    async def look(tx: Transaction) -> tuple[OutreachTask | None, Tally, list[Contact]]:
        task = (await tx.outreach_tasks.look_up([task_id])).get(task_id)
        tally = (await tx.contacts.tally([task_id]))[task_id]
        return task, tally, await tx.contacts.listed(task_id, wanted, limit)

    task, tally, contacts = asyncio.run(in_transaction("outreach", look))
    if task is None:
        console.print(f"There is no task {task_id}; `mesh outreach list` shows those there are.", style="red")
        return 1
    if as_json:
        print_json({**_told(task, tally), "contacts": contacts})
        return 0
    console.print(table(f"Outreach task {task.id}", ["", ""], _facts(task, tally)))
    now = utc_now()
    rows = [
        (
            each.platform_creator_id,
            each.username_key,
            each.state.value,
            each.decision.value if each.decision else None,
            age(each.updated_at, now),
            each.reason,
        )
        for each in contacts
    ]
    console.print(table("Contacts", CONTACTS, rows) if rows else "No creator was handed to it yet.")
    return 0


def control(task_ids: Sequence[str], action: Action, *, reason: str | None = None, crawls: bool = False) -> int:
    """Do to tasks what is asked of them and say what they are now; 1 if one of them is not known."""

    async def act(tx: Transaction) -> dict[str, tuple[OutreachTask, OutreachTask]]:
        found = await tx.outreach_tasks.find(task_ids)
        return {
            task_id: (task, await apply(tx, task, action, utc_now, reason=reason, crawls=crawls))
            for task_id, task in sorted(found.items())
        }

    changed = asyncio.run(in_transaction("outreach", act))
    for task_id, (before, after) in changed.items():
        if after is before:
            console.print(f"{task_id} is {before.status}: nothing to {action}.", style="yellow")
        else:
            console.print(f"{task_id}: {before.status} → {after.status}")
    missing = [task_id for task_id in task_ids if task_id not in changed]
    for task_id in missing:
        console.print(f"There is no task {task_id}.", style="red")
    return 1 if missing else 0


def resolve(task_id: str, creator_id: str, *, was_sent: bool) -> int:
    """Settle an uncertain contact of whose message nothing is recorded, as a person saw it in the chat; 1 if not."""

    async def settle(tx: Transaction) -> str | None:
        contact = (await tx.contacts.find(task_id, [creator_id])).get(creator_id)
        if contact is None or contact.state is not ContactState.UNCERTAIN:
            return f"{creator_id} is not uncertain in task {task_id}."
        key = contact.task_key or ""
        delivery = (await tx.deliveries.look_up([key])).get(key)
        if delivery is not None and delivery.state is DeliveryState.UNCERTAIN:
            return f"Its delivery is known: mesh deliveries resolve {key}"
        await tx.send_all([told(_seen(contact, was_sent=was_sent))])
        return None

    if problem := asyncio.run(in_transaction("outreach", settle)):
        console.print(problem, style="red")
        return 1
    console.print(f"{creator_id} is settled as {'sent' if was_sent else 'not sent'}.")
    return 0


def _seen(contact: Contact, *, was_sent: bool) -> ChatOutcome:
    return ChatOutcome(
        task_key=contact.task_key or "",
        outreach_task_id=contact.task_id,
        platform_creator_id=contact.platform_creator_id,
        state=DeliveryState.SENT if was_sent else DeliveryState.FAILED,
        at=utc_now(),
        reason="seen in the chat" if was_sent else "not in the chat",
    )


def _row(task: OutreachTask, tally: Tally) -> tuple[Any, ...]:
    return (
        task.id,
        task.task_name or None,
        task.region,
        task.brand,
        task.status.value,
        _of(task.new_creators_real_count, task.new_creators_expect_count),
        _of(task.creators_seen, task.max_creators),
        tally.get(ContactState.WAITING) or None,
        tally.get(ContactState.QUEUED) or None,
        task.message,
    )


def _facts(task: OutreachTask, tally: Tally) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [
        ("name", task.task_name or None),
        ("status", f"{task.status}{f', {task.message}' if task.message else ''}"),
        ("region, brand", " · ".join(part for part in (task.region, task.brand) if part) or None),
        ("written to", _of(task.new_creators_real_count, task.new_creators_expect_count)),
        ("creators seen", _of(task.creators_seen, task.max_creators)),
        ("contacts", ", ".join(f"{count} {state}" for state, count in sorted(tally.items())) or None),
        ("search", _search(task)),
        ("runs from", _local(task.plan_execute_time, task.region)),
        ("runs until", _local(task.plan_stop_time, task.region)),
        ("began", _local(task.real_start_at, task.region)),
        ("ended", _local(task.real_end_at, task.region)),
        ("why it ended", task.stop_reason),
    ]
    return [(name, value) for name, value in facts if value is not None]


def _search(task: OutreachTask) -> str | None:
    told = {
        "keywords": task.search_keywords,
        "categories": ", ".join(task.product_categories or []),
        "fans from": task.min_fans,
        "views from": task.min_avg_views,
        "engagement from": task.min_engagement_rate,
        "gmv": (task.gmv_range or {}).get("raw"),
        "sales": (task.sales_range or {}).get("raw"),
    }
    return "; ".join(f"{name} {value}" for name, value in told.items() if value) or None


def _told(task: OutreachTask, tally: Tally) -> dict[str, Any]:
    return {**asdict(task), "contacts_by_state": {str(state): count for state, count in tally.items()}}


def _of(count: int, wanted: int | None) -> str:
    return f"{count:,} of {wanted:,}" if wanted else f"{count:,}"


def _local(moment: datetime | None, region: str | None) -> str | None:
    return moment.astimezone(zone_of(region)).strftime("%Y-%m-%d %H:%M %Z") if moment else None


def _status(name: str) -> TaskStatus:
    wanted = TaskStatus(name.lower())
    if wanted not in list(TaskStatus):
        raise typer.BadParameter(f"a task is one of {', '.join(TaskStatus)}")
    return wanted


def _state(name: str) -> ContactState:
    try:
        return ContactState(name.lower())
    except ValueError:
        raise typer.BadParameter(f"a contact is one of {', '.join(ContactState)}") from None

"""Creators as they are handed over: whose they are, what they become, and the task that is made of what came along."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from brokers.delivery import Delivery
from handlers.outreach.merging import Report, merged
from schemas.identity import contact_id
from schemas.ingestion import NOBODY
from schemas.outreach.messages import CreatorToContact, DecideContacts
from schemas.outreach.records import (
    Contact,
    ContactState,
    OutreachTask,
    TaskStatus,
    username_key,
)
from schemas.outreach.tasks import parse_task
from schemas.readers import claim

#: Where a contact keeps whom it may be written to, if that came with the creator.
STRATEGY = "only_first"
_FIRST = ("email_first", "emailFirst", "email_first_body", "emailFirstBody")
_LATER = ("email_later", "emailLater", "email_later_body", "emailLaterBody")
_PRODUCTS = ("product_list", "productList")


@dataclass(frozen=True, slots=True)
class Handed:
    """A creator and the id of the task that is to write to them."""

    task_id: str
    creator: CreatorToContact
    observed_at: datetime


def handed(delivery: Delivery[DecideContacts]) -> list[Handed]:
    """Return the creators of a message; one that names no task belongs to its own, or to the message."""
    return [
        Handed(each.outreach_task_id or each.task_id or delivery.message_id[:64], each, delivery.observed_at)
        for each in delivery.message.creators
    ]


def task_from(each: Handed, now: datetime) -> OutreachTask | None:
    """Return a running task made of what came with a creator; None if that is too little to write to anybody."""
    creator = each.creator
    said: dict[str, Any] = dict(creator.task_metadata or {})
    if isinstance(brand := said.get("brand"), Mapping):
        said |= {"brand": brand.get("name"), "only_first": brand.get("only_first", said.get("only_first"))}
    for name, value in (("brand", creator.brand_name), ("region", creator.region), ("onlyFirst", creator.only_first)):
        if value is not None and said.get(name) in (None, ""):
            said[name] = value
    fields = parse_task(said)
    if not {"first_message", "second_message"} & fields.columns.keys():
        return None
    fields.columns["status"] = TaskStatus.RUNNING
    report = Report(source=None, operator_id=creator.operator_id or NOBODY, observed_at=each.observed_at, now=now)
    task, _ = merged(each.task_id, None, fields, report)
    # Nobody will say of a task that was made for a creator that no more come.
    return task if creator.outreach_task_id else replace(task, handed_over_at=now)


def contact_of(task: OutreachTask, each: Handed, now: datetime) -> Contact:
    """Return the contact of a creator, waiting to be decided."""
    creator = each.creator
    return Contact(
        id=contact_id(task.id, creator.platform_creator_id),
        task_id=task.id,
        platform=creator.platform or task.platform,
        platform_creator_id=creator.platform_creator_id,
        state=ContactState.WAITING,
        created_at=now,
        updated_at=now,
        username_key=username_key(creator.platform_creator_username),
        platform_creator_display_name=creator.platform_creator_display_name,
        region=creator.region or task.region,
        account_name=creator.account_name,
        brand=creator.brand_name or task.brand,
        connected=bool(_flag(creator.connect)),
        replied=bool(_flag(creator.reply)),
        metadata=_needed(task, creator),
    )


def _needed(task: OutreachTask, creator: CreatorToContact) -> dict[str, Any] | None:
    """Return what came with a creator and the task does not say: whom it may write to, texts, products."""
    told = creator.task_metadata or {}
    unsaid = ((_FIRST, task.first_message), (_LATER, task.second_message), (_PRODUCTS, task.product_list))
    needed = {name: told[name] for names, said in unsaid if not said for name in names if told.get(name)}
    if (strategy := parse_task({"onlyFirst": creator.only_first}).columns.get("message_send_strategy")) is not None:
        needed[STRATEGY] = strategy
    return needed or None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else claim(value)

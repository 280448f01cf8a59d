"""Rows about creators, outreach tasks and creators to contact, and the deliveries that carry them."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from brokers.delivery import Delivery
from schemas.base import Message
from schemas.chatbot.records import DeliveryState
from schemas.creators.messages import IngestCreators
from schemas.identity import contact_id
from schemas.outreach.messages import ChatOutcome, ControlOutreach, CountProgress, DecideContacts, IngestOutreachTask
from schemas.outreach.records import Contact, ContactState, OutreachTask, TaskStatus

M = TypeVar("M", bound=Message)

NOON = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)  # in Mexico City

#: A report that says all there is to say of a task, as a portal sends it.
REPORTED_IN_FULL: dict[str, Any] = {
    "source": "portal",
    "operatorId": "operator",
    "task": {
        "taskId": "F-1",
        "platform": "tiktok",
        "taskName": "Campaign Outreach",
        "campaignId": "123",
        "campaignName": "Campaign",
        "productId": "456",
        "productName": "Product",
        "region": "MX",
        "brand": "Brand",
        "onlyFirst": 0,
        "taskType": "Connect",
        "status": "running",
        "message": "optional",
        "accountEmail": "account@example.com",
        "searchKeywords": "kw1,kw2",
        "productCategory": ["Beauty & Personal Care"],
        "fansAgeRange": ["18-24"],
        "fansGender": "Female 60%",
        "contentType": ["Video"],
        "gmv": ["1k-10k"],
        "sales": ["10-100"],
        "minFans": 5000,
        "avgViews": 5000,
        "minEngagementRate": 3,
        "emailFirstBody": "text",
        "emailLaterBody": "text",
        "targetNewCreators": 50,
        "maxCreators": 500,
        "runAtTime": "2025-01-01 10:00:00",
        "runEndTime": "2025-01-01 12:00:00",
        "runTime": "00h10min00s",
        "newCreators": 12,
        "startedAt": "2025-01-01 10:00:00",
        "finishedAt": "2025-01-01 11:00:00",
        "createdAt": "2025-01-01 09:00:00",
    },
}

_numbers = count(1)


def delivered(message: M, *, at: datetime = NOON, message_id: str | None = None, **changes: Any) -> Delivery[M]:
    """Build a delivery of any message, under an id of its own."""
    fields: dict[str, Any] = {
        "message": message,
        "message_id": message_id or f"outreach-{next(_numbers)}",
        "is_derived": False,
        "key": message.key,
        "observed_at": at,
        "raw": message.model_dump_json().encode(),
    }
    return Delivery(**fields | changes)


def creator(**fields: Any) -> dict[str, Any]:
    """Build a row about a creator; a field given as `...` is left out."""
    usual = {
        "platformCreatorId": "7341000000000000777",
        "platformCreatorUsername": "dani.hogar",
        "platformCreatorDisplayName": "Dani Hogar",
        "region": "MX",
        "followers": "48.2K",
        "email": "dani@example.com",
    }
    return {name: value for name, value in (usual | fields).items() if value is not ...}


def creators(*rows: dict[str, Any], **fields: Any) -> IngestCreators:
    """Build a page of creators."""
    return IngestCreators.model_validate({"source": "crawler", "rows": list(rows or [creator()])} | fields)


def task(task_id: str = "T-1", **fields: Any) -> IngestOutreachTask:
    """Build a report of a running task with both of its texts; a field given as `...` is left out."""
    usual = {
        "taskId": task_id,
        "taskName": "Aurela January",
        "region": "MX",
        "brand": "Aurela",
        "status": "running",
        "emailFirstBody": "Hola, ¿colaboramos?",
        "emailLaterBody": "¿Seguimos?",
    }
    told = {name: value for name, value in (usual | fields).items() if value is not ...}
    return IngestOutreachTask.model_validate({"source": "portal", "task": told})


def found(*creator_ids: str, task_id: str | None = "T-1", **fields: Any) -> DecideContacts:
    """Build what hands creators over to a task."""
    return DecideContacts.model_validate(
        [{"platformCreatorId": each, "outreachTaskId": task_id, **fields} for each in creator_ids]
    )


def outcome(creator_id: str, state: DeliveryState = DeliveryState.SENT, **fields: Any) -> ChatOutcome:
    """Build what became of a creator's message."""
    usual = {"task_key": "k", "outreach_task_id": "T-1", "platform_creator_id": creator_id, "state": state, "at": NOON}
    return ChatOutcome(**usual | fields)


def control(action: str, task_id: str = "T-1", **fields: Any) -> ControlOutreach:
    """Build what is asked of a task."""
    return ControlOutreach.model_validate({"action": action, "taskId": task_id, **fields})


def progress(delta: int = 1, task_id: str = "T-1") -> CountProgress:
    """Build a count of creators that somebody else has written to."""
    return CountProgress(task_id=task_id, delta=delta)


def stored_task(**changes: Any) -> OutreachTask:
    """Build a running task as it is stored."""
    fields: dict[str, Any] = {
        "id": "T-1",
        "platform": "tiktok",
        "task_name": "Aurela January",
        "observed_at": NOON,
        "status": TaskStatus.RUNNING,
        "region": "MX",
        "brand": "Aurela",
        "first_message": '{"body":"Hola"}',
        "creator_id": "operator",
        "creation_time": NOON,
        "last_modifier_id": "operator",
        "last_modification_time": NOON,
    }
    return OutreachTask(**fields | changes)


def contact(creator_id: str = "7341", **changes: Any) -> Contact:
    """Build a contact that waits, as it is stored."""
    task_id = changes.get("task_id", "T-1")
    usual = Contact(
        id=contact_id(task_id, creator_id),
        task_id=task_id,
        platform="tiktok",
        platform_creator_id=creator_id,
        state=ContactState.WAITING,
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(usual, **changes)

"""The stored shape of outreach tasks and of whom they wrote to; names follow the SQL columns."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from schemas.audit import Audit


class TaskStatus(StrEnum):
    """How far a task has come; `PAUSED` is ours, the others are those of whoever else reads the table."""

    NOT_STARTED = "not_started"
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    TIMEOUT = "timeout"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @classmethod
    def _missing_(cls, value: object) -> "TaskStatus":
        """Read what somebody else wrote into the table as a status that is none of ours: such a task rests."""
        stranger = str.__new__(cls, value)
        stranger._name_, stranger._value_ = "", str(value)
        return stranger


#: Statuses of tasks that have not begun, and of those that are over.
BEFORE = frozenset({TaskStatus.NOT_STARTED, TaskStatus.PENDING})
OVER = frozenset({TaskStatus.COMPLETED, TaskStatus.TIMEOUT, TaskStatus.FAILED, TaskStatus.CANCELLED})


class StopReason(StrEnum):
    """Why a task is over; also what its `message` then says."""

    TARGET = "target_reached"
    MAXIMUM = "max_creators_reached"
    TIME = "run_end_time_reached"
    HANDED_OVER = "all_creators_done"
    CANCELLED = "cancelled"
    REPORTED = "reported"
    CRAWL = "crawl_failed"
    NO_SEARCH = "no_search_can_be_made_of_it"


class Strategy(IntEnum):
    """Who a task may write to."""

    NORMAL = 0
    FIRST_ONLY = 1
    FOLLOW_UP_ONLY = 2


class ContactState(StrEnum):
    """How far a contact has come; `WAITING` for its task to run, or for room among what is on its way."""

    WAITING = "waiting"
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"


#: States of contacts of which more is to be heard.
UNSETTLED = (ContactState.WAITING, ContactState.QUEUED, ContactState.UNCERTAIN)


class Decision(StrEnum):
    """What a creator is written: the first text, the later one, or nothing."""

    FIRST = "first"
    LATER = "later"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutreachTask(Audit):
    """Whom to look for, what to write them, when, and how many so far.

    Moments are aware, in UTC. `first_message` and `second_message` are JSON texts with `subject` and `body` or
    `email_body`. `new_creators_real_count` counts creators who were written to, `creators_seen` those who were handed
    over; `handed_over_at` tells since when no more are to come.
    """

    id: str
    platform: str
    task_name: str
    observed_at: datetime
    status: TaskStatus
    message_send_strategy: int = 0
    new_creators_real_count: int = 0
    creators_seen: int = 0
    source: str | None = None
    platform_campaign_id: str | None = None
    platform_campaign_name: str | None = None
    platform_product_id: str | None = None
    platform_product_name: str | None = None
    product_list: list[str] | None = None
    region: str | None = None
    brand: str | None = None
    task_type: str | None = None
    message: str | None = None
    accound_email: str | None = None
    search_keywords: str | None = None
    product_categories: list[str] | None = None
    fans_age_range: list[str] | None = None
    fans_gender: dict[str, Any] | None = None
    content_types: list[str] | None = None
    gmv_range: dict[str, Any] | None = None
    sales_range: dict[str, Any] | None = None
    min_fans: int | None = None
    min_avg_views: int | None = None
    min_engagement_rate: int | None = None
    first_message: str | None = None
    second_message: str | None = None
    new_creators_expect_count: int | None = None
    max_creators: int | None = None
    plan_execute_time: datetime | None = None
    plan_stop_time: datetime | None = None
    spend_time: int | None = None
    real_start_at: datetime | None = None
    real_end_at: datetime | None = None
    handed_over_at: datetime | None = None
    stop_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One creator of one task, and what became of it; unique by (`task_id`, `platform_creator_id`).

    Its `SENT` rows are the history of contacts. `username_key` is the username as it is compared. `connected` and
    `replied` tell what the chat showed. `metadata` is what came with the creator and the task itself did not say.
    `woken_until` tells until when nobody need be asked to decide one that waits, or what became of one on its way.
    """

    id: str
    task_id: str
    platform: str
    platform_creator_id: str
    state: ContactState
    created_at: datetime
    updated_at: datetime
    username_key: str | None = None
    platform_creator_display_name: str | None = None
    region: str | None = None
    account_name: str | None = None
    brand: str | None = None
    decision: Decision | None = None
    reason: str | None = None
    connected: bool = False
    replied: bool = False
    task_key: str | None = None
    metadata: dict[str, Any] | None = None
    decided_at: datetime | None = None
    sent_at: datetime | None = None
    outcome_at: datetime | None = None
    woken_until: datetime | None = None


def username_key(username: str | None) -> str | None:
    """Return a username as it is compared: without "@", case folded; accents count, for they tell people apart."""
    return (username or "").strip().removeprefix("@").strip().casefold()[:255] or None

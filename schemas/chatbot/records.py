"""The stored shape of chat schedules and of the deliveries made from them; names follow the SQL columns."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from schemas.chatbot.sending import REPLIED


class Scenario(StrEnum):
    """The four reasons to write to a creator about a sample."""

    SHIPPED = "shipped"
    CONTENT_PENDING = "content_pending"
    NO_CONTENT_POSTED = "no_content_posted"
    MISSING_AD_CODE = "missing_ad_code"

    @classmethod
    def _missing_(cls, value: object) -> "Scenario":
        """Read what somebody else wrote into the table as a scenario that is none of ours, so that it can be parked."""
        stranger = str.__new__(cls, value)
        stranger._name_, stranger._value_ = "", str(value)
        return stranger

    @property
    def is_known(self) -> bool:
        """Whether it is one of the four."""
        return self._name_ in type(self).__members__


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a scenario of a sample is due next; unique by (`sample_id`, `scenario`).

    A run is counted once its message is confirmed by the broker. `parked_reason` says why a schedule that cannot be
    rendered waits for an operator; `note` says why it was last deactivated or postponed.
    """

    id: str
    sample_id: str
    scenario: Scenario
    region: str | None
    interval_days: int | None
    max_runs: int
    run_count: int
    next_run_time: datetime
    last_run_time: datetime | None
    active: bool
    created_at: datetime
    updated_at: datetime
    parked_at: datetime | None = None
    parked_reason: str | None = None
    note: str | None = None


class Reminded(NamedTuple):
    """What a reminder must know of its sample, a third of what is stored; fields are those of `Sample`."""

    id: str
    region: str
    platform_product_id: str
    platform_campaign_name: str | None
    product_name: str | None
    status: str | None
    platform_creator_id: str | None
    platform_creator_display_name: str | None
    platform_creator_username: str | None
    content_summary: list[dict[str, Any]]
    ad_code: Any


@dataclass(frozen=True, slots=True)
class DueSchedule:
    """A claimed schedule beside the sample it speaks of; `sample` is None if the sample was deleted."""

    schedule: Schedule
    sample: Reminded | None


class DeliveryState(StrEnum):
    """How far a chat task has come. `UNCERTAIN`: a crash hid whether it was sent, so an operator decides."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDelivery:
    """One task of one batch and what became of it; unique by `task_key`, whatever message carried it."""

    id: str
    task_key: str
    message_id: str
    sample_id: str | None
    scenario: str | None
    run: int | None
    region: str | None
    platform_creator_id: str
    messages: list[dict[str, Any]]
    sender: str
    state: DeliveryState
    attempts: int
    reason: str | None
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    outreach_task_id: str | None = None

    @property
    def is_answered(self) -> bool:
        """Whether nothing was sent because the creator has written in the chat."""
        return self.state is DeliveryState.FAILED and self.reason == REPLIED

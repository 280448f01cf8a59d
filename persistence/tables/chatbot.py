"""The tables of reminders that are due, of deliveries made, and of how many a creator got on one day."""

from sqlalchemy import Boolean, Column, Date, Index, Table, UniqueConstraint, text

from persistence.tables.metadata import OPTIONS, metadata
from persistence.tables.types import Clipped, Count, Exact, Id, Json, Text, UtcDateTime

sample_chatbot_schedules = Table(
    "sample_chatbot_schedules",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("sample_id", Id(), nullable=False),
    Column("scenario", Text(64), nullable=False),
    Column("region", Text(32)),
    Column("interval_days", Count),
    Column("max_runs", Count, nullable=False, server_default=text("1")),
    Column("run_count", Count, nullable=False, server_default=text("0")),
    Column("next_run_time", UtcDateTime, nullable=False),
    Column("last_run_time", UtcDateTime),
    Column("active", Boolean, nullable=False, server_default=text("1")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("parked_at", UtcDateTime),
    Column("parked_reason", Clipped(512)),
    Column("note", Clipped(255)),
    Column("claim_token", Id()),
    Column("claimed_until", UtcDateTime),
    UniqueConstraint("sample_id", "scenario", name="uq_sample_scenario"),
    Index("ix_next_run_time", "next_run_time"),
    Index("ix_active", "active"),
    # What the due query reads: in order of time, past the inactive and the parked.
    Index("ix_due", "active", "parked_at", "next_run_time"),
    **OPTIONS,
)

chatbot_deliveries = Table(
    "chatbot_deliveries",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("task_key", Exact(255), nullable=False),
    Column("message_id", Exact(255), nullable=False),
    Column("sample_id", Text(64)),
    Column("scenario", Text(64)),
    Column("run", Count),
    Column("region", Text(32)),
    Column("platform_creator_id", Exact(255), nullable=False),
    Column("messages", Json, nullable=False),
    Column("sender", Text(64), nullable=False),
    Column("state", Text(16), nullable=False),
    Column("attempts", Count, nullable=False),
    Column("reason", Clipped(512)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("outreach_task_id", Text(64)),
    UniqueConstraint("task_key", name="uq_task_key"),
    Index("ix_chatbot_deliveries_state", "state", "updated_at"),
    # Whose chats show a message of ours.
    Index("ix_chatbot_deliveries_creator", "platform_creator_id", "state"),
    **OPTIONS,
)

chatbot_creator_days = Table(
    "chatbot_creator_days",
    metadata,
    Column("platform_creator_id", Exact(255), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("published", Count, nullable=False),
    **OPTIONS,
)

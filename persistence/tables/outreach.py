"""The tables of outreach: the tasks, and whom each of them wrote to."""

from sqlalchemy import Boolean, Column, Index, Table, UniqueConstraint, false, text

from persistence.tables.metadata import OPTIONS, audit, metadata
from persistence.tables.types import Clipped, Count, Exact, Id, Json, Text, UtcDateTime, long_text, utc_now_default

outreach_tasks = Table(
    "outreach_tasks",
    metadata,
    Column("id", Exact(64), primary_key=True),
    Column("platform", Text(16), nullable=False),
    Column("task_name", Text(255), nullable=False),
    *audit(),
    Column("observed_at", UtcDateTime, nullable=False, server_default=utc_now_default()),
    Column("source", Text(255)),
    Column("platform_campaign_id", Text(64)),
    Column("platform_campaign_name", Text(512)),
    Column("platform_product_id", Text(64)),
    Column("platform_product_name", Text(1024)),
    Column("product_list", Json),
    Column("region", Text(32)),
    Column("brand", Text(255)),
    Column("message_send_strategy", Count, nullable=False, server_default=text("0")),
    Column("task_type", Text(32)),
    Column("status", Text(32), nullable=False),
    Column("message", Clipped(512)),
    # Spelled so in the database that this one takes the place of.
    Column("accound_email", Text(255)),
    Column("search_keywords", Text(1024)),
    Column("product_categories", Json),
    Column("fans_age_range", Json),
    Column("fans_gender", Json),
    Column("content_types", Json),
    Column("gmv_range", Json),
    Column("sales_range", Json),
    Column("min_fans", Count),
    Column("min_avg_views", Count),
    Column("min_engagement_rate", Count),
    Column("first_message", long_text()),
    Column("second_message", long_text()),
    Column("new_creators_expect_count", Count),
    Column("max_creators", Count),
    Column("plan_execute_time", UtcDateTime),
    Column("plan_stop_time", UtcDateTime),
    Column("spend_time", Count),
    Column("new_creators_real_count", Count, nullable=False, server_default=text("0")),
    Column("real_start_at", UtcDateTime),
    Column("real_end_at", UtcDateTime),
    # How many creators were handed over so far, and since when no more are to come.
    Column("creators_seen", Count, nullable=False, server_default=text("0")),
    Column("handed_over_at", UtcDateTime),
    # Why the task ended, where it was ended here.
    Column("stop_reason", Text(32)),
    # Until when nobody need be asked to decide on creators who wait.
    Column("asked_until", UtcDateTime),
    Index("ix_outreach_tasks_due", "status", "plan_execute_time"),
    Index("ix_outreach_tasks_stop", "status", "plan_stop_time"),
    **OPTIONS,
)

outreach_contacts = Table(
    "outreach_contacts",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("task_id", Exact(64), nullable=False),
    Column("platform", Text(16), nullable=False),
    Column("platform_creator_id", Exact(64), nullable=False),
    # The username as it is compared: folded, without "@".
    Column("username_key", Exact(255)),
    Column("platform_creator_display_name", Text(255)),
    Column("region", Text(32)),
    Column("account_name", Text(255)),
    Column("brand", Text(255)),
    Column("state", Text(16), nullable=False),
    Column("decision", Text(16)),
    Column("reason", Clipped(512)),
    Column("connected", Boolean, nullable=False, server_default=false()),
    Column("replied", Boolean, nullable=False, server_default=false()),
    Column("task_key", Id()),
    Column("metadata", Json),
    Column("created_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("outcome_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    # Until when nobody need be asked to decide a contact that waits, or what became of one that is on its way.
    Column("woken_until", UtcDateTime),
    UniqueConstraint("task_id", "platform_creator_id", name="uq_contact"),
    # Without the state: a row that changes it must not move away under whoever waits for its lock.
    Index("ix_outreach_contacts_creator", "platform_creator_id"),
    Index("ix_outreach_contacts_username", "username_key"),
    Index("ix_outreach_contacts_task", "task_id", "state", "created_at"),
    Index("ix_outreach_contacts_waiting", "state", "woken_until"),
    **OPTIONS,
)

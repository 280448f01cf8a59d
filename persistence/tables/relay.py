"""The tables of the marketing relay: tenants, where their events go, the events, and what became of each.

Columns have defaults in the database itself, because other systems insert rows with plain SQL. Rows that tell what
happened have no foreign keys that could take them along when somebody deletes configuration.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as LongText

from persistence.tables.metadata import OPTIONS, metadata
from persistence.tables.types import Clipped, Count, Exact, Id, Json, JsonText, Text, UtcDateTime, utc_now_default

#: SQLite numbers rows by itself only in a column of type INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")


def _id() -> Column[int]:
    return Column("id", Number, primary_key=True, autoincrement=True)


def _is_active() -> Column[bool]:
    return Column("is_active", Boolean, nullable=False, server_default=text("1"), index=True)


def _times() -> tuple[Column[object], Column[object]]:
    return (
        Column("created_at", UtcDateTime, nullable=False, server_default=utc_now_default()),
        Column("updated_at", UtcDateTime, nullable=False, server_default=utc_now_default()),
    )


storefronts = Table(
    "storefronts",
    metadata,
    _id(),
    Column("storefront_id", Exact(50), nullable=False),
    Column("name", Text(255), nullable=False),
    Column("domain", Text(255)),
    Column("description", LongText),
    _is_active(),
    *_times(),
    UniqueConstraint("storefront_id", name="uq_storefront"),
    **OPTIONS,
)

storefront_sgtm_config = Table(
    "storefront_sgtm_config",
    metadata,
    _id(),
    Column("storefront_id", Number, ForeignKey("storefronts.id"), nullable=False),
    Column("sgtm_url", Text(500), nullable=False),
    Column("client_type", Text(20), nullable=False, server_default="ga4"),
    Column("container_id", Text(50)),
    Column("measurement_id", Text(50)),
    Column("api_secret", LongText),
    Column("custom_endpoint_path", Text(100), nullable=False, server_default="/collect"),
    Column("custom_headers", LongText),
    _is_active(),
    *_times(),
    UniqueConstraint("storefront_id", name="uq_sgtm_storefront"),
    **OPTIONS,
)

ad_analytics_platforms = Table(
    "ad_analytics_platforms",
    metadata,
    _id(),
    Column("platform_code", Exact(50), nullable=False),
    Column("name", Text(100), nullable=False),
    Column("category", Text(50), nullable=False, server_default="advertising"),
    Column("tier", Count, nullable=False, server_default=text("3"), index=True),
    Column("auth_type", Text(20), nullable=False, server_default="access_token"),
    Column("api_base_url", Text(500)),
    Column("credential_schema", LongText),
    Column("description", LongText),
    _is_active(),
    *_times(),
    UniqueConstraint("platform_code", name="uq_platform"),
    **OPTIONS,
)

platform_credentials = Table(
    "platform_credentials",
    metadata,
    _id(),
    Column("storefront_id", Number, ForeignKey("storefronts.id"), nullable=False),
    Column("platform_id", Number, ForeignKey("ad_analytics_platforms.id"), nullable=False, index=True),
    Column("credentials_encrypted", LongText, nullable=False),
    Column("destination_type", Text(20), nullable=False, server_default="sgtm"),
    Column("pixel_id", Text(100)),
    Column("account_id", Text(100)),
    _is_active(),
    Column("last_used_at", UtcDateTime),
    Column("last_error", LongText),
    *_times(),
    UniqueConstraint("storefront_id", "platform_id", name="uq_storefront_platform"),
    **OPTIONS,
)

event_mappings = Table(
    "event_mappings",
    metadata,
    _id(),
    # NULL means every storefront.
    Column("storefront_id", Number),
    Column("platform_code", Exact(50), nullable=False),
    Column("version", Count, nullable=False),
    Column("mapping", Json, nullable=False),
    _is_active(),
    *_times(),
    Index("ix_event_mappings", "platform_code", "storefront_id", "version"),
    **OPTIONS,
)

destinations = Table(
    "destinations",
    metadata,
    _id(),
    Column("storefront_id", Number, nullable=False),
    Column("kind", Text(20), nullable=False),
    Column("sgtm_config_id", Number),
    Column("credential_id", Number),
    Column("platform_code", Exact(50), nullable=False),
    Column("paused_until", UtcDateTime),
    Column("paused_reason", Clipped(512)),
    Column("failures", Count, nullable=False, server_default=text("0")),
    Column("woken_until", UtcDateTime),
    *_times(),
    UniqueConstraint("sgtm_config_id", name="uq_destination_sgtm"),
    UniqueConstraint("credential_id", name="uq_destination_credential"),
    Index("ix_destinations_storefront", "storefront_id"),
    **OPTIONS,
)

marketing_events = Table(
    "marketing_events",
    metadata,
    _id(),
    Column("event_id", Exact(100), nullable=False),
    Column("storefront_id", Number),
    Column("storefront_code", Exact(50)),
    Column("event_type", Exact(50), nullable=False),
    Column("event_payload", JsonText(), nullable=False),
    Column("source_system", Text(50), nullable=False, server_default="oms"),
    Column("status", Text(20), nullable=False, server_default="pending"),
    Column("retry_count", Count, nullable=False, server_default=text("0")),
    Column("next_retry_at", UtcDateTime),
    Column("processed_at", UtcDateTime),
    Column("error_message", Clipped(1000)),
    # NULL until adopted: rows written by other systems are compared once they have been looked at.
    Column("identity", Exact(255)),
    Column("content_hash", Id(64)),
    Column("event_time", UtcDateTime),
    Column("message_id", Exact(255)),
    Column("claim_token", Id()),
    Column("claimed_until", UtcDateTime),
    *_times(),
    UniqueConstraint("identity", name="uq_marketing_event"),
    CheckConstraint(
        "storefront_id IS NOT NULL OR storefront_code IS NOT NULL", name="ck_marketing_events_storefront_required"
    ),
    Index("ix_marketing_events_event", "event_id"),
    Index("ix_marketing_events_status", "status", "id"),
    # What is held for a storefront is looked for every second.
    Index("ix_marketing_events_storefront_code", "storefront_code", "status"),
    Index("ix_marketing_events_storefront_id", "storefront_id", "status"),
    Index("ix_marketing_events_created", "created_at"),
    **OPTIONS,
)

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("event_id", Number, nullable=False),
    Column("destination_id", Number, nullable=False),
    Column("state", Text(16), nullable=False),
    Column("attempts", Count, nullable=False, server_default=text("0")),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("downstream_id", Exact(255), nullable=False),
    Column("reason", Clipped(1000)),
    Column("delivered_at", UtcDateTime),
    Column("claim_token", Id()),
    Column("claimed_until", UtcDateTime),
    *_times(),
    UniqueConstraint("event_id", "destination_id", name="uq_delivery"),
    # What a sender of one destination reads, and what finds the destinations that have something due.
    Index("ix_deliveries_due", "destination_id", "state", "next_attempt_at"),
    Index("ix_deliveries_state", "state", "next_attempt_at"),
    **OPTIONS,
)

event_attempts = Table(
    "event_attempts",
    metadata,
    _id(),
    Column("event_id", Number, nullable=False, index=True),
    Column("delivery_id", Number, nullable=False, index=True),
    Column("credential_id", Number),
    Column("destination_type", Text(20), nullable=False),
    Column("number", Count, nullable=False),
    Column("status", Text(20), nullable=False),
    Column("http_status_code", Count),
    Column("request", LongText),
    Column("response_body", LongText),
    Column("error_message", Clipped(1000)),
    Column("duration_ms", Count),
    Column("attempted_at", UtcDateTime, nullable=False, server_default=utc_now_default()),
    Index("ix_event_attempts_time", "attempted_at"),
    **OPTIONS,
)

admin_audit = Table(
    "admin_audit",
    metadata,
    _id(),
    Column("at", UtcDateTime, nullable=False),
    Column("who", Text(255), nullable=False),
    Column("role", Text(20), nullable=False),
    Column("action", Text(50), nullable=False),
    Column("resource", Text(50), nullable=False),
    Column("resource_id", Text(64)),
    Column("details", Json),
    Index("ix_admin_audit_time", "at"),
    **OPTIONS,
)

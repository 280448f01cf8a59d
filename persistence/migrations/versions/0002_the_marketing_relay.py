"""The marketing relay: storefronts, destinations, events and deliveries."""

import sqlalchemy as sa
from alembic import op

from persistence.tables import types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "storefronts",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("storefront_id", types.Exact(50), nullable=False),
        sa.Column("name", types.Text(255), nullable=False),
        sa.Column("domain", types.Text(255)),
        sa.Column("description", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("storefront_id", name="uq_storefront"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_storefronts_is_active", "storefronts", ["is_active"])

    op.create_table(
        "storefront_sgtm_config",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("storefront_id", NUMBER, nullable=False),
        sa.Column("sgtm_url", types.Text(500), nullable=False),
        sa.Column("client_type", types.Text(20), server_default="ga4", nullable=False),
        sa.Column("container_id", types.Text(50)),
        sa.Column("measurement_id", types.Text(50)),
        sa.Column("api_secret", sa.Text()),
        sa.Column("custom_endpoint_path", types.Text(100), server_default="/collect", nullable=False),
        sa.Column("custom_headers", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"]),
        sa.UniqueConstraint("storefront_id", name="uq_sgtm_storefront"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_storefront_sgtm_config_is_active", "storefront_sgtm_config", ["is_active"])

    op.create_table(
        "ad_analytics_platforms",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("platform_code", types.Exact(50), nullable=False),
        sa.Column("name", types.Text(100), nullable=False),
        sa.Column("category", types.Text(50), server_default="advertising", nullable=False),
        sa.Column("tier", types.Count(), server_default=sa.text("3"), nullable=False),
        sa.Column("auth_type", types.Text(20), server_default="access_token", nullable=False),
        sa.Column("api_base_url", types.Text(500)),
        sa.Column("credential_schema", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("platform_code", name="uq_platform"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_ad_analytics_platforms_is_active", "ad_analytics_platforms", ["is_active"])
    op.create_index("ix_ad_analytics_platforms_tier", "ad_analytics_platforms", ["tier"])

    op.create_table(
        "platform_credentials",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("storefront_id", NUMBER, nullable=False),
        sa.Column("platform_id", NUMBER, nullable=False),
        sa.Column("credentials_encrypted", sa.Text(), nullable=False),
        sa.Column("destination_type", types.Text(20), server_default="sgtm", nullable=False),
        sa.Column("pixel_id", types.Text(100)),
        sa.Column("account_id", types.Text(100)),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("last_used_at", types.UtcDateTime()),
        sa.Column("last_error", sa.Text()),
        sa.Column("created_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["platform_id"], ["ad_analytics_platforms.id"]),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"]),
        sa.UniqueConstraint("storefront_id", "platform_id", name="uq_storefront_platform"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_platform_credentials_is_active", "platform_credentials", ["is_active"])
    op.create_index("ix_platform_credentials_platform_id", "platform_credentials", ["platform_id"])

    op.create_table(
        "event_mappings",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("storefront_id", NUMBER),
        sa.Column("platform_code", types.Exact(50), nullable=False),
        sa.Column("version", types.Count(), nullable=False),
        sa.Column("mapping", types.Json, nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_event_mappings", "event_mappings", ["platform_code", "storefront_id", "version"])
    op.create_index("ix_event_mappings_is_active", "event_mappings", ["is_active"])

    op.create_table(
        "destinations",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("storefront_id", NUMBER, nullable=False),
        sa.Column("kind", types.Text(20), nullable=False),
        sa.Column("sgtm_config_id", NUMBER),
        sa.Column("credential_id", NUMBER),
        sa.Column("platform_code", types.Exact(50), nullable=False),
        sa.Column("paused_until", types.UtcDateTime()),
        sa.Column("paused_reason", types.Clipped(512)),
        sa.Column("failures", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("woken_until", types.UtcDateTime()),
        sa.Column("created_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_id", name="uq_destination_credential"),
        sa.UniqueConstraint("sgtm_config_id", name="uq_destination_sgtm"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_destinations_storefront", "destinations", ["storefront_id"])

    op.create_table(
        "marketing_events",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("event_id", types.Exact(100), nullable=False),
        sa.Column("storefront_id", NUMBER),
        sa.Column("storefront_code", types.Exact(50)),
        sa.Column("event_type", types.Exact(50), nullable=False),
        sa.Column("event_payload", types.JsonText(), nullable=False),
        sa.Column("source_system", types.Text(50), server_default="oms", nullable=False),
        sa.Column("status", types.Text(20), server_default="pending", nullable=False),
        sa.Column("retry_count", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_retry_at", types.UtcDateTime()),
        sa.Column("processed_at", types.UtcDateTime()),
        sa.Column("error_message", types.Clipped(1000)),
        sa.Column("identity", types.Exact(255)),
        sa.Column("content_hash", types.Id(64)),
        sa.Column("event_time", types.UtcDateTime()),
        sa.Column("message_id", types.Exact(255)),
        sa.Column("claim_token", types.Id()),
        sa.Column("claimed_until", types.UtcDateTime()),
        sa.Column("created_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint(
            "storefront_id IS NOT NULL OR storefront_code IS NOT NULL", name="ck_marketing_events_storefront_required"
        ),
        sa.UniqueConstraint("identity", name="uq_marketing_event"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_marketing_events_created", "marketing_events", ["created_at"])
    op.create_index("ix_marketing_events_event", "marketing_events", ["event_id"])
    op.create_index("ix_marketing_events_status", "marketing_events", ["status", "id"])
    op.create_index("ix_marketing_events_storefront_code", "marketing_events", ["storefront_code", "status"])
    op.create_index("ix_marketing_events_storefront_id", "marketing_events", ["storefront_id", "status"])

    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("event_id", NUMBER, nullable=False),
        sa.Column("destination_id", NUMBER, nullable=False),
        sa.Column("state", types.Text(16), nullable=False),
        sa.Column("attempts", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", types.UtcDateTime(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(), nullable=False),
        sa.Column("downstream_id", types.Exact(255), nullable=False),
        sa.Column("reason", types.Clipped(1000)),
        sa.Column("delivered_at", types.UtcDateTime()),
        sa.Column("claim_token", types.Id()),
        sa.Column("claimed_until", types.UtcDateTime()),
        sa.Column("created_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id", "destination_id", name="uq_delivery"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_deliveries_due", "deliveries", ["destination_id", "state", "next_attempt_at"])
    op.create_index("ix_deliveries_state", "deliveries", ["state", "next_attempt_at"])

    op.create_table(
        "event_attempts",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("event_id", NUMBER, nullable=False),
        sa.Column("delivery_id", NUMBER, nullable=False),
        sa.Column("credential_id", NUMBER),
        sa.Column("destination_type", types.Text(20), nullable=False),
        sa.Column("number", types.Count(), nullable=False),
        sa.Column("status", types.Text(20), nullable=False),
        sa.Column("http_status_code", types.Count()),
        sa.Column("request", sa.Text()),
        sa.Column("response_body", sa.Text()),
        sa.Column("error_message", types.Clipped(1000)),
        sa.Column("duration_ms", types.Count()),
        sa.Column("attempted_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_event_attempts_delivery_id", "event_attempts", ["delivery_id"])
    op.create_index("ix_event_attempts_event_id", "event_attempts", ["event_id"])
    op.create_index("ix_event_attempts_time", "event_attempts", ["attempted_at"])

    op.create_table(
        "admin_audit",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("who", types.Text(255), nullable=False),
        sa.Column("role", types.Text(20), nullable=False),
        sa.Column("action", types.Text(50), nullable=False),
        sa.Column("resource", types.Text(50), nullable=False),
        sa.Column("resource_id", types.Text(64)),
        sa.Column("details", types.Json),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_admin_audit_time", "admin_audit", ["at"])


def downgrade() -> None:
    for table in (
        "admin_audit",
        "event_attempts",
        "deliveries",
        "marketing_events",
        "destinations",
        "event_mappings",
        "platform_credentials",
        "ad_analytics_platforms",
        "storefront_sgtm_config",
        "storefronts",
    ):
        op.drop_table(table)

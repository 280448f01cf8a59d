"""Samples, contents, crawl logs, schedules, deliveries, inbox and outbox."""

import sqlalchemy as sa
from alembic import op

from persistence.tables import types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chatbot_creator_days",
        sa.Column("platform_creator_id", types.Exact(255), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("published", types.Count(), nullable=False),
        sa.PrimaryKeyConstraint("platform_creator_id", "day"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "chatbot_deliveries",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("task_key", types.Exact(255), nullable=False),
        sa.Column("message_id", types.Exact(255), nullable=False),
        sa.Column("sample_id", types.Text(64)),
        sa.Column("scenario", types.Text(64)),
        sa.Column("run", types.Count()),
        sa.Column("region", types.Text(32)),
        sa.Column("platform_creator_id", types.Exact(255), nullable=False),
        sa.Column("messages", types.Json, nullable=False),
        sa.Column("sender", types.Text(64), nullable=False),
        sa.Column("state", types.Text(16), nullable=False),
        sa.Column("attempts", types.Count(), nullable=False),
        sa.Column("reason", types.Clipped(512)),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.Column("sent_at", types.UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_key", name="uq_task_key"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_chatbot_deliveries_state", "chatbot_deliveries", ["state", "updated_at"])

    op.create_table(
        "inbox",
        sa.Column("message_id", types.Exact(255), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_inbox_expires_at", "inbox", ["expires_at"])

    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("exchange", types.Text(255), nullable=False),
        sa.Column("routing_key", types.Text(255), nullable=False),
        sa.Column("message_id", types.Exact(255), nullable=False),
        sa.Column("type", types.Text(255)),
        sa.Column("correlation_id", types.Text(255)),
        sa.Column("reply_to", types.Text(255)),
        sa.Column("headers", types.Json, nullable=False),
        sa.Column("body", types.blob(), nullable=False),
        sa.Column("timestamp", types.UtcDateTime(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("claim_token", types.Id()),
        sa.Column("claimed_until", types.UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sample_chatbot_schedules",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("sample_id", types.Id(), nullable=False),
        sa.Column("scenario", types.Text(64), nullable=False),
        sa.Column("region", types.Text(32)),
        sa.Column("interval_days", types.Count()),
        sa.Column("max_runs", types.Count(), server_default=sa.text("1"), nullable=False),
        sa.Column("run_count", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_run_time", types.UtcDateTime(), nullable=False),
        sa.Column("last_run_time", types.UtcDateTime()),
        sa.Column("active", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.Column("parked_at", types.UtcDateTime()),
        sa.Column("parked_reason", types.Clipped(512)),
        sa.Column("note", types.Clipped(255)),
        sa.Column("claim_token", types.Id()),
        sa.Column("claimed_until", types.UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sample_id", "scenario", name="uq_sample_scenario"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_active", "sample_chatbot_schedules", ["active"])
    op.create_index("ix_due", "sample_chatbot_schedules", ["active", "parked_at", "next_run_time"])
    op.create_index("ix_next_run_time", "sample_chatbot_schedules", ["next_run_time"])

    op.create_table(
        "sample_content_crawl_logs",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("platform_product_id", types.Text(64), nullable=False),
        sa.Column("creator_id", types.OperatorId(), nullable=False),
        sa.Column("creation_time", types.UtcDateTime(), nullable=False),
        sa.Column("last_modifier_id", types.OperatorId(), nullable=False),
        sa.Column("last_modification_time", types.UtcDateTime(), nullable=False),
        sa.Column("sample_id", types.Id(), nullable=False),
        sa.Column("content_key", types.Exact(400), nullable=False),
        sa.Column("observed_at", types.UtcDateTime(), nullable=False),
        sa.Column("region", types.Text(32)),
        sa.Column("type", types.Text(32)),
        sa.Column("platform_creator_id", types.Text(32)),
        sa.Column("platform_creator_display_name", types.Text(64)),
        sa.Column("platform_creator_username", types.Text(64)),
        sa.Column("promotion_name", types.Text(255)),
        sa.Column("promotion_time", types.Text(255)),
        sa.Column("promotion_view_count", types.Count()),
        sa.Column("promotion_like_count", types.Count()),
        sa.Column("promotion_comment_count", types.Count()),
        sa.Column("promotion_order_count", types.Count()),
        sa.Column("promotion_order_total_amount", types.Money(10, 2)),
        sa.Column("crawl_date", sa.Date(), nullable=False),
        sa.Column("content_id", types.Id(), nullable=False),
        sa.Column("message_id", types.Exact(255), nullable=False),
        sa.Column("row_index", types.Count(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("IX_sample_content_crawl_logs_ProductID", "sample_content_crawl_logs", ["platform_product_id"])
    op.create_index("ix_sample_content_crawl_logs_content", "sample_content_crawl_logs", ["content_id"])
    op.create_index("ix_sample_content_crawl_logs_date", "sample_content_crawl_logs", ["crawl_date"])

    op.create_table(
        "sample_contents",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("platform_product_id", types.Text(64), nullable=False),
        sa.Column("creator_id", types.OperatorId(), nullable=False),
        sa.Column("creation_time", types.UtcDateTime(), nullable=False),
        sa.Column("last_modifier_id", types.OperatorId(), nullable=False),
        sa.Column("last_modification_time", types.UtcDateTime(), nullable=False),
        sa.Column("sample_id", types.Id(), nullable=False),
        sa.Column("content_key", types.Exact(400), nullable=False),
        sa.Column("observed_at", types.UtcDateTime(), nullable=False),
        sa.Column("region", types.Text(32)),
        sa.Column("type", types.Text(32)),
        sa.Column("platform_creator_id", types.Text(32)),
        sa.Column("platform_creator_display_name", types.Text(64)),
        sa.Column("platform_creator_username", types.Text(64)),
        sa.Column("promotion_name", types.Text(255)),
        sa.Column("promotion_time", types.Text(255)),
        sa.Column("promotion_view_count", types.Count()),
        sa.Column("promotion_like_count", types.Count()),
        sa.Column("promotion_comment_count", types.Count()),
        sa.Column("promotion_order_count", types.Count()),
        sa.Column("promotion_order_total_amount", types.Money(10, 2)),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sample_id", "content_key", name="uq_sample_content"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("IX_sample_contents_ProductID", "sample_contents", ["platform_product_id"])

    op.create_table(
        "sample_crawl_logs",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("platform_product_id", types.Exact(64), nullable=False),
        sa.Column("creator_id", types.OperatorId(), nullable=False),
        sa.Column("creation_time", types.UtcDateTime(), nullable=False),
        sa.Column("last_modifier_id", types.OperatorId(), nullable=False),
        sa.Column("last_modification_time", types.UtcDateTime(), nullable=False),
        sa.Column("region", types.Exact(32), nullable=False),
        sa.Column("campaign_key", types.Exact(64), server_default="", nullable=False),
        sa.Column("creator_key", types.Exact(255), nullable=False),
        sa.Column("observed_at", types.UtcDateTime(), nullable=False),
        sa.Column("stock", types.Count()),
        sa.Column("product_name", types.Text(512)),
        sa.Column("product_sku", types.Text(64)),
        sa.Column("available_sample_count", types.Count()),
        sa.Column("is_uncooperative", sa.Boolean()),
        sa.Column("is_unapprovable", sa.Boolean()),
        sa.Column("status", types.Text(32)),
        sa.Column("request_time_remaining", types.Text(255)),
        sa.Column("platform_campaign_id", types.Text(64)),
        sa.Column("platform_campaign_name", sa.Text()),
        sa.Column("platform_creator_display_name", types.Text(64)),
        sa.Column("platform_creator_username", types.Text(255)),
        sa.Column("platform_creator_id", types.Text(32)),
        sa.Column("post_rate", types.Money(10, 4)),
        sa.Column("is_showcase", sa.Boolean()),
        sa.Column("content_summary", types.Json, nullable=False),
        sa.Column("ad_code", types.Json),
        sa.Column("crawl_date", sa.Date(), nullable=False),
        sa.Column("sample_id", types.Id(), nullable=False),
        sa.Column("message_id", types.Exact(255), nullable=False),
        sa.Column("row_index", types.Count(), nullable=False),
        sa.Column("fingerprint", types.Id(64), nullable=False),
        sa.Column("is_replay", sa.Boolean(), nullable=False),
        sa.Column("source", types.Text(255), nullable=False),
        sa.Column("options", types.Json),
        sa.Column("extra", types.Json),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("IX_sample_crawl_logs_CampaignID", "sample_crawl_logs", ["platform_campaign_id"])
    op.create_index("IX_sample_crawl_logs_ProductID", "sample_crawl_logs", ["platform_product_id"])
    op.create_index("ix_sample_crawl_logs_date", "sample_crawl_logs", ["crawl_date"])
    op.create_index("ix_sample_crawl_logs_fingerprint", "sample_crawl_logs", ["fingerprint", "crawl_date"])
    op.create_index("ix_sample_crawl_logs_sample", "sample_crawl_logs", ["sample_id"])

    op.create_table(
        "samples",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("platform_product_id", types.Exact(64), nullable=False),
        sa.Column("creator_id", types.OperatorId(), nullable=False),
        sa.Column("creation_time", types.UtcDateTime(), nullable=False),
        sa.Column("last_modifier_id", types.OperatorId(), nullable=False),
        sa.Column("last_modification_time", types.UtcDateTime(), nullable=False),
        sa.Column("region", types.Exact(32), nullable=False),
        sa.Column("campaign_key", types.Exact(64), server_default="", nullable=False),
        sa.Column("creator_key", types.Exact(255), nullable=False),
        sa.Column("observed_at", types.UtcDateTime(), nullable=False),
        sa.Column("stock", types.Count()),
        sa.Column("product_name", types.Text(512)),
        sa.Column("product_sku", types.Text(64)),
        sa.Column("available_sample_count", types.Count()),
        sa.Column("is_uncooperative", sa.Boolean()),
        sa.Column("is_unapprovable", sa.Boolean()),
        sa.Column("status", types.Text(32)),
        sa.Column("request_time_remaining", types.Text(255)),
        sa.Column("platform_campaign_id", types.Text(64)),
        sa.Column("platform_campaign_name", sa.Text()),
        sa.Column("platform_creator_display_name", types.Text(64)),
        sa.Column("platform_creator_username", types.Text(255)),
        sa.Column("platform_creator_id", types.Text(32)),
        sa.Column("post_rate", types.Money(10, 4)),
        sa.Column("is_showcase", sa.Boolean()),
        sa.Column("content_summary", types.Json, nullable=False),
        sa.Column("ad_code", types.Json),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("region", "platform_product_id", "campaign_key", "creator_key", name="uq_sample"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("IX_samples_CampaignID", "samples", ["platform_campaign_id"])
    op.create_index("IX_samples_ProductID", "samples", ["platform_product_id"])


def downgrade() -> None:
    for table in (
        "chatbot_creator_days",
        "chatbot_deliveries",
        "inbox",
        "outbox",
        "sample_chatbot_schedules",
        "sample_content_crawl_logs",
        "sample_contents",
        "sample_crawl_logs",
        "samples",
    ):
        op.drop_table(table)

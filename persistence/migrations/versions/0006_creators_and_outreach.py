"""Creators, campaigns and products, outreach tasks and whom they wrote to."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from persistence.tables import types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "campaigns",
    "creator_crawl_logs",
    "creators",
    "outreach_contacts",
    "outreach_tasks",
    "products",
)


def _creator() -> list[sa.Column[Any]]:
    """Return the columns that a creator and the log of a creator's crawls have in common."""
    return [
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("platform", types.Exact(16), nullable=False),
        sa.Column("platform_creator_id", types.Exact(64), nullable=False),
        sa.Column("platform_creator_display_name", types.Text(255), nullable=False),
        sa.Column("platform_creator_username", types.Exact(255), nullable=False),
        sa.Column("creator_id", types.OperatorId(), nullable=False),
        sa.Column("creation_time", types.UtcDateTime(), nullable=False),
        sa.Column("last_modifier_id", types.OperatorId(), nullable=False),
        sa.Column("last_modification_time", types.UtcDateTime(), nullable=False),
        sa.Column("observed_at", types.UtcDateTime(), nullable=False),
        sa.Column("email", types.Text(255)),
        sa.Column("whatsapp", types.Text(64)),
        sa.Column("introduction", sa.Text()),
        sa.Column("region", types.Text(32)),
        sa.Column("currency", types.Text(32)),
        sa.Column("categories", types.Text(512)),
        sa.Column("chat_url", types.Text(1024)),
        sa.Column("search_keywords", types.Text(255)),
        sa.Column("brand_name", types.Text(255)),
        sa.Column("followers", types.Count()),
        sa.Column("top_brands", types.Text(1024)),
        sa.Column("sales_revenue", types.Money(18, 2)),
        sa.Column("sales_units_sold", types.Count()),
        sa.Column("sales_gpm", types.Money(18, 2)),
        sa.Column("sales_revenue_per_buyer", types.Money(18, 2)),
        sa.Column("gmv_per_sales_channel", types.Text(512)),
        sa.Column("gmv_by_product_category", types.Text(512)),
        sa.Column("avg_commission_rate", types.Money(12, 4)),
        sa.Column("collab_products", types.Count()),
        sa.Column("partnered_brands", types.Count()),
        sa.Column("product_price", types.Text(255)),
        sa.Column("video_gpm", types.Money(18, 2)),
        sa.Column("videos", types.Count()),
        sa.Column("avg_video_views", types.Count()),
        sa.Column("avg_video_engagement_rate", types.Money(12, 4)),
        sa.Column("avg_video_likes", types.Count()),
        sa.Column("avg_video_comments", types.Count()),
        sa.Column("avg_video_shares", types.Count()),
        sa.Column("live_gpm", types.Money(18, 2)),
        sa.Column("live_streams", types.Count()),
        sa.Column("avg_live_views", types.Count()),
        sa.Column("avg_live_engagement_rate", types.Money(12, 4)),
        sa.Column("avg_live_likes", types.Count()),
        sa.Column("avg_live_comments", types.Count()),
        sa.Column("avg_live_shares", types.Count()),
        sa.Column("followers_male", types.Money(12, 4)),
        sa.Column("followers_female", types.Money(12, 4)),
        sa.Column("followers_18_24", types.Money(12, 4)),
        sa.Column("followers_25_34", types.Money(12, 4)),
        sa.Column("followers_35_44", types.Money(12, 4)),
        sa.Column("followers_45_54", types.Money(12, 4)),
        sa.Column("followers_55_more", types.Money(12, 4)),
    ]


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("platform", types.Text(16), nullable=False),
        sa.Column("platform_campaign_id", types.Exact(64), nullable=False),
        sa.Column("shop_key", types.Exact(64), server_default="", nullable=False),
        sa.Column("region", types.Text(32), nullable=False),
        sa.Column("has_region", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("creator_id", types.OperatorId(), nullable=False),
        sa.Column("creation_time", types.UtcDateTime(), nullable=False),
        sa.Column("last_modifier_id", types.OperatorId(), nullable=False),
        sa.Column("last_modification_time", types.UtcDateTime(), nullable=False),
        sa.Column("observed_at", types.UtcDateTime(), nullable=False),
        sa.Column("platform_campaign_name", types.Text(512)),
        sa.Column("status", types.Text(64)),
        sa.Column("registration_period", types.Json),
        sa.Column("campaign_period", types.Json),
        sa.Column("pending_product_count", types.Count()),
        sa.Column("approved_product_count", types.Count()),
        sa.Column("date_registered", types.UtcDateTime()),
        sa.Column("commission_rate", types.Text(64)),
        sa.Column("platform_shop_name", types.Text(255)),
        sa.Column("platform_shop_phone", types.Text(64)),
        sa.Column("platform_shop_id", types.Text(64)),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("platform_campaign_id", "shop_key", name="uq_campaign"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("IX_campaigns_ShopID", "campaigns", ["platform_shop_id"])

    op.create_table(
        "creator_crawl_logs",
        *_creator(),
        sa.Column("crawl_date", sa.Date(), nullable=False),
        sa.Column("message_id", types.Exact(255), nullable=False),
        sa.Column("row_index", types.Count(), nullable=False),
        sa.Column("source", types.Text(255), nullable=False),
        sa.Column("options", types.Json),
        sa.Column("extra", types.Json),
        sa.Column("task_id", types.Exact(64)),
        sa.Column("connect", sa.Boolean()),
        sa.Column("reply", sa.Boolean()),
        sa.Column("send", sa.Boolean()),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index(
        "IX_creator_crawl_logs_Platform_AccountID", "creator_crawl_logs", ["platform", "platform_creator_id"]
    )
    op.create_index(
        "IX_creator_crawl_logs_Platform_Username", "creator_crawl_logs", ["platform", "platform_creator_username"]
    )
    op.create_index("ix_creator_crawl_logs_date", "creator_crawl_logs", ["crawl_date"])
    op.create_index("ix_creator_crawl_logs_task", "creator_crawl_logs", ["task_id"])

    op.create_table(
        "creators",
        *_creator(),
        sa.Column("has_username", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("has_display_name", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("has_currency", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("connected", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("replied", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("platform", "platform_creator_id", name="uq_creator"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("IX_creators_Platform_Username", "creators", ["platform", "platform_creator_username"])

    op.create_table(
        "outreach_contacts",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("task_id", types.Exact(64), nullable=False),
        sa.Column("platform", types.Text(16), nullable=False),
        sa.Column("platform_creator_id", types.Exact(64), nullable=False),
        sa.Column("username_key", types.Exact(255)),
        sa.Column("platform_creator_display_name", types.Text(255)),
        sa.Column("region", types.Text(32)),
        sa.Column("account_name", types.Text(255)),
        sa.Column("brand", types.Text(255)),
        sa.Column("state", types.Text(16), nullable=False),
        sa.Column("decision", types.Text(16)),
        sa.Column("reason", types.Clipped(512)),
        sa.Column("connected", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("replied", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("task_key", types.Id()),
        sa.Column("metadata", types.Json),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("decided_at", types.UtcDateTime()),
        sa.Column("sent_at", types.UtcDateTime()),
        sa.Column("outcome_at", types.UtcDateTime()),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.Column("woken_until", types.UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id", "platform_creator_id", name="uq_contact"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_outreach_contacts_creator", "outreach_contacts", ["platform_creator_id"])
    op.create_index("ix_outreach_contacts_task", "outreach_contacts", ["task_id", "state", "created_at"])
    op.create_index("ix_outreach_contacts_username", "outreach_contacts", ["username_key"])
    op.create_index("ix_outreach_contacts_waiting", "outreach_contacts", ["state", "woken_until"])

    op.create_table(
        "outreach_tasks",
        sa.Column("id", types.Exact(64), nullable=False),
        sa.Column("platform", types.Text(16), nullable=False),
        sa.Column("task_name", types.Text(255), nullable=False),
        sa.Column("creator_id", types.OperatorId(), nullable=False),
        sa.Column("creation_time", types.UtcDateTime(), nullable=False),
        sa.Column("last_modifier_id", types.OperatorId(), nullable=False),
        sa.Column("last_modification_time", types.UtcDateTime(), nullable=False),
        sa.Column("observed_at", types.UtcDateTime(), server_default=types.utc_now_default(), nullable=False),
        sa.Column("source", types.Text(255)),
        sa.Column("platform_campaign_id", types.Text(64)),
        sa.Column("platform_campaign_name", types.Text(512)),
        sa.Column("platform_product_id", types.Text(64)),
        sa.Column("platform_product_name", types.Text(1024)),
        sa.Column("product_list", types.Json),
        sa.Column("region", types.Text(32)),
        sa.Column("brand", types.Text(255)),
        sa.Column("message_send_strategy", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("task_type", types.Text(32)),
        sa.Column("status", types.Text(32), nullable=False),
        sa.Column("message", types.Clipped(512)),
        sa.Column("accound_email", types.Text(255)),
        sa.Column("search_keywords", types.Text(1024)),
        sa.Column("product_categories", types.Json),
        sa.Column("fans_age_range", types.Json),
        sa.Column("fans_gender", types.Json),
        sa.Column("content_types", types.Json),
        sa.Column("gmv_range", types.Json),
        sa.Column("sales_range", types.Json),
        sa.Column("min_fans", types.Count()),
        sa.Column("min_avg_views", types.Count()),
        sa.Column("min_engagement_rate", types.Count()),
        sa.Column("first_message", types.long_text()),
        sa.Column("second_message", types.long_text()),
        sa.Column("new_creators_expect_count", types.Count()),
        sa.Column("max_creators", types.Count()),
        sa.Column("plan_execute_time", types.UtcDateTime()),
        sa.Column("plan_stop_time", types.UtcDateTime()),
        sa.Column("spend_time", types.Count()),
        sa.Column("new_creators_real_count", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("real_start_at", types.UtcDateTime()),
        sa.Column("real_end_at", types.UtcDateTime()),
        sa.Column("creators_seen", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("handed_over_at", types.UtcDateTime()),
        sa.Column("stop_reason", types.Text(32)),
        sa.Column("asked_until", types.UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_outreach_tasks_due", "outreach_tasks", ["status", "plan_execute_time"])
    op.create_index("ix_outreach_tasks_stop", "outreach_tasks", ["status", "plan_stop_time"])

    op.create_table(
        "products",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("region", types.Text(32), nullable=False),
        sa.Column("has_region", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("platform", types.Text(16), nullable=False),
        sa.Column("platform_campaign_id", types.Exact(64), nullable=False),
        sa.Column("platform_product_id", types.Exact(64), nullable=False),
        sa.Column("creator_id", types.OperatorId(), nullable=False),
        sa.Column("creation_time", types.UtcDateTime(), nullable=False),
        sa.Column("last_modifier_id", types.OperatorId(), nullable=False),
        sa.Column("last_modification_time", types.UtcDateTime(), nullable=False),
        sa.Column("observed_at", types.UtcDateTime(), nullable=False),
        sa.Column("platform_shop_name", types.Text(255)),
        sa.Column("platform_shop_phone", types.Text(64)),
        sa.Column("platform_shop_id", types.Text(64)),
        sa.Column("thumbnail", types.Text(1024)),
        sa.Column("product_name", types.Text(1024)),
        sa.Column("product_name_cn", types.Text(1024)),
        sa.Column("product_category_name", types.Text(128)),
        sa.Column("partner_rate", types.Money(10, 2)),
        sa.Column("creator_rate", types.Money(10, 2)),
        sa.Column("cost_product", types.Text(255)),
        sa.Column("affiliate_link", types.Text(512)),
        sa.Column("product_link", types.Text(512)),
        sa.Column("product_rating", types.Money(4, 2)),
        sa.Column("reviews_count", types.Count()),
        sa.Column("product_sku", types.Text(255)),
        sa.Column("stock", types.Count()),
        sa.Column("available_sample_count", types.Count()),
        sa.Column("item_sold", types.Count()),
        sa.Column("sale_price_min", types.Money(18, 2)),
        sa.Column("sale_price_max", types.Money(18, 2)),
        sa.Column("selling_point", types.long_text()),
        sa.Column("selling_point_cn", types.long_text()),
        sa.Column("shooting_guide", types.long_text()),
        sa.Column("shooting_guide_cn", types.long_text()),
        sa.Column("examples", types.Json),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("platform_campaign_id", "platform_product_id", name="uq_product"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("IX_products_ProductId", "products", ["platform", "platform_product_id"])

    op.add_column("chatbot_deliveries", sa.Column("outreach_task_id", types.Text(64)))
    op.create_index("ix_chatbot_deliveries_creator", "chatbot_deliveries", ["platform_creator_id", "state"])


def downgrade() -> None:
    op.drop_index("ix_chatbot_deliveries_creator", "chatbot_deliveries")
    op.drop_column("chatbot_deliveries", "outreach_task_id")
    for table in TABLES:
        op.drop_table(table)

"""The tables of creators and the history of their crawls, of campaigns and their products."""

from typing import Any

from sqlalchemy import Boolean, Column, Date, Index, Table, UniqueConstraint, false
from sqlalchemy import Text as LongText

from persistence.tables.metadata import OPTIONS, audit, metadata
from persistence.tables.types import Count, Exact, Id, Json, Money, Text, UtcDateTime, long_text

#: What creators sell and are paid, in currencies that count in millions.
_MONEY = (18, 2)
#: Shares and rates, as numbers of percent.
_RATE = (12, 4)


def _creator() -> list[Column[Any]]:
    """Return the columns of what pages say of a creator; `creator_id` among them is the operator."""
    return [
        Column("id", Id(), primary_key=True),
        Column("platform", Exact(16), nullable=False),
        Column("platform_creator_id", Exact(64), nullable=False),
        Column("platform_creator_display_name", Text(255), nullable=False),
        Column("platform_creator_username", Exact(255), nullable=False),
        *audit(),
        Column("observed_at", UtcDateTime, nullable=False),
        Column("email", Text(255)),
        Column("whatsapp", Text(64)),
        Column("introduction", LongText),
        Column("region", Text(32)),
        Column("currency", Text(32)),
        Column("categories", Text(512)),
        Column("chat_url", Text(1024)),
        Column("search_keywords", Text(255)),
        Column("brand_name", Text(255)),
        Column("followers", Count),
        Column("top_brands", Text(1024)),
        Column("sales_revenue", Money(*_MONEY)),
        Column("sales_units_sold", Count),
        Column("sales_gpm", Money(*_MONEY)),
        Column("sales_revenue_per_buyer", Money(*_MONEY)),
        Column("gmv_per_sales_channel", Text(512)),
        Column("gmv_by_product_category", Text(512)),
        Column("avg_commission_rate", Money(*_RATE)),
        Column("collab_products", Count),
        Column("partnered_brands", Count),
        Column("product_price", Text(255)),
        Column("video_gpm", Money(*_MONEY)),
        Column("videos", Count),
        Column("avg_video_views", Count),
        Column("avg_video_engagement_rate", Money(*_RATE)),
        Column("avg_video_likes", Count),
        Column("avg_video_comments", Count),
        Column("avg_video_shares", Count),
        Column("live_gpm", Money(*_MONEY)),
        Column("live_streams", Count),
        Column("avg_live_views", Count),
        Column("avg_live_engagement_rate", Money(*_RATE)),
        Column("avg_live_likes", Count),
        Column("avg_live_comments", Count),
        Column("avg_live_shares", Count),
        Column("followers_male", Money(*_RATE)),
        Column("followers_female", Money(*_RATE)),
        Column("followers_18_24", Money(*_RATE)),
        Column("followers_25_34", Money(*_RATE)),
        Column("followers_35_44", Money(*_RATE)),
        Column("followers_45_54", Money(*_RATE)),
        Column("followers_55_more", Money(*_RATE)),
    ]


def _seen() -> list[Column[Any]]:
    """Where a row of a crawl came from, kept for audit."""
    return [
        Column("crawl_date", Date, nullable=False),
        Column("message_id", Exact(255), nullable=False),
        Column("row_index", Count, nullable=False),
        Column("source", Text(255), nullable=False),
        Column("options", Json),
        Column("extra", Json),
    ]


creators = Table(
    "creators",
    metadata,
    *_creator(),
    # Whether the page said it, or it only stands in for what the page did not say.
    Column("has_username", Boolean, nullable=False, server_default=false()),
    Column("has_display_name", Boolean, nullable=False, server_default=false()),
    Column("has_currency", Boolean, nullable=False, server_default=false()),
    # What the creator's chat has shown so far: any message at all, and any from the creator's side.
    Column("connected", Boolean, nullable=False, server_default=false()),
    Column("replied", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("platform", "platform_creator_id", name="uq_creator"),
    Index("IX_creators_Platform_Username", "platform", "platform_creator_username"),
    **OPTIONS,
)

creator_crawl_logs = Table(
    "creator_crawl_logs",
    metadata,
    *_creator(),
    *_seen(),
    Column("task_id", Exact(64)),
    Column("connect", Boolean),
    Column("reply", Boolean),
    Column("send", Boolean),
    Index("IX_creator_crawl_logs_Platform_AccountID", "platform", "platform_creator_id"),
    Index("IX_creator_crawl_logs_Platform_Username", "platform", "platform_creator_username"),
    Index("ix_creator_crawl_logs_task", "task_id"),
    Index("ix_creator_crawl_logs_date", "crawl_date"),
    **OPTIONS,
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("platform", Text(16), nullable=False),
    Column("platform_campaign_id", Exact(64), nullable=False),
    # The shop's id, or "" where the campaign names none: what is unique must not be NULL.
    Column("shop_key", Exact(64), nullable=False, server_default=""),
    Column("region", Text(32), nullable=False),
    # Whether the page said where, or most of them stand in for it.
    Column("has_region", Boolean, nullable=False, server_default=false()),
    *audit(),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("platform_campaign_name", Text(512)),
    Column("status", Text(64)),
    Column("registration_period", Json),
    Column("campaign_period", Json),
    Column("pending_product_count", Count),
    Column("approved_product_count", Count),
    Column("date_registered", UtcDateTime),
    Column("commission_rate", Text(64)),
    Column("platform_shop_name", Text(255)),
    Column("platform_shop_phone", Text(64)),
    Column("platform_shop_id", Text(64)),
    UniqueConstraint("platform_campaign_id", "shop_key", name="uq_campaign"),
    Index("IX_campaigns_ShopID", "platform_shop_id"),
    **OPTIONS,
)

products = Table(
    "products",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("region", Text(32), nullable=False),
    Column("has_region", Boolean, nullable=False, server_default=false()),
    Column("platform", Text(16), nullable=False),
    Column("platform_campaign_id", Exact(64), nullable=False),
    Column("platform_product_id", Exact(64), nullable=False),
    *audit(),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("platform_shop_name", Text(255)),
    Column("platform_shop_phone", Text(64)),
    Column("platform_shop_id", Text(64)),
    Column("thumbnail", Text(1024)),
    Column("product_name", Text(1024)),
    Column("product_name_cn", Text(1024)),
    Column("product_category_name", Text(128)),
    Column("partner_rate", Money(10, 2)),
    Column("creator_rate", Money(10, 2)),
    Column("cost_product", Text(255)),
    Column("affiliate_link", Text(512)),
    Column("product_link", Text(512)),
    # One decimal: a rating of 4.7 is neither 4 nor 5.
    Column("product_rating", Money(4, 2)),
    Column("reviews_count", Count),
    Column("product_sku", Text(255)),
    Column("stock", Count),
    Column("available_sample_count", Count),
    Column("item_sold", Count),
    Column("sale_price_min", Money(*_MONEY)),
    Column("sale_price_max", Money(*_MONEY)),
    Column("selling_point", long_text()),
    Column("selling_point_cn", long_text()),
    Column("shooting_guide", long_text()),
    Column("shooting_guide_cn", long_text()),
    Column("examples", Json),
    UniqueConstraint("platform_campaign_id", "platform_product_id", name="uq_product"),
    Index("IX_products_ProductId", "platform", "platform_product_id"),
    **OPTIONS,
)

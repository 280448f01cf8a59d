"""The tables of sample requests, their contents and the history of crawls."""

from typing import Any

from sqlalchemy import Boolean, Column, Date, Index, Table, UniqueConstraint
from sqlalchemy import Text as LongText

from persistence.tables.metadata import OPTIONS, audit, metadata
from persistence.tables.types import Count, Exact, Id, Json, Money, Text, UtcDateTime


def _sample() -> list[Column[Any]]:
    return [
        Column("id", Id(), primary_key=True),
        Column("platform_product_id", Exact(64), nullable=False),
        *audit(),
        Column("region", Exact(32), nullable=False),
        Column("campaign_key", Exact(64), nullable=False, server_default=""),
        Column("creator_key", Exact(255), nullable=False),
        Column("observed_at", UtcDateTime, nullable=False),
        Column("stock", Count),
        Column("product_name", Text(512)),
        Column("product_sku", Text(64)),
        Column("available_sample_count", Count),
        Column("is_uncooperative", Boolean),
        Column("is_unapprovable", Boolean),
        Column("status", Text(32)),
        Column("request_time_remaining", Text(255)),
        Column("platform_campaign_id", Text(64)),
        Column("platform_campaign_name", LongText),
        Column("platform_creator_display_name", Text(64)),
        Column("platform_creator_username", Text(255)),
        Column("platform_creator_id", Text(32)),
        Column("post_rate", Money(10, 4)),
        Column("is_showcase", Boolean),
        Column("content_summary", Json, nullable=False),
        Column("ad_code", Json),
    ]


def _content() -> list[Column[Any]]:
    return [
        Column("id", Id(), primary_key=True),
        Column("platform_product_id", Text(64), nullable=False),
        *audit(),
        Column("sample_id", Id(), nullable=False),
        Column("content_key", Exact(400), nullable=False),
        Column("observed_at", UtcDateTime, nullable=False),
        Column("region", Text(32)),
        Column("type", Text(32)),
        Column("platform_creator_id", Text(32)),
        Column("platform_creator_display_name", Text(64)),
        Column("platform_creator_username", Text(64)),
        Column("promotion_name", Text(255)),
        Column("promotion_time", Text(255)),
        Column("promotion_view_count", Count),
        Column("promotion_like_count", Count),
        Column("promotion_comment_count", Count),
        Column("promotion_order_count", Count),
        Column("promotion_order_total_amount", Money(10, 2)),
    ]


samples = Table(
    "samples",
    metadata,
    *_sample(),
    UniqueConstraint("region", "platform_product_id", "campaign_key", "creator_key", name="uq_sample"),
    Index("IX_samples_CampaignID", "platform_campaign_id"),
    Index("IX_samples_ProductID", "platform_product_id"),
    **OPTIONS,
)

sample_crawl_logs = Table(
    "sample_crawl_logs",
    metadata,
    *_sample(),
    Column("crawl_date", Date, nullable=False),
    Column("sample_id", Id(), nullable=False),
    Column("message_id", Exact(255), nullable=False),
    Column("row_index", Count, nullable=False),
    Column("fingerprint", Id(64), nullable=False),
    Column("is_replay", Boolean, nullable=False),
    Column("source", Text(255), nullable=False),
    Column("options", Json),
    Column("extra", Json),
    Index("IX_sample_crawl_logs_CampaignID", "platform_campaign_id"),
    Index("IX_sample_crawl_logs_ProductID", "platform_product_id"),
    Index("ix_sample_crawl_logs_sample", "sample_id"),
    Index("ix_sample_crawl_logs_day", "crawl_date", "fingerprint"),
    **OPTIONS,
)

sample_contents = Table(
    "sample_contents",
    metadata,
    *_content(),
    UniqueConstraint("sample_id", "content_key", name="uq_sample_content"),
    Index("IX_sample_contents_ProductID", "platform_product_id"),
    **OPTIONS,
)

sample_content_crawl_logs = Table(
    "sample_content_crawl_logs",
    metadata,
    *_content(),
    Column("crawl_date", Date, nullable=False),
    Column("content_id", Id(), nullable=False),
    Column("message_id", Exact(255), nullable=False),
    Column("row_index", Count, nullable=False),
    Index("IX_sample_content_crawl_logs_ProductID", "platform_product_id"),
    Index("ix_sample_content_crawl_logs_content", "content_id"),
    Index("ix_sample_content_crawl_logs_date", "crawl_date"),
    **OPTIONS,
)

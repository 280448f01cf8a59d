"""The stored shape of a sample, its contents and their crawl history; names follow the SQL columns."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from schemas.audit import Audit


class SampleKey(NamedTuple):
    """What makes two observations the same sample request.

    `campaign_key` is the campaign id, or "" outside a campaign. `creator_key` is the first present of creator id,
    lower-cased username and display name, compared bytewise.
    """

    region: str
    platform_product_id: str
    campaign_key: str
    creator_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Audit):
    """One creator's request for one product, as last observed.

    `content_summary` is a JSON array (contract 5.2); `ad_code` is any JSON value or None for SQL NULL.
    `observed_at` is the moment of the newest observation that was applied.
    """

    id: str
    region: str
    platform_product_id: str
    campaign_key: str
    creator_key: str
    observed_at: datetime
    platform_campaign_id: str | None = None
    platform_campaign_name: str | None = None
    product_name: str | None = None
    product_sku: str | None = None
    stock: int | None = None
    available_sample_count: int | None = None
    is_uncooperative: bool | None = None
    is_unapprovable: bool | None = None
    is_showcase: bool | None = None
    status: str | None = None
    request_time_remaining: str | None = None
    platform_creator_id: str | None = None
    platform_creator_display_name: str | None = None
    platform_creator_username: str | None = None
    post_rate: Decimal | None = None
    content_summary: list[dict[str, Any]] = field(default_factory=list)
    ad_code: Any = None

    @property
    def key(self) -> SampleKey:
        """The natural key, unique in SQL."""
        return SampleKey(self.region, self.platform_product_id, self.campaign_key, self.creator_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCrawlLog:
    """One row of one crawl, as it was seen; append-only.

    `message_id` and `row_index` say where it came from. `fingerprint` is the hex SHA-256 of the row's canonical JSON;
    `is_replay` is true when the same sample already had that fingerprint on that `crawl_date` (UTC).
    `extra` holds the row's unknown keys; `source` and `options` are the crawl's own, kept for audit.
    """

    id: str
    sample: Sample
    message_id: str
    row_index: int
    fingerprint: str
    is_replay: bool
    crawl_date: date
    source: str
    options: dict[str, Any] | None
    extra: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleContent(Audit):
    """A video or live that a creator published for a sample; unique by (`sample_id`, `content_key`)."""

    id: str
    sample_id: str
    content_key: str
    observed_at: datetime
    platform_product_id: str
    region: str | None = None
    type: str | None = None
    platform_creator_id: str | None = None
    platform_creator_display_name: str | None = None
    platform_creator_username: str | None = None
    promotion_name: str | None = None
    promotion_time: str | None = None
    promotion_view_count: int | None = None
    promotion_like_count: int | None = None
    promotion_comment_count: int | None = None
    promotion_order_count: int | None = None
    promotion_order_total_amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleContentCrawlLog:
    """A content row of one crawl, as it was seen; append-only."""

    id: str
    content: SampleContent
    message_id: str
    row_index: int
    crawl_date: date

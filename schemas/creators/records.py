"""The stored shape of creators, campaigns and products, and of their crawl history; names follow the SQL columns."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from schemas.audit import Audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Creator(Audit):
    """A creator as last observed; percentages are numbers of percent.

    Of the inherited columns `creator_id` is the operator. `has_username` and its like tell what the page said from what
    only stands in for it. `connected` and `replied` tell what the creator's chat has shown so far: any message at all,
    and any from the creator's side.
    """

    id: str
    platform: str
    platform_creator_id: str
    platform_creator_display_name: str
    platform_creator_username: str
    observed_at: datetime
    email: str | None = None
    whatsapp: str | None = None
    introduction: str | None = None
    region: str | None = None
    currency: str | None = None
    categories: str | None = None
    chat_url: str | None = None
    search_keywords: str | None = None
    brand_name: str | None = None
    followers: int | None = None
    top_brands: str | None = None
    sales_revenue: Decimal | None = None
    sales_units_sold: int | None = None
    sales_gpm: Decimal | None = None
    sales_revenue_per_buyer: Decimal | None = None
    gmv_per_sales_channel: str | None = None
    gmv_by_product_category: str | None = None
    avg_commission_rate: Decimal | None = None
    collab_products: int | None = None
    partnered_brands: int | None = None
    product_price: str | None = None
    video_gpm: Decimal | None = None
    videos: int | None = None
    avg_video_views: int | None = None
    avg_video_engagement_rate: Decimal | None = None
    avg_video_likes: int | None = None
    avg_video_comments: int | None = None
    avg_video_shares: int | None = None
    live_gpm: Decimal | None = None
    live_streams: int | None = None
    avg_live_views: int | None = None
    avg_live_engagement_rate: Decimal | None = None
    avg_live_likes: int | None = None
    avg_live_comments: int | None = None
    avg_live_shares: int | None = None
    followers_male: Decimal | None = None
    followers_female: Decimal | None = None
    followers_18_24: Decimal | None = None
    followers_25_34: Decimal | None = None
    followers_35_44: Decimal | None = None
    followers_45_54: Decimal | None = None
    followers_55_more: Decimal | None = None
    has_username: bool = False
    has_display_name: bool = False
    has_currency: bool = False
    connected: bool = False
    replied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorCrawlLog:
    """One row of one crawl, as it was seen; append-only.

    `message_id` and `row_index` say where it came from, `source` and `options` are the crawl's own. `extra` holds what
    there is no field for, and what could not be read. `connect`, `reply` and `send` are what it said of the chat.
    """

    id: str
    creator: Creator
    message_id: str
    row_index: int
    crawl_date: date
    source: str
    options: dict[str, Any] | None
    extra: dict[str, Any] | None
    task_id: str | None
    connect: bool | None
    reply: bool | None
    send: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign(Audit):
    """A campaign of a shop as last observed; `shop_key` is the shop's id, or "" where it is not known."""

    id: str
    platform: str
    platform_campaign_id: str
    shop_key: str
    region: str
    observed_at: datetime
    has_region: bool = False
    platform_campaign_name: str | None = None
    status: str | None = None
    registration_period: list[str] | None = None
    campaign_period: list[str] | None = None
    pending_product_count: int | None = None
    approved_product_count: int | None = None
    date_registered: datetime | None = None
    commission_rate: str | None = None
    platform_shop_name: str | None = None
    platform_shop_phone: str | None = None
    platform_shop_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Audit):
    """A product of a campaign as last observed."""

    id: str
    region: str
    platform: str
    platform_campaign_id: str
    platform_product_id: str
    observed_at: datetime
    has_region: bool = False
    platform_shop_name: str | None = None
    platform_shop_phone: str | None = None
    platform_shop_id: str | None = None
    thumbnail: str | None = None
    product_name: str | None = None
    product_rating: Decimal | None = None
    reviews_count: int | None = None
    product_sku: str | None = None
    stock: int | None = None
    available_sample_count: int | None = None
    item_sold: int | None = None
    sale_price_min: Decimal | None = None
    sale_price_max: Decimal | None = None

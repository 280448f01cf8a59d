"""How each field of a sample row is spelled and read."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from schemas.readers import Decimals, as_is, claim, count, moment, region, snapshot, text, title


class Part(IntEnum):
    """What a field of a row is about; also its place in a list of one dictionary a part."""

    SAMPLE = 0  # a column of the sample, where absence keeps and null clears
    PROMOTION = 1  # a published content or its metrics
    OTHER = 2  # read to understand the row
    UNUSED = 3  # known, and not stored
    UNKNOWN = 4  # kept with the crawl log


class Field(NamedTuple):
    """Where a value belongs and how it is read; `read` raises ValueError with what is wrong."""

    part: Part
    name: str
    read: Callable[[Any], Any]


_FIELDS = (
    Field(Part.OTHER, "platform_product_id", text(64)),
    Field(Part.OTHER, "region", region),
    Field(Part.OTHER, "creator_id", text(255)),
    Field(Part.OTHER, "creator_name", text(64)),
    Field(Part.OTHER, "creator_username", text(255)),
    Field(Part.OTHER, "logistics_snapshot", snapshot),
    Field(Part.OTHER, "extracted_time", moment),
    Field(Part.SAMPLE, "platform_campaign_id", text(64)),
    # A TEXT column holds 65,535 bytes, and a character takes up to four of them.
    Field(Part.SAMPLE, "platform_campaign_name", text(16_383)),
    Field(Part.SAMPLE, "product_name", title(512)),
    Field(Part.SAMPLE, "product_sku", text(64)),
    Field(Part.SAMPLE, "status", text(32)),
    Field(Part.SAMPLE, "request_time_remaining", text(255)),
    Field(Part.SAMPLE, "stock", count),
    Field(Part.SAMPLE, "available_sample_count", count),
    Field(Part.SAMPLE, "is_uncooperative", claim),
    Field(Part.SAMPLE, "is_unapprovable", claim),
    Field(Part.SAMPLE, "is_showcase", claim),
    Field(Part.SAMPLE, "platform_creator_display_name", text(64)),
    Field(Part.SAMPLE, "platform_creator_username", text(255)),
    Field(Part.SAMPLE, "platform_creator_id", text(32)),
    Field(Part.SAMPLE, "post_rate", Decimals(10, 4).rounded),
    Field(Part.SAMPLE, "ad_code", as_is),
    Field(Part.PROMOTION, "type", text(32)),
    Field(Part.PROMOTION, "type_number", text(64)),
    Field(Part.PROMOTION, "promotion_name", text(255)),
    Field(Part.PROMOTION, "promotion_time", text(255)),
    Field(Part.PROMOTION, "promotion_view_count", count),
    Field(Part.PROMOTION, "promotion_like_count", count),
    Field(Part.PROMOTION, "promotion_comment_count", count),
    Field(Part.PROMOTION, "promotion_order_count", count),
    Field(Part.PROMOTION, "promotion_order_total_amount", Decimals(10, 2).exact),
    Field(Part.UNUSED, "content_summary", as_is),
    Field(Part.UNUSED, "actions", as_is),
    Field(Part.UNUSED, "action_details", as_is),
    Field(Part.UNUSED, "creator_url", as_is),
)

#: Both spellings of every known field.
FIELDS = {spelling: field for field in _FIELDS for spelling in (field.name, to_camel(field.name))}

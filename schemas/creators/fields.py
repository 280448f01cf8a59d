"""How each field of a row about a creator, a campaign or a product is spelled and read."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from schemas.numbers import number
from schemas.readers import Decimals, claim, count, moment, prose, region, text

#: Characters of a text that is worth remembering; no number is longer.
_REMEMBERED = 64


def _remembered(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Remember what texts were read as: pages write the same few thousand numbers over and over."""
    of_text = lru_cache(maxsize=16_384)(read)

    def reading(value: Any) -> Any:
        return of_text(value) if type(value) is str and len(value) <= _REMEMBERED else read(value)

    return reading


#: Amounts in currencies that count in millions, and shares as numbers of percent; as wide as their columns.
_money = _remembered(Decimals(18, 2).rounded)
_rate = _remembered(Decimals(12, 4).rounded)
_count = _remembered(count)


class Kind(IntEnum):
    """What is made of a field that cannot be read."""

    KEY = 0  # the row is refused
    FACT = 1  # the fact is left out, and kept as it came beside the row


class Field(NamedTuple):
    """The column that a value belongs to and how it is read; `read` raises ValueError with what is wrong."""

    name: str
    read: Callable[[Any], Any]
    kind: Kind = Kind.FACT


def _day(value: Any) -> date | None:
    """Read "2026-01-12" or "2026/01/12"; None for anything else, which the server's date stands in for."""
    try:
        return date.fromisoformat(str(value).strip()[:10].replace("/", "-"))
    except ValueError:
        return None


def _flag(value: Any) -> bool | None:
    return value if value is None or isinstance(value, bool) else claim(value)


def _period(value: Any) -> list[str] | None:
    """Read a period as the list of its texts, however it is written."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [str(each).strip() for each in value if each is not None and str(each).strip()] or None
    return [str(value).strip()] if str(value).strip() else None


def _commission(value: Any) -> str | None:
    """Read "12%" as "0.12"; anything else stays as it is written."""
    written = prose(64)(value)
    if written is None or not written.endswith("%"):
        return written
    read = number(written)
    return None if read is None else f"{(read / 100).normalize():f}"


def _address(limit: int) -> Callable[[Any], str | None]:
    """Read an address: one that is too long is none, as a part of it leads nowhere."""
    return text(limit)


def _spelled(fields: Iterable[Field], others: Mapping[str, Field] | None = None) -> dict[str, Field]:
    """Return both spellings of every field, and the other names that it goes by."""
    known = {spelling: field for field in fields for spelling in (field.name, to_camel(field.name))}
    aliases = {spelling: field for name, field in (others or {}).items() for spelling in (name, to_camel(name))}
    return {**aliases, **known}


def _named(readers: Mapping[str, Callable[[Any], Any]], kind: Kind = Kind.FACT) -> list[Field]:
    return [Field(name, read, kind) for name, read in readers.items()]


_COUNTS = (
    "followers",
    "sales_units_sold",
    "collab_products",
    "partnered_brands",
    "videos",
    "avg_video_views",
    "avg_video_likes",
    "avg_video_comments",
    "avg_video_shares",
    "live_streams",
    "avg_live_views",
    "avg_live_likes",
    "avg_live_comments",
    "avg_live_shares",
)
_AMOUNTS = ("sales_revenue", "sales_gpm", "sales_revenue_per_buyer", "video_gpm", "live_gpm")
_RATES = (
    "avg_commission_rate",
    "avg_video_engagement_rate",
    "avg_live_engagement_rate",
    "followers_male",
    "followers_female",
    "followers_18_24",
    "followers_25_34",
    "followers_35_44",
    "followers_45_54",
    "followers_55_more",
)
_TEXTS = {
    "email": text(255),
    "whatsapp": text(64),
    "introduction": prose(16_000),
    "region": region,
    "currency": text(32),
    "categories": prose(512),
    "chat_url": _address(1024),
    "search_keywords": prose(255),
    "brand_name": prose(255),
    "top_brands": prose(1024),
    "gmv_per_sales_channel": prose(512),
    "gmv_by_product_category": prose(512),
    "product_price": prose(255),
}

#: The columns that tell facts of a creator, in no order.
CREATOR_FACTS = (*_TEXTS, *_COUNTS, *_AMOUNTS, *_RATES)

_SHARES = {f"followers{ages}": f"followers_{ages[:2]}_{ages[2:]}" for ages in ("1824", "2534", "3544", "4554")}
_SHARES["followers55More"] = "followers_55_more"

CREATOR = _spelled(
    [
        *_named({"platform": text(16), "platform_creator_id": text(64), "creator_id": text(64)}, Kind.KEY),
        *_named(
            {
                "platform_creator_username": text(255),
                "creator_username": text(255),
                "platform_creator_display_name": prose(255),
                "creator_name": prose(255),
                **_TEXTS,
                **dict.fromkeys(_COUNTS, _count),
                **dict.fromkeys(_AMOUNTS, _money),
                **dict.fromkeys(_RATES, _rate),
                "crawl_date": _day,
                "extracted_time": moment,
                "connect": _flag,
                "reply": _flag,
                "send": _flag,
                "skip_creator_upsert": _flag,
            }
        ),
    ],
    {
        "intro": Field("introduction", _TEXTS["introduction"]),
        "creator_chaturl": Field("chat_url", _TEXTS["chat_url"]),
        "creator_chat_url": Field("chat_url", _TEXTS["chat_url"]),
        "send_time": Field("", lambda _: None),
        **{spelling: Field(name, _rate) for spelling, name in _SHARES.items()},
    },
)

_SHOP = {
    "platform_shop_id": text(64),
    "platform_shop_name": prose(255),
    "platform_shop_phone": text(64),
}
_SHOP_ALIASES = {
    "shop_code": Field("platform_shop_id", _SHOP["platform_shop_id"]),
    "shop_id": Field("platform_shop_id", _SHOP["platform_shop_id"]),
    "shop_name": Field("platform_shop_name", _SHOP["platform_shop_name"]),
    "shop_phone": Field("platform_shop_phone", _SHOP["platform_shop_phone"]),
}
_CAMPAIGN_ID = Field("platform_campaign_id", text(64), Kind.KEY)
_PRODUCT_ID = Field("platform_product_id", text(64), Kind.KEY)


def _first_whole(value: Any) -> int | None:
    """Read the first whole number of a text, however it goes on: "3 pending", "18/20"."""
    if isinstance(value, str) and (found := re.search(r"\d[\d.,\s]*\d|\d", value)):
        return count(found[0])
    return count(value)


def _registered(value: Any) -> datetime | None:
    """Read a day or a moment, with whatever between its parts."""
    written = str(value).strip().replace("/", "-")
    found = moment(written)
    if found is None and written:
        raise ValueError("is no moment that can be read")
    return found


_CAMPAIGN_FACTS = {
    "platform_campaign_name": prose(512),
    "status": prose(64),
    "registration_period": _period,
    "campaign_period": _period,
    "pending_product_count": _first_whole,
    "approved_product_count": _first_whole,
    "date_registered": _registered,
    "commission_rate": _commission,
    **_SHOP,
}

CAMPAIGN = _spelled(
    [
        _CAMPAIGN_ID,
        *_named({"platform": text(16), "region": region}, Kind.KEY),
        *_named({**_CAMPAIGN_FACTS, "extracted_time": moment}),
    ],
    {
        "campaign_id": _CAMPAIGN_ID,
        "campaign_name": Field("platform_campaign_name", _CAMPAIGN_FACTS["platform_campaign_name"]),
        "commission": Field("commission_rate", _commission),
        "registration_date": Field("date_registered", _CAMPAIGN_FACTS["date_registered"]),
        **_SHOP_ALIASES,
    },
)

_PRODUCT_FACTS: dict[str, Callable[[Any], Any]] = {
    "thumbnail": _address(1024),
    "product_name": prose(1024),
    "product_rating": Decimals(4, 2).rounded,
    "reviews_count": count,
    "product_sku": text(255),
    "stock": count,
    "available_sample_count": count,
    "item_sold": count,
    "sale_price_min": _money,
    "sale_price_max": _money,
    **_SHOP,
}

PRODUCT = _spelled(
    [
        _CAMPAIGN_ID,
        _PRODUCT_ID,
        *_named({"platform": text(16), "region": region}, Kind.KEY),
        *_named({**_PRODUCT_FACTS, "extracted_time": moment}),
    ],
    {
        "campaign_id": _CAMPAIGN_ID,
        "product_id": _PRODUCT_ID,
        "image_link": Field("thumbnail", _PRODUCT_FACTS["thumbnail"]),
        "items_sold": Field("item_sold", count),
        "rating": Field("product_rating", _PRODUCT_FACTS["product_rating"]),
        "reviews": Field("reviews_count", count),
        "name": Field("product_name", _PRODUCT_FACTS["product_name"]),
        "available_samples": Field("available_sample_count", count),
        **_SHOP_ALIASES,
    },
)

CAMPAIGN_FACTS = tuple(_CAMPAIGN_FACTS)
PRODUCT_FACTS = tuple(_PRODUCT_FACTS)

"""A creator's page as a row of `creators.ingest`; a section that did not come leaves its fields out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crawlers.rows.reading import identity, part, text, without_nothing

#: Where each field of a row is: section, object within it, name.
_FIELDS: Mapping[str, tuple[str, str, str]] = {
    "region": ("basic", "", "region"),
    "currency": ("basic", "", "currency"),
    "intro": ("basic", "", "bio"),
    "followers": ("basic", "", "followers"),
    "salesRevenue": ("sales", "", "gmv"),
    "salesUnitsSold": ("sales", "", "items_sold"),
    "salesGpm": ("sales", "", "gpm"),
    "salesRevenuePerBuyer": ("sales", "", "gmv_per_buyer"),
    "gmvPerSalesChannel": ("sales", "", "gmv_per_sales_channel"),
    "gmvByProductCategory": ("sales", "", "gmv_by_product_category"),
    "avgCommissionRate": ("sales", "", "avg_commission_rate"),
    "collabProducts": ("sales", "", "collab_products"),
    "partneredBrands": ("sales", "", "partnered_brands"),
    "productPrice": ("sales", "", "product_price"),
    "videoGpm": ("content", "video", "gpm"),
    "videos": ("content", "video", "count"),
    "avgVideoViews": ("content", "video", "views"),
    "avgVideoEngagementRate": ("content", "video", "engagement_rate"),
    "avgVideoLikes": ("content", "video", "likes"),
    "avgVideoComments": ("content", "video", "comments"),
    "avgVideoShares": ("content", "video", "shares"),
    "liveGpm": ("content", "live", "gpm"),
    "liveStreams": ("content", "live", "count"),
    "avgLiveViews": ("content", "live", "views"),
    "avgLiveEngagementRate": ("content", "live", "engagement_rate"),
    "avgLiveLikes": ("content", "live", "likes"),
    "avgLiveComments": ("content", "live", "comments"),
    "avgLiveShares": ("content", "live", "shares"),
    "followersMale": ("audience", "", "male"),
    "followersFemale": ("audience", "", "female"),
    "followers1824": ("audience", "ages", "18-24"),
    "followers2534": ("audience", "ages", "25-34"),
    "followers3544": ("audience", "ages", "35-44"),
    "followers4554": ("audience", "ages", "45-54"),
    "followers55More": ("audience", "ages", "55+"),
    "email": ("contact", "", "email"),
    "whatsapp": ("contact", "", "whatsapp"),
}
#: A page of which fewer figures than this were read has not come, whatever it showed.
_FEWEST = 2
_SIGNALS = frozenset(_FIELDS) - {"region", "currency", "intro", "email", "whatsapp"}


def creator_id(found: Mapping[str, Any]) -> str | None:
    """Return whom the search has found."""
    return identity(found.get("creator_id") or found.get("creator_oecuid"))


def creator_row(
    found: Mapping[str, Any], profile: Mapping[str, Mapping[str, Any]], region: str, chat_url: str, seen_at: datetime
) -> dict[str, Any]:
    """Return a creator as the search and the creator's page told of one."""
    basic = part(profile, "basic")
    row: dict[str, Any] = {
        "platform": "tiktok",
        "platformCreatorId": creator_id(found),
        "platformCreatorUsername": (text(basic.get("handle") or found.get("handle")) or "").removeprefix("@") or None,
        "platformCreatorDisplayName": text(basic.get("nickname") or found.get("nickname")),
        "creatorChaturl": chat_url,
        "categories": _joined(basic.get("categories") or found.get("categories")),
        "topBrands": _joined(part(profile, "sales").get("top_brands")),
        "crawlDate": seen_at.date().isoformat(),
        "extractedTime": seen_at.isoformat(timespec="milliseconds"),
    }
    for field, (section, within, name) in _FIELDS.items():
        told = part(profile, section)
        value = (part(told, within) if within else told).get(name)
        row[field] = value if isinstance(value, int | float) else text(value)
    row["region"] = row["region"] or region
    return without_nothing(row)


def is_complete(row: Mapping[str, Any]) -> bool:
    """Tell whether enough of a creator's page was read to call it read."""
    return sum(1 for name in _SIGNALS if name in row) >= _FEWEST


def _joined(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(found for each in value if (found := text(each))) or None
    return text(value)

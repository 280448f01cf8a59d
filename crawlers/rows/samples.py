"""Sample requests as rows of `samples.ingest`: one a request, or one for each content that was published for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from crawlers.rows.reading import first_number, identity, part, remaining, text, without_nothing
from schemas.crawl.tabs import Tab


class Unreadable(ValueError):
    """A record lacks what a row cannot be without."""


class DrawerFailed(Unreadable):
    """What was published for a request, or how it was shipped, does not come; its record is well."""


def apply_id(record: Mapping[str, Any]) -> str:
    """Return the site's own id of a sample request; nothing where it tells none."""
    return text(record.get("apply_id") or record.get("id")) or ""


def campaign_id(record: Mapping[str, Any]) -> str | None:
    """Return the campaign that a request belongs to."""
    return identity(part(record, "campaign_info").get("campaign_id"))


def marks(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return what the request's row in the table shows of it: the product's id and the creator's username."""
    return (
        text(part(record, "product_info").get("product_id")) or "",
        text(part(record, "creator_info").get("user_name")) or "",
    )


def sample_row(record: Mapping[str, Any], tab: Tab, region: str, extracted_at: datetime) -> dict[str, Any]:
    """Return a request as a row; raises Unreadable where it lacks what every request has."""
    product, creator = part(record, "product_info"), part(record, "creator_info")
    campaign = part(record, "campaign_info")
    username = (text(creator.get("user_name")) or "").removeprefix("@") or None
    row = {
        "region": region,
        "platformProductId": identity(product.get("product_id")),
        "productName": text(product.get("product_name")),
        "platformCampaignId": identity(campaign.get("campaign_id")),
        "platformCampaignName": text(campaign.get("name")),
        "productSku": text(product.get("sku_info")),
        "stock": product.get("stock"),
        "availableSampleCount": product.get("sample_quota"),
        "status": tab.label,
        "requestTimeRemaining": remaining(record.get("order_expired_time")),
        "platformCreatorId": identity(creator.get("oec_id")) or identity(creator.get("id")),
        "platformCreatorUsername": username,
        "platformCreatorDisplayName": username,
        "postRate": first_number(creator.get("post_rate")),
        "isShowcase": _flag(record.get("is_product_in_showcase")),
        "extractedTime": extracted_at.isoformat(timespec="milliseconds"),
    }
    if not row["platformProductId"] or not (row["platformCreatorId"] or username):
        raise Unreadable("a sample request names no product, or no creator")
    return without_nothing(row)


def with_contents(
    row: dict[str, Any], contents: Sequence[Mapping[str, Any]], logistics: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return a row for each content, or the row alone; how it was shipped is told with the first."""
    rows = [{**row, **_promotion(content)} for content in contents] or [dict(row)]
    if logistics:
        rows[0]["logisticsSnapshot"] = snapshot(logistics)
    return rows


def snapshot(logistics: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a sample was shipped, in the four parts that the mesh keeps."""
    raw = " ".join((text(logistics.get("raw_text")) or "").split())
    return {
        "basic_info": [_trimmed(pair, ("label", "value")) for pair in _listed(logistics, "basic_info")],
        "timeline": [
            _trimmed(event, ("title", "time", "status", "description")) for event in _listed(logistics, "timeline")
        ],
        "table_rows": logistics.get("table_rows") if isinstance(logistics.get("table_rows"), list) else [],
        "raw_text": raw,
    }


def _promotion(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": content.get("type"),
        "typeNumber": text(content.get("of_type")),
        "promotionName": text(content.get("name")),
        "promotionTime": text(content.get("time")),
        "promotionViewCount": content.get("views", 0),
        "promotionLikeCount": content.get("likes", 0),
        "promotionCommentCount": content.get("comments", 0),
        "promotionOrderCount": content.get("orders", 0),
        "promotionOrderTotalAmount": first_number(content.get("earnings")) or "0",
    }


def _listed(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = record.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _trimmed(record: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    return {name: " ".join((text(record.get(name)) or "").split()) for name in names}


def _flag(value: Any) -> int | None:
    return None if value is None else int(str(value).strip().lower() in {"1", "true", "yes"})

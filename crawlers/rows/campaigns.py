"""Campaigns and products as rows of `creators.campaigns.ingest` and `creators.products.ingest`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from crawlers.rows.reading import identity, text, without_nothing


def campaign_id(campaign: Mapping[str, Any]) -> str | None:
    """Return a campaign's id."""
    return identity(campaign.get("campaign_id"))


def campaign_rows(
    campaign: Mapping[str, Any], products: Sequence[Mapping[str, Any]], region: str, seen_at: datetime
) -> list[dict[str, Any]]:
    """Return a campaign as one row for each shop that takes part in it, or one without a shop."""
    row = _campaign(campaign, region, seen_at)
    shops = {identity(product.get("shop_code")): product for product in reversed(products)}
    return [without_nothing({**row, **_shop(product), **_terms(product)}) for product in shops.values()] or [
        without_nothing(row)
    ]


def product_row(product: Mapping[str, Any], campaign: str, region: str, seen_at: datetime) -> dict[str, Any]:
    """Return an approved product as a row."""
    low, high = price_range(text(product.get("price_range")))
    row = {
        "platform": "tiktok",
        "region": region,
        "platformCampaignId": campaign,
        "platformProductId": identity(product.get("product_id")),
        **_shop(product),
        "thumbnail": text(product.get("thumbnail")),
        "productName": text(product.get("product_name")),
        "productRating": product.get("rating"),
        "reviewsCount": product.get("reviews"),
        "productSku": text(product.get("sku")),
        "stock": product.get("stock"),
        "availableSampleCount": product.get("available_samples"),
        "itemSold": product.get("items_sold"),
        "salePriceMin": low,
        "salePriceMax": high,
        "extractedTime": seen_at.isoformat(timespec="milliseconds"),
    }
    return without_nothing(row)


def table_row(
    campaign: Mapping[str, Any], product: Mapping[str, Any], region: str, seen_at: datetime
) -> dict[str, Any]:
    """Return an approved product with its own terms and its campaign, as a table shows it."""
    own = product_row(product, campaign_id(campaign) or "", region, seen_at)
    return without_nothing({**_campaign(campaign, region, seen_at), **own, **_terms(product)})


def price_range(told: str | None) -> tuple[str | None, str | None]:
    """Read "$1,299.00 - $1,599.00", whose commas part thousands; one price is both ends."""
    if not told:
        return None, None
    low, _, high = told.replace("\u2013", "-").partition(" - ")
    return low.strip() or None, (high or low).strip() or None


def _campaign(campaign: Mapping[str, Any], region: str, seen_at: datetime) -> dict[str, Any]:
    return {
        "platform": "tiktok",
        "region": region,
        "platformCampaignId": campaign_id(campaign),
        "platformCampaignName": text(campaign.get("name")),
        "status": text(campaign.get("status")),
        "registrationPeriod": campaign.get("registration_period"),
        "campaignPeriod": campaign.get("campaign_period"),
        "pendingProductCount": campaign.get("pending_count"),
        "approvedProductCount": campaign.get("approved_count"),
        "extractedTime": seen_at.isoformat(timespec="milliseconds"),
    }


def _shop(product: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "platformShopId": text(product.get("shop_code")),
        "platformShopName": text(product.get("shop_name")),
        "platformShopPhone": text(product.get("shop_phone")),
    }


def _terms(product: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "dateRegistered": text(product.get("registered")),
        "commissionRate": (text(product.get("commission_rate")) or "").partition("\n")[0] or None,
    }

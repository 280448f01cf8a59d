"""Campaigns and products as a page shows them."""

from datetime import datetime

from handlers.creators.identities import campaign_id, product_id
from handlers.creators.reading import Reading, SeenRow, audit
from schemas.creators.messages import IngestCampaigns, IngestProducts
from schemas.creators.records import Campaign, Product


def campaign_of(reading: Reading[IngestCampaigns], seen: SeenRow, now: datetime) -> Campaign:
    """Return the campaign that a row shows; one of two shops is two."""
    columns = seen.row.columns
    shop_key = columns.get("platform_shop_id") or ""
    return Campaign(
        id=campaign_id(columns["platform_campaign_id"], shop_key),
        shop_key=shop_key,
        observed_at=seen.observed_at,
        **columns,
        **audit(reading, now),
    )


def product_of(reading: Reading[IngestProducts], seen: SeenRow, now: datetime) -> Product:
    """Return the product that a row shows."""
    columns = seen.row.columns
    return Product(
        id=product_id(columns["platform_campaign_id"], columns["platform_product_id"]),
        observed_at=seen.observed_at,
        **columns,
        **audit(reading, now),
    )

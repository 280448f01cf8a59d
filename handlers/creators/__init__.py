"""Creators, campaigns and products: what crawlers saw is stored and remembered."""

from brokers import topology
from brokers.delivery import Delivery
from brokers.router import Router
from brokers.verdict import Reject
from schemas.creators.messages import IngestCampaigns, IngestCreators, IngestProducts, TellCreatorHistory

router = Router()


@router.consume(topology.CREATORS_INGEST)
async def ingest_creators(batch: list[Delivery[IngestCreators]]) -> None:
    """Store creators. Safe to repeat."""
    raise Reject("not yet")


@router.consume(topology.CREATORS_CAMPAIGNS_INGEST)
async def ingest_campaigns(batch: list[Delivery[IngestCampaigns]]) -> None:
    """Store campaigns. Safe to repeat."""
    raise Reject("not yet")


@router.consume(topology.CREATORS_PRODUCTS_INGEST)
async def ingest_products(batch: list[Delivery[IngestProducts]]) -> None:
    """Store products. Safe to repeat."""
    raise Reject("not yet")


@router.consume(topology.CREATORS_HISTORY_TELL)
async def tell_creator_history(delivery: Delivery[TellCreatorHistory]) -> None:
    """Tell history. Safe to repeat."""
    raise Reject("not yet")

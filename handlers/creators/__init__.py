"""Creators, campaigns and products: what crawlers saw is stored and remembered."""

from handlers.creators import handler, history
from handlers.creators.handler import ingest_campaigns, ingest_creators, ingest_products
from handlers.creators.history import tell_creator_history

ROUTERS = (handler.router, history.router)

__all__ = ["ROUTERS", "ingest_campaigns", "ingest_creators", "ingest_products", "tell_creator_history"]

"""The tables, as SQLAlchemy Core sees them; importing this package knows them all."""

from persistence.tables.chatbot import chatbot_creator_days, chatbot_deliveries, sample_chatbot_schedules
from persistence.tables.inbox import inbox
from persistence.tables.metadata import metadata
from persistence.tables.outbox import outbox
from persistence.tables.relay import (
    ad_analytics_platforms,
    admin_audit,
    deliveries,
    destinations,
    event_attempts,
    event_mappings,
    marketing_events,
    platform_credentials,
    storefront_sgtm_config,
    storefronts,
)
from persistence.tables.samples import sample_content_crawl_logs, sample_contents, sample_crawl_logs, samples

__all__ = [
    "ad_analytics_platforms",
    "admin_audit",
    "chatbot_creator_days",
    "chatbot_deliveries",
    "deliveries",
    "destinations",
    "event_attempts",
    "event_mappings",
    "inbox",
    "marketing_events",
    "metadata",
    "outbox",
    "platform_credentials",
    "sample_chatbot_schedules",
    "sample_content_crawl_logs",
    "sample_contents",
    "sample_crawl_logs",
    "samples",
    "storefront_sgtm_config",
    "storefronts",
]

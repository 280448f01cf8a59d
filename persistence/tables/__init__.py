"""The tables, as SQLAlchemy Core sees them; importing this package knows them all."""

from persistence.tables.chatbot import chatbot_creator_days, chatbot_deliveries, sample_chatbot_schedules
from persistence.tables.creators import campaigns, creator_crawl_logs, creators, products
from persistence.tables.inbox import inbox
from persistence.tables.metadata import metadata
from persistence.tables.outbox import outbox
from persistence.tables.outreach import outreach_contacts, outreach_tasks
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
from persistence.tables.replies import messages, oauth_tokens, replies, threads, users, webhook_events
from persistence.tables.samples import sample_content_crawl_logs, sample_contents, sample_crawl_logs, samples
from persistence.tables.stock import (
    inventory,
    order_items,
    order_status_history,
    orders,
    reservations,
    waiting_list,
)

__all__ = [
    "ad_analytics_platforms",
    "admin_audit",
    "campaigns",
    "chatbot_creator_days",
    "chatbot_deliveries",
    "creator_crawl_logs",
    "creators",
    "deliveries",
    "destinations",
    "event_attempts",
    "event_mappings",
    "inbox",
    "inventory",
    "marketing_events",
    "messages",
    "metadata",
    "oauth_tokens",
    "order_items",
    "order_status_history",
    "orders",
    "outbox",
    "outreach_contacts",
    "outreach_tasks",
    "platform_credentials",
    "products",
    "replies",
    "reservations",
    "sample_chatbot_schedules",
    "sample_content_crawl_logs",
    "sample_contents",
    "sample_crawl_logs",
    "samples",
    "storefront_sgtm_config",
    "storefronts",
    "threads",
    "users",
    "waiting_list",
    "webhook_events",
]

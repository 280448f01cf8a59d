"""The tables, as SQLAlchemy Core sees them; importing this package knows them all."""

from persistence.tables.chatbot import chatbot_creator_days, chatbot_deliveries, sample_chatbot_schedules
from persistence.tables.inbox import inbox
from persistence.tables.metadata import metadata
from persistence.tables.outbox import outbox
from persistence.tables.samples import sample_content_crawl_logs, sample_contents, sample_crawl_logs, samples

__all__ = [
    "chatbot_creator_days",
    "chatbot_deliveries",
    "inbox",
    "metadata",
    "outbox",
    "sample_chatbot_schedules",
    "sample_content_crawl_logs",
    "sample_contents",
    "sample_crawl_logs",
    "samples",
]

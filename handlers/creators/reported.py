"""Contacts that others made: rows that say a creator was written to for a task."""

from collections.abc import Iterator
from datetime import datetime

from handlers.creators.reading import Reading
from schemas.creators.messages import IngestCreators
from schemas.identity import contact_id
from schemas.outreach.records import Contact, ContactState, username_key


def reported(reading: Reading[IngestCreators], now: datetime) -> Iterator[Contact]:
    """Yield a sent contact for each creator whom the crawl of a task says to have written to.

    A crawl that only saw a creator is no contact.
    """
    message = reading.delivery.message
    task_id = message.task_id
    if task_id is None:
        return
    for seen in reading.rows:
        told = seen.row.columns.get
        if told("send") is True:
            creator_id: str = seen.row.columns["platform_creator_id"]
            yield Contact(
                id=contact_id(task_id, creator_id),
                task_id=task_id,
                platform=seen.row.columns["platform"],
                platform_creator_id=creator_id,
                state=ContactState.SENT,
                reason=f"reported by {message.source}",
                created_at=now,
                updated_at=now,
                username_key=username_key(told("platform_creator_username")) if told("has_username") else None,
                platform_creator_display_name=told("platform_creator_display_name"),
                region=told("region"),
                brand=told("brand_name") or message.brand_name,
                connected=True,
                replied=told("reply") is True,
                sent_at=seen.observed_at,
            )

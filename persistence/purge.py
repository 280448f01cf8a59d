"""Deletes rows that have outlived their use, a bounded number at a time."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, select

from persistence.replies.retention import delete_customers, delete_messages, delete_notifications, delete_replies
from persistence.session import Session, chunks
from persistence.tables import (
    chatbot_creator_days,
    chatbot_deliveries,
    creator_crawl_logs,
    deliveries,
    event_attempts,
    inbox,
    marketing_events,
    sample_content_crawl_logs,
    sample_crawl_logs,
)
from schemas.chatbot.records import DeliveryState
from schemas.relay.records import EventStatus

#: Events of which nothing more is to come by itself; one that is held waits for as long as it takes an operator.
ENDED: Final = (
    EventStatus.DELIVERED,
    EventStatus.FAILED,
    EventStatus.CANCELLED,
    EventStatus.DUPLICATE,
    EventStatus.CONFLICT,
)
SETTLED: Final = (DeliveryState.SENT, DeliveryState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What is old enough to go; `limit` bounds the rows deleted from each table, so that locks are held briefly."""

    now: datetime
    crawl_logs_before: date
    deliveries_before: datetime
    events_before: datetime
    replies_before: datetime
    limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How many rows were deleted; false once nothing is left to delete."""

    inbox: int
    crawl_logs: int
    content_crawl_logs: int
    creator_crawl_logs: int
    deliveries: int
    creator_days: int
    events: int
    notifications: int
    messages: int
    replies: int
    customers: int

    def __bool__(self) -> bool:
        return any(asdict(self).values())


async def purge(session: Session, retention: Retention) -> Purged:
    """Delete expired inbox marks, and what is old: crawl logs, settled chat deliveries, ended events, conversations."""
    day = retention.crawl_logs_before
    settled_long_ago = chatbot_deliveries.c.state.in_(SETTLED) & (
        chatbot_deliveries.c.updated_at < retention.deliveries_before
    )
    days_long_ago = chatbot_creator_days.c.day < retention.deliveries_before.date()
    limit = retention.limit
    return Purged(
        inbox=await _delete(session, inbox, inbox.c.expires_at <= retention.now, limit),
        crawl_logs=await _delete(session, sample_crawl_logs, sample_crawl_logs.c.crawl_date < day, limit),
        content_crawl_logs=await _delete(
            session, sample_content_crawl_logs, sample_content_crawl_logs.c.crawl_date < day, limit
        ),
        creator_crawl_logs=await _delete(session, creator_crawl_logs, creator_crawl_logs.c.crawl_date < day, limit),
        deliveries=await _delete(session, chatbot_deliveries, settled_long_ago, limit),
        creator_days=await _delete(session, chatbot_creator_days, days_long_ago, limit),
        events=await _delete_events(session, retention),
        notifications=await delete_notifications(session, retention.replies_before, limit),
        messages=await delete_messages(session, retention.replies_before, limit),
        replies=await delete_replies(session, retention.replies_before, limit),
        customers=await delete_customers(session, retention.replies_before, limit),
    )


async def _delete_events(session: Session, retention: Retention) -> int:
    """Delete events that have ended, with their deliveries and attempts; one that still waits stays, however old."""
    events = marketing_events.c
    # Nothing ended before it was written: this is what the index knows.
    is_old = events.created_at < retention.events_before
    is_over = events.status.in_(ENDED) & (events.updated_at < retention.events_before)
    oldest = select(events.id).where(is_old, is_over).order_by(events.created_at, events.id).limit(retention.limit)
    # One that is being replayed is locked, and stays.
    oldest = oldest.with_for_update(skip_locked=True)
    numbers = (await session.execute(oldest)).scalars().all()
    for chunk in chunks(numbers):
        for column in (event_attempts.c.event_id, deliveries.c.event_id, marketing_events.c.id):
            await session.execute(column.table.delete().where(column.in_(chunk)))
    return len(numbers)


async def _delete(session: Session, table: Table, is_old: ColumnElement[bool], limit: int) -> int:
    """Find first, then delete by primary key: neither database has DELETE … LIMIT in a form that the other knows."""
    key = table.primary_key.columns.values()[0]
    keys = (await session.execute(select(key).where(is_old).limit(limit))).scalars().all()
    for chunk in chunks(set(keys)):
        await session.execute(table.delete().where(key.in_(chunk), is_old))
    return len(keys)

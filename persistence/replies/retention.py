"""Deletes what was said long ago and those who said it; what was ordered stays, under the customer's number alone."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Table, exists, func, or_, select

from persistence.session import Session, chunks
from persistence.tables import messages, replies, threads, users, waiting_list, webhook_events


async def delete_notifications(session: Session, before: datetime, limit: int) -> int:
    """Delete notifications that came before a moment; a copy that came now would be taken for a new one."""
    return await _delete_oldest(session, webhook_events, webhook_events.c.received_at, before, limit)


async def delete_messages(session: Session, before: datetime, limit: int) -> int:
    """Delete what was said before a moment."""
    return await _delete_oldest(session, messages, messages.c.created_at, before, limit)


async def delete_replies(session: Session, before: datetime, limit: int) -> int:
    """Delete what the business said, or could not say, before a moment: every window has closed since."""
    return await _delete_oldest(session, replies, replies.c.created_at, before, limit)


async def delete_customers(session: Session, before: datetime, limit: int) -> int:
    """Delete customers who wrote last before a moment, with their conversations and places in line.

    Of one who wants no more messages nothing is left but the number and that wish.
    """
    quiet = users.c.last_interaction_at < before
    is_known = or_(users.c.opted_out_at.is_(None), users.c.username.is_not(None))
    oldest = select(users.c.tiktok_id).where(quiet, is_known).order_by(users.c.last_interaction_at).limit(limit)
    numbers = list((await session.execute(oldest)).scalars())
    for chunk in chunks(numbers):
        await session.execute(waiting_list.delete().where(waiting_list.c.user_id.in_(chunk)))
        is_over = or_(threads.c.last_inbound_at < before, threads.c.last_inbound_at.is_(None))
        await session.execute(threads.delete().where(threads.c.user_id.in_(chunk), is_over))
        # Whoever writes meanwhile is seen by these, which read what others have committed.
        theirs = (users.c.tiktok_id.in_(chunk), quiet)
        await session.execute(users.update().where(*theirs, users.c.opted_out_at.is_not(None)).values(username=None))
        talks = exists().where(threads.c.user_id == users.c.tiktok_id)
        await session.execute(users.delete().where(*theirs, users.c.opted_out_at.is_(None), ~talks))
    return len(numbers)


async def _delete_oldest(session: Session, table: Table, when: Column[Any], before: datetime, limit: int) -> int:
    """Delete rows from the lowest number on, in which order they were written: no index by time is needed.

    The newest row stays, since SQLite would give its number to the next one.
    """
    newest = (await session.execute(select(func.max(table.c.id)))).scalar_one()
    if newest is None:
        return 0
    oldest = select(table.c.id, when.label("at")).where(table.c.id < newest).order_by(table.c.id).limit(limit)
    numbers = [row.id for row in await session.execute(oldest) if row.at < before]
    for chunk in chunks(numbers):
        await session.execute(table.delete().where(table.c.id.in_(chunk)))
    return len(numbers)

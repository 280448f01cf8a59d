"""Contacts that others made: rows that say a creator was written to for a task."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from handlers.creators.reading import Reading
from persistence.uow import Transaction
from schemas.creators.messages import IngestCreators
from schemas.identity import contact_id
from schemas.ingestion import TASK_ID_LENGTH
from schemas.outreach.records import Contact, ContactState, username_key

#: States of a contact that a report of its message changes: for all others a message of ours is, or was, on its way.
_UNSENT = frozenset({ContactState.WAITING, ContactState.SKIPPED, ContactState.FAILED})


def reported(reading: Reading[IngestCreators], now: datetime) -> Iterator[Contact]:
    """Yield a sent contact for each creator whom a crawl says to have written to, for its task or for none of ours.

    A crawl that only saw a creator is no contact.
    """
    message = reading.delivery.message
    task_id = message.task_id or reading.delivery.message_id[:TASK_ID_LENGTH]
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


async def note(tx: Transaction, sent: Sequence[Contact]) -> None:
    """Store contacts that others made; one that its task knows already, and has not written to, becomes sent."""
    await tx.contacts.add(sent)
    for task_id, of_task in groupby(sorted(sent, key=_task_id), key=_task_id):
        told = {each.platform_creator_id: each for each in of_task}
        known = await tx.contacts.find(task_id, told)
        await tx.contacts.save([_sent(each, told[key]) for key, each in known.items() if each.state in _UNSENT])


def _task_id(contact: Contact) -> str:
    return contact.task_id


def _sent(known: Contact, told: Contact) -> Contact:
    return replace(
        known,
        state=ContactState.SENT,
        reason=told.reason,
        connected=True,
        replied=known.replied or told.replied,
        sent_at=told.sent_at,
        updated_at=told.updated_at,
    )

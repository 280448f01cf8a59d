"""Creators as a page shows them: what is to be stored of each row, and who of them is handed to an outreach task."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from handlers.creators.identities import log_id
from handlers.creators.reading import Reading, SeenRow, audit
from schemas.creators.messages import IngestCreators
from schemas.creators.records import Creator, CreatorCrawlLog
from schemas.identity import creator_id
from schemas.outreach.messages import CreatorToContact, DecideContacts

#: Creators handed over in one message: as many as a page of the search has.
AT_ONCE = 100

#: No crawl was made later than tomorrow: its log would never be old enough to go.
DAY = timedelta(days=1)

_NOT_COLUMNS = ("connect", "reply", "send", "crawl_date", "skip_creator_upsert", "")


def crawl_logs(reading: Reading[IngestCreators], now: datetime) -> list[CreatorCrawlLog]:
    """Return one log a row, each with the creator as the row shows them."""
    message = reading.delivery.message
    written = audit(reading, now)
    message_id, today = reading.delivery.message_id, now.date()
    task_id = message.task_id
    return [
        CreatorCrawlLog(
            id=log_id(message_id, today, seen.index),
            creator=_creator(seen, written),
            message_id=message_id,
            row_index=seen.index,
            crawl_date=min(seen.row.columns.get("crawl_date") or today, today + DAY),
            source=message.source,
            options=message.options,
            extra=seen.row.extra,
            task_id=task_id,
            connect=seen.row.columns.get("connect"),
            reply=seen.row.columns.get("reply"),
            send=seen.row.columns.get("send"),
        )
        for seen in reading.rows
    ]


def _creator(seen: SeenRow, written: dict[str, Any]) -> Creator:
    columns = {name: value for name, value in seen.row.columns.items() if name not in _NOT_COLUMNS}
    told = seen.row.columns.get
    replied = told("reply") is True
    return Creator(
        id=creator_id(columns["platform"], columns["platform_creator_id"]),
        observed_at=seen.observed_at,
        connected=told("connect") is True or told("send") is True or replied,
        replied=replied,
        **columns,
        **written,
    )


def to_store(readings: Iterable[Reading[IngestCreators]], logs: Iterable[CreatorCrawlLog]) -> list[Creator]:
    """Return the creators of rows that are not only to be logged."""
    rows = (seen for reading in readings for seen in reading.rows)
    pairs = zip(rows, logs, strict=True)
    return [log.creator for seen, log in pairs if seen.row.columns.get("skip_creator_upsert") is not True]


def handed_over(reading: Reading[IngestCreators]) -> Iterator[DecideContacts]:
    """Yield what hands a page's creators to the task that they were found for, each once.

    Whoever the page itself says was written to is left out.
    """
    message = reading.delivery.message
    if not message.wants_contact:
        return
    account, brand = message.account_name, message.brand_name
    found: dict[str, CreatorToContact] = {}
    for seen in reading.rows:
        told = seen.row.columns.get
        if told("send") is not True:
            creator = CreatorToContact.model_validate(
                {
                    "platformCreatorId": told("platform_creator_id"),
                    "outreachTaskId": message.task_id,
                    "platform": told("platform"),
                    "region": told("region"),
                    "platformCreatorUsername": told("platform_creator_username") if told("has_username") else None,
                    "platformCreatorDisplayName": told("platform_creator_display_name"),
                    "accountName": account,
                    "brandName": told("brand_name") or brand,
                    "operatorId": message.operator_id,
                    "connect": told("connect"),
                    "reply": told("reply"),
                }
            )
            found[creator.platform_creator_id] = creator
    creators = list(found.values())
    for first in range(0, len(creators), AT_ONCE):
        yield DecideContacts.of(creators[first : first + AT_ONCE])

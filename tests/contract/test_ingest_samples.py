"""The consumer of samples on real databases: what fits in memory must fit in SQL."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from brokers.delivery import Delivery
from brokers.verdict import Conflict
from handlers.samples import ingest_samples
from persistence.engine import Database
from persistence.tables import sample_chatbot_schedules as schedules
from persistence.tables import sample_content_crawl_logs, sample_contents, sample_crawl_logs, samples
from persistence.uow import Uow
from schemas.samples.messages import IngestResult, IngestSamples
from tests.build.samples import NOON, delivery, row, video

MINUTE = timedelta(minutes=1)


async def ingest(uow: Uow, *batch: Delivery[IngestSamples]) -> list[IngestResult]:
    """Run the handler as the runtime does: one that lost a race runs again at once."""
    for _ in range(20):
        try:
            return await ingest_samples(list(batch), uow, lambda: NOON)
        except Conflict:
            await asyncio.sleep(random.random() / 50)  # jitter, as the runtime's
    raise AssertionError("lost twenty races in a row")


async def counts(database: Database) -> dict[str, int]:
    tables = (samples, sample_contents, sample_crawl_logs, sample_content_crawl_logs, schedules)
    async with database.uow() as tx:
        return {
            table.name: (await tx._session.execute(select(func.count()).select_from(table))).scalar_one()
            for table in tables
        }


async def stored(database: Database, table: Any) -> Any:
    async with database.uow() as tx:
        return (await tx._session.execute(select(table))).one()


async def test_what_was_stored_is_found_and_merged(database: Database) -> None:
    await ingest(database.uow, delivery(video(adCode=["ABC"], postRate="87.5"), source="crawler", options={"a": [1]}))
    await ingest(database.uow, delivery(row(status="Shipped", isShowcase=1), at=NOON + MINUTE))

    sample = await stored(database, samples)
    assert (sample.status, sample.ad_code, sample.is_showcase, str(sample.post_rate)) == (
        "Shipped",
        ["ABC"],
        True,
        "87.5000",
    )
    assert (await stored(database, schedules)).scenario == "shipped"
    assert await counts(database) == {
        "samples": 1,
        "sample_contents": 1,
        "sample_crawl_logs": 2,
        "sample_content_crawl_logs": 1,
        "sample_chatbot_schedules": 1,
    }


async def test_the_same_page_twenty_times_at_once_is_stored_once(database: Database) -> None:
    page = [video(platformCreatorId=str(index), stock=index) for index in range(20)]

    answers = await asyncio.gather(
        *(ingest(database.uow, delivery(*page, message_id=f"m-{index}")) for index in range(20))
    )

    assert answers == [[IngestResult(inserted=20, products=1)]] * 20
    found = await counts(database)
    assert (found["samples"], found["sample_contents"], found["sample_chatbot_schedules"]) == (20, 20, 20)
    assert found["sample_crawl_logs"] == 400
    async with database.uow() as tx:
        replays = select(func.count()).where(sample_crawl_logs.c.is_replay)
        assert (await tx._session.execute(replays)).scalar_one() == 380


async def test_one_message_delivered_many_times_at_once_is_applied_once(database: Database) -> None:
    await asyncio.gather(*(ingest(database.uow, delivery(video(), message_id="m")) for _ in range(10)))

    assert (await counts(database))["sample_crawl_logs"] == 1


WIDE = {
    "platformProductId": "面" * 64,
    "region": "é" * 32,
    "platformCampaignId": "🧴" * 64,
    "platformCampaignName": "🧴" * 16_383,
    "productName": "ß" * 512,
    "productSku": "🧴" * 64,
    "status": "🧴" * 32,
    "requestTimeRemaining": "🧴" * 255,
    "stock": 2**31 - 1,
    "availableSampleCount": -(2**31),
    "platformCreatorId": "🧴" * 32,
    "platformCreatorUsername": "🧴" * 64,
    "platformCreatorDisplayName": "🧴" * 64,
    "postRate": "999999.99994",
    "type": "🧴" * 32,
    "typeNumber": "🧴" * 64,
    "promotionName": "🧴" * 255,
    "promotionTime": "🧴" * 255,
    "promotionViewCount": 2**31 - 1,
    "promotionOrderTotalAmount": "99999999.994",
}


@pytest.mark.parametrize(
    "fields",
    [
        WIDE,
        {"platformCreatorId": None, "platformCreatorUsername": "İ" * 127, "type": ""},
        {"platformCreatorId": None, "platformCreatorUsername": None, "platformCreatorDisplayName": "José\u0301"},
        {"adCode": "[]", "note": {"deep": [[[[[[[[[[[[[[[[["x"]]]]]]]]]]]]]]]]]}},
        {"adCode": [float("nan"), 2**64, -(2**63) - 1, 1e300, "a\0\ud800"], "n\0": "\ud83e\uddf4", "status": "\udfff"},
        {"logisticsSnapshot": {"timeline": [{"title": "x" * 300}] * 20, "raw_text": "\0"}, "type": "x"},
        {"extractedTime": "9999-12-31T23:59:59Z"},
        {"postRate": "-999999.9999", "promotionOrderTotalAmount": "-1e7", "type": "video"},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_whatever_is_accepted_can_be_stored(database: Database, fields: dict[str, Any]) -> None:
    for minute in range(2):
        (result,) = await ingest(database.uow, delivery(row(**fields), at=NOON + minute * MINUTE))
        assert result.rejected == []

    assert (await counts(database))["samples"] == 1
    assert (await counts(database))["sample_crawl_logs"] == 2


async def test_names_that_differ_in_an_accent_are_two_creators(database: Database) -> None:
    nameless = {"platformCreatorId": None, "platformCreatorUsername": None}
    await ingest(
        database.uow,
        delivery(*(row(platformCreatorDisplayName=name, **nameless) for name in ("José", "Jose", "JOSE"))),
    )

    assert (await counts(database))["samples"] == 3


async def test_ten_thousand_rows_are_stored_in_one_transaction(database: Database) -> None:
    (result,) = await ingest(database.uow, delivery(*(video(platformCreatorId=str(index)) for index in range(10_000))))

    assert result.inserted == 10_000
    assert set((await counts(database)).values()) == {10_000}

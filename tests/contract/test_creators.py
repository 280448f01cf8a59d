"""Creators, campaigns and products on every database: the newest fact wins, and nothing unsaid erases anything."""

import asyncio
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from brokers.delivery import Delivery
from brokers.verdict import Conflict
from handlers.creators import ingest_campaigns, ingest_creators, ingest_products, tell_creator_history
from persistence.engine import Database
from persistence.tables import campaigns, creator_crawl_logs, creators, outreach_contacts, products
from schemas.creators.messages import (
    IngestCampaigns,
    IngestCreators,
    IngestCreatorsResult,
    IngestProducts,
    TellCreatorHistory,
)
from schemas.outreach.messages import DecideContacts
from schemas.outreach.records import ContactState
from tests.build.outreach import NOON, contact, creator, delivered
from tests.build.outreach import creators as page

MINUTE = timedelta(minutes=1)


async def ingest(database: Database, *batch: Delivery[IngestCreators]) -> list[IngestCreatorsResult]:
    """Run the handler as the runtime does: one that lost a race runs again at once."""
    for _ in range(20):
        try:
            return await ingest_creators(list(batch), database.uow, lambda: NOON)
        except Conflict:
            await asyncio.sleep(random.random() / 50)  # jitter, as the runtime's
    raise AssertionError("lost twenty races in a row")


async def stored(database: Database, table: Any) -> Any:
    async with database.uow() as tx:
        return (await tx._session.execute(select(table))).one()


async def count(database: Database, table: Any) -> int:
    async with database.uow() as tx:
        return int((await tx._session.execute(select(func.count()).select_from(table))).scalar_one())


async def said(database: Database) -> list[Any]:
    async with database.uow() as tx:
        rows = await tx.outbox.claim(limit=100, token="t" * 36, lease=MINUTE, now=NOON)
    return [row.message for row in rows]


FULL = {
    "salesRevenue": "$99,999,999,999.99",
    "followers": 2**31 - 1,
    "avgCommissionRate": "12.5%",
    "whatsapp": "+52 55 1234 5678",
    "intro": "🧴" * 16_000,
    "categories": ["🧴" * 600],
}


async def test_a_sparse_row_erases_nothing(database: Database) -> None:
    await ingest(database, delivered(page(creator(**FULL))))
    sparse = {"platformCreatorId": "7341000000000000777", "email": None, "whatsapp": "", "followers": 50_000}
    await ingest(database, delivered(page(sparse), at=NOON + MINUTE))

    row = await stored(database, creators)
    assert (row.followers, row.email, row.whatsapp) == (50_000, "dani@example.com", "+52 55 1234 5678")
    assert (row.sales_revenue, row.avg_commission_rate) == (Decimal("99999999999.99"), Decimal("12.5"))
    assert (row.platform_creator_username, row.platform_creator_display_name) == ("dani.hogar", "Dani Hogar")
    assert (row.region, row.currency, row.observed_at) == ("MX", "MXN", NOON + MINUTE)
    assert await count(database, creator_crawl_logs) == 2


async def test_an_older_page_only_fills_in_what_is_not_known(database: Database) -> None:
    newer = {"platformCreatorId": "7341000000000000777", "followers": 7, "region": "US", "currency": "USD"}
    await ingest(database, delivered(page(newer)))
    await ingest(database, delivered(page(creator(followers=1, videos=3)), at=NOON - MINUTE))

    row = await stored(database, creators)
    assert (row.followers, row.videos, row.region, row.currency) == (7, 3, "US", "USD")
    assert (row.platform_creator_username, row.email) == ("dani.hogar", "dani@example.com")
    assert row.observed_at == NOON


async def test_a_name_that_only_stands_in_never_replaces_one_that_was_said(database: Database) -> None:
    await ingest(database, delivered(page(creator())))
    await ingest(database, delivered(page({"platformCreatorId": "7341000000000000777"}), at=NOON + MINUTE))
    assert (await stored(database, creators)).platform_creator_username == "dani.hogar"
    await ingest(database, delivered(page(creator(platformCreatorUsername="dani.casa")), at=NOON + 2 * MINUTE))
    row = await stored(database, creators)
    assert (row.platform_creator_username, row.platform_creator_display_name) == ("dani.casa", "Dani Hogar")


async def test_what_stands_in_follows_what_becomes_known(database: Database) -> None:
    async def tell(minutes: int, **fields: Any) -> tuple[str, str, str | None]:
        row = {"platformCreatorId": "7341"} | fields
        await ingest(database, delivered(page(row), at=NOON + minutes * MINUTE))
        told = await stored(database, creators)
        return told.platform_creator_username, told.platform_creator_display_name, told.currency

    assert await tell(0) == ("7341", "7341", None)
    assert await tell(-1, region="MX") == ("7341", "7341", "MXN")
    assert await tell(1, platformCreatorDisplayName="Dani") == ("Dani", "Dani", "MXN")
    assert await tell(2, region="FR") == ("Dani", "Dani", "EU")
    assert await tell(1, region="MX") == ("Dani", "Dani", "EU")
    assert await tell(3) == ("Dani", "Dani", "EU")
    assert await tell(4, currency="USD") == ("Dani", "Dani", "USD")
    assert await tell(5, region="MX") == ("Dani", "Dani", "USD")


async def test_of_equal_moments_the_last_to_arrive_wins(database: Database) -> None:
    for followers in (1, 2):
        await ingest(database, delivered(page(creator(followers=followers, extractedTime="2026-01-12T17:00:00Z"))))
    assert (await stored(database, creators)).followers == 2


async def test_a_fact_is_as_new_as_its_whole_row(database: Database) -> None:
    full, sparse = creator(followers=10), {"platformCreatorId": "7341000000000000777", "videos": 3}
    await ingest(database, delivered(page(full), at=NOON + MINUTE))
    await ingest(database, delivered(page(sparse), at=NOON + 3 * MINUTE))
    await ingest(database, delivered(page(creator(followers=20)), at=NOON + 2 * MINUTE))
    row = await stored(database, creators)
    assert (row.followers, row.videos) == (10, 3)


async def test_what_a_chat_has_shown_once_stays_shown(database: Database) -> None:
    await ingest(database, delivered(page(creator(reply=True))))
    await ingest(database, delivered(page(creator(connect=False, reply=False)), at=NOON + MINUTE))
    row = await stored(database, creators)
    assert (row.connected, row.replied) == (True, True)


async def test_a_row_may_be_logged_alone(database: Database) -> None:
    (result,) = await ingest(database, delivered(page(creator(skipCreatorUpsert=True))))
    assert (result.inserted, result.creators) == (1, 0)
    assert (await count(database, creators), await count(database, creator_crawl_logs)) == (0, 1)


async def test_the_same_page_twenty_times_at_once_is_stored_once(database: Database) -> None:
    rows = [creator(platformCreatorId=str(index), followers=index) for index in range(20)]
    answers = await asyncio.gather(
        *(ingest(database, delivered(page(*rows), message_id=f"m-{number}")) for number in range(20))
    )
    assert answers == [[IngestCreatorsResult(inserted=20, creators=20)]] * 20
    assert (await count(database, creators), await count(database, creator_crawl_logs)) == (20, 400)
    await asyncio.gather(*(ingest(database, delivered(page(*rows), message_id="m-0")) for _ in range(5)))
    assert await count(database, creator_crawl_logs) == 400


async def test_a_bad_row_is_told_and_spoils_no_other(database: Database) -> None:
    rows = [creator(), {"email": "nobody"}, creator(platformCreatorId="7" * 65)]
    (result,) = await ingest(database, delivered(page(*rows)))
    assert result.model_dump() == {
        "inserted": 1,
        "creators": 1,
        "skipped": 1,
        "rejected": [{"index": 2, "field": "platformCreatorId", "reason": "is longer than 64 characters"}],
    }
    (result,) = await ingest(database, delivered(page({"email": "nobody"})))
    assert (result.inserted, result.creators) == (0, 0)


async def test_a_log_says_where_its_row_came_from(database: Database) -> None:
    options = {"taskId": "T-1", "accountName": "MX1"}
    row = creator(connect=1, reply="no", crawlDate="2026/01/05", mood="x")
    await ingest(database, delivered(page(row, options=options), message_id="m-1"))
    log = await stored(database, creator_crawl_logs)
    assert (log.task_id, log.source, log.options, log.extra) == ("T-1", "crawler", options, {"mood": "x"})
    assert (log.message_id, log.row_index, str(log.crawl_date)) == ("m-1", 0, "2026-01-05")
    assert (log.connect, log.reply, log.send) == (True, False, None)
    assert log.creator_id == "00000000-0000-0000-0000-000000000000"


async def test_creators_are_handed_to_their_task_only_where_the_crawl_says_so(database: Database) -> None:
    await ingest(database, delivered(page(options={"taskId": "T-1"})))
    assert await said(database) == []
    rows = [creator(), creator(), creator(platformCreatorId="8"), creator(platformCreatorId="9", send=True)]
    await ingest(database, delivered(page(*rows, options={"taskId": "T-1", "contact": True, "brandName": "Aurela"})))
    (message,) = await said(database)
    handed = DecideContacts.model_validate_json(message.body).creators
    assert [each.platform_creator_id for each in handed] == ["7341000000000000777", "8"]
    assert {(each.outreach_task_id, each.brand_name) for each in handed} == {("T-1", "Aurela")}


async def test_a_message_that_somebody_else_sent_is_a_contact_and_a_crawl_is_none(database: Database) -> None:
    options = {"taskId": "T-1", "brandName": "Aurela"}
    await ingest(database, delivered(page(creator(), creator(platformCreatorId="8", send=True), options=options)))
    await ingest(database, delivered(page(creator(platformCreatorId="8", send=True), options=options)))
    row = await stored(database, outreach_contacts)
    assert (row.platform_creator_id, row.state, row.brand, row.task_id) == ("8", "sent", "Aurela", "T-1")


async def test_a_message_of_no_task_is_history_too(database: Database) -> None:
    await ingest(database, delivered(page(creator(platformCreatorId="8", send=True)), message_id="m-8"))
    assert await history(database, creatorId="8") == [(True, False, None)]


async def test_a_log_of_a_crawl_in_the_far_future_is_tomorrows_at_most(database: Database) -> None:
    await ingest(database, delivered(page(creator(crawlDate="9999-01-01"))))
    assert str((await stored(database, creator_crawl_logs)).crawl_date) == "2026-01-13"


async def test_values_of_campaigns_that_cannot_be_read_are_told(database: Database) -> None:
    row = {"platformCampaignId": "7563", "platformProductId": "1", "stock": "many", "mood": "x"}
    message = IngestProducts.model_validate({"source": "crawler", "rows": [row]})
    (result,) = await ingest_products([delivered(message)], database.uow, lambda: NOON)
    assert [(each.index, each.field) for each in result.ignored] == [(0, "stock")]
    campaign = IngestCampaigns.model_validate({"source": "crawler", "rows": [row | {"dateRegistered": "some day"}]})
    (told,) = await ingest_campaigns([delivered(campaign)], database.uow, lambda: NOON)
    assert [(each.index, each.field) for each in told.ignored] == [(0, "dateRegistered")]
    assert told.model_dump(by_alias=True)["ignored"][0]["reason"]


async def history(database: Database, **asked: Any) -> list[tuple[bool | None, bool | None, str | None]]:
    delivery = delivered(TellCreatorHistory.model_validate(asked))
    told = await tell_creator_history(delivery, database.uow)
    return [(each.connect, each.reply, each.brand_name) for each in told.records]


async def test_a_history_is_what_was_sent_the_latest_first(database: Database) -> None:
    sent = {"state": ContactState.SENT, "connected": True, "username_key": "dani.hogar"}
    async with database.uow() as tx:
        await tx.contacts.add(
            [
                contact("7341", task_id="T-1", brand="Aurela", sent_at=NOON, **sent),
                contact("7341", task_id="T-2", brand="Nube", sent_at=NOON + MINUTE, **sent),
                contact("7341", task_id="T-3", brand="Sol", state=ContactState.FAILED, username_key="dani.hogar"),
                contact("9", task_id="T-1", brand="Otra", sent_at=NOON, state=ContactState.SENT, username_key="josé"),
            ]
        )
    both = [(True, False, "Nube"), (True, False, "Aurela")]
    assert await history(database, creatorId="7341") == both
    assert await history(database, creatorUsername="@Dani.HOGAR") == both
    assert await history(database, creatorName="dani.hogar", limit=1) == both[:1]
    assert await history(database, creatorName="Jose") == []
    assert await history(database, creatorName="JOSÉ") == [(False, False, "Otra")]
    await ingest(database, delivered(page(creator(platformCreatorId="7341", reply=True))))
    assert [each[1] for each in await history(database, creatorId="7341")] == [True, True]


async def test_nobody_has_no_history(database: Database) -> None:
    assert await history(database) == []
    assert await history(database, creatorName="@") == []


async def test_campaigns_and_products_merge_like_creators(database: Database) -> None:
    async def tell(at: Any, **fields: Any) -> None:
        row = {"platformCampaignId": "7563", "platformShopId": "S-1"} | fields
        message = IngestCampaigns.model_validate({"source": "crawler", "rows": [row]})
        (result,) = await ingest_campaigns([delivered(message, at=at)], database.uow, lambda: NOON)
        assert (result.inserted, result.campaigns) == (1, 1)

    await tell(NOON, status="Ongoing", campaignPeriod=["a", "b"], dateRegistered="2026/01/02")
    await tell(NOON + MINUTE, status="Ended", pendingProductCount=0)
    await tell(NOON - MINUTE, status="Draft", commissionRate="15%")
    row = await stored(database, campaigns)
    assert (row.status, row.campaign_period, row.pending_product_count) == ("Ended", ["a", "b"], 0)
    assert (row.commission_rate, row.date_registered.date().isoformat()) == ("0.15", "2026-01-02")
    await tell(NOON, platformShopId="S-2")
    await tell(NOON, platformShopId=None)
    await tell(NOON, platformShopId=None)
    assert await count(database, campaigns) == 3

    await tell(NOON, platformShopId="US", region="us")
    await tell(NOON + MINUTE, platformShopId="US")
    async with database.uow() as tx:
        query = select(campaigns.c.region, campaigns.c.has_region).where(campaigns.c.shop_key == "US")
        assert (await tx._session.execute(query)).one() == ("US", True)

    rows = [{"platformCampaignId": "7563", "platformProductId": "1", "stock": "1,240", "productName": "Clay 🧴" * 200}]
    for changes in ({"region": "FR"}, {"stock": None, "productRating": 4.75}):
        message = IngestProducts.model_validate({"source": "crawler", "rows": [rows[0] | changes]})
        await ingest_products([delivered(message)], database.uow, lambda: NOON)
    row = await stored(database, products)
    assert (row.stock, row.product_rating, len(row.product_name)) == (1240, Decimal("4.75"), 1024)
    assert row.region == "FR"


async def test_ten_thousand_creators_are_stored_in_one_transaction(database: Database) -> None:
    rows = [creator(platformCreatorId=str(number)) for number in range(10_000)]
    (result,) = await ingest(database, delivered(page(*rows)))
    assert result.creators == 10_000
    assert await count(database, creators) == 10_000

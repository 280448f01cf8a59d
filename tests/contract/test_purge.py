"""What the purge deletes and what it leaves, on every database."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from persistence.purge import Purged, Retention
from persistence.tables import chatbot_creator_days, metadata
from persistence.uow import Uow
from schemas.chatbot.records import DeliveryState
from schemas.clock import utc_now
from schemas.relay.records import EventStatus
from schemas.replies.stock import Waiting
from tests.build.records import NOON, chat_delivery, content_log, crawl_log, days_ago
from tests.build.relay import attempt, delivery, event, storefront, tagging_server
from tests.build.replies import item, reply, said, thread, user, webhook

RETENTION = Retention(
    now=utc_now() + timedelta(days=2),
    crawl_logs_before=days_ago(90),
    deliveries_before=NOON - timedelta(days=90),
    events_before=NOON - timedelta(days=30),
    replies_before=NOON - timedelta(days=30),
)
NOTHING = Purged(
    inbox=0,
    crawl_logs=0,
    content_crawl_logs=0,
    creator_crawl_logs=0,
    deliveries=0,
    creator_days=0,
    events=0,
    notifications=0,
    messages=0,
    replies=0,
    customers=0,
)


async def purged(uow: Uow, retention: Retention = RETENTION) -> Purged:
    async with uow() as tx:
        return await tx.purge(retention)


async def counted(uow: Uow) -> dict[str, int]:
    async with uow() as tx:
        tables = metadata.sorted_tables
        counts = [await tx._session.execute(select(func.count()).select_from(table)) for table in tables]
        found = {table.name: count.scalar_one() for table, count in zip(tables, counts, strict=True)}
    return {name: count for name, count in found.items() if count}


async def test_what_has_outlived_its_use_is_deleted_and_the_rest_stays(uow: Uow) -> None:
    long_ago = NOON - timedelta(days=91)
    async with uow() as tx:
        await tx.inbox.claim("derived", is_derived=True)
        await tx.inbox.claim("given")
        await tx.samples.log([crawl_log(crawl_date=days_ago(n)) for n in (91, 90)])
        await tx.samples.log_contents([content_log(crawl_date=days_ago(n)) for n in (91, 90)])
        await tx.deliveries.begin([chat_delivery(state=state, updated_at=long_ago) for state in DeliveryState])
        await tx.deliveries.begin([chat_delivery(state=DeliveryState.SENT)])
        await tx.creator_days.add({("a", days_ago(91)): 1, ("a", days_ago(1)): 1, ("b", days_ago(91)): 1})
    assert await purged(uow) == replace(
        NOTHING, inbox=1, crawl_logs=1, content_crawl_logs=1, deliveries=2, creator_days=2
    )
    assert await purged(uow) == NOTHING
    assert {name: count for name, count in (await counted(uow)).items() if name != "ad_analytics_platforms"} == {
        "inbox": 1,
        "sample_crawl_logs": 1,
        "sample_content_crawl_logs": 1,
        "chatbot_deliveries": 4,
        "chatbot_creator_days": 1,
    }


async def test_events_that_ended_long_ago_go_with_all_that_was_tried_and_others_stay(uow: Uow) -> None:
    long_ago = NOON - timedelta(days=31)
    events = [event(status, status=status, created_at=long_ago, updated_at=long_ago) for status in EventStatus]
    late = event("late", status=EventStatus.DELIVERED, created_at=long_ago)
    shop = await storefront(uow)
    await tagging_server(uow, shop)
    async with uow() as tx:
        await tx.events.add([*events, late])
        numbers = await tx.events.numbers([each.identity or "" for each in [*events, late]])
        (destination,) = (await tx.destinations.of_storefronts([shop.id]))[shop.id]
        await tx.event_deliveries.add([delivery(number, destination.id) for number in numbers.values()])
        claimed = await tx.event_deliveries.claim(
            destination.id, now=NOON, limit=100, token="t", lease=timedelta(minutes=1)
        )
        await tx.attempts.begin([attempt(each.delivery) for each in claimed])
    assert (await purged(uow)).events == 5
    assert await purged(uow) == NOTHING
    left = await counted(uow)
    assert [left[name] for name in ("marketing_events", "deliveries", "event_attempts")] == [5, 5, 5]


async def test_what_was_said_long_ago_goes_with_whoever_said_it_and_what_was_ordered_stays(uow: Uow) -> None:
    long_ago = NOON - timedelta(days=31)
    old = {"created_at": long_ago}
    async with uow() as tx:
        await tx.stock.put([item()])
        for who, wrote_at in (("gone", long_ago), ("quiet", long_ago), ("here", NOON)):
            await tx.people.seen([user(who, last_interaction_at=wrote_at)])
            await tx.threads.opened(thread(f"cv-{who}", user_id=who, last_inbound_at=wrote_at))
            event = await tx.webhooks.add(webhook(f"mid-{who}", conversation_id=f"cv-{who}", received_at=wrote_at))
            text = said(conversation_id=f"cv-{who}", event_id=event, created_at=wrote_at, provider_ts=wrote_at)
            await tx.chat.add(text)
            await tx.replies.add(reply(conversation_id=f"cv-{who}", reply_to_event=event, created_at=wrote_at))
        await tx.people.opt("quiet", out_at=long_ago)
        assert (await tx.holds.hold("gone", "cv-gone", "TH-P-001", long_ago)).hold
        assert await tx.orders.from_holds("gone", "cv-gone", ["TH-P-001"], long_ago)
        place = Waiting(inventory_id=1, user_id="gone", conversation_id="cv-gone", **old)
        await tx.holds.wait(place)
    assert await purged(uow) == replace(NOTHING, notifications=2, messages=2, replies=2, customers=2)
    assert await purged(uow) == NOTHING
    left = await counted(uow)
    one_each = ("threads", "webhook_events", "messages", "replies", "orders", "order_items")
    assert {name: left[name] for name in one_each} == dict.fromkeys(one_each, 1)
    assert "waiting_list" not in left
    async with uow() as tx:
        assert set(await tx.people.named(["gone", "quiet", "here"])) == {"quiet", "here"}
        quiet = await tx.people.get("quiet")
        assert quiet
        assert (quiet.username, quiet.opted_out_at) == (None, long_ago)


async def test_the_newest_row_stays_so_that_no_number_is_given_twice(uow: Uow) -> None:
    async with uow() as tx:
        for number in range(3):
            await tx.webhooks.add(webhook(f"mid-{number}", received_at=NOON - timedelta(days=99)))
    assert (await purged(uow)).notifications == 2
    async with uow() as tx:
        assert await tx.webhooks.add(webhook("mid-new")) == 4


async def test_a_day_that_is_kept_keeps_all_its_creators(uow: Uow) -> None:
    async with uow() as tx:
        await tx.creator_days.add({("a", days_ago(91)): 1, ("a", days_ago(2)): 1})
    await purged(uow)
    async with uow() as tx:
        left = (await tx._session.execute(select(chatbot_creator_days.c.day))).scalars().all()
    assert left == [days_ago(2)]


async def test_a_purge_deletes_a_bounded_number_of_rows_at_a_time(uow: Uow) -> None:
    async with uow() as tx:
        await tx.samples.log([crawl_log(crawl_date=days_ago(100)) for _ in range(25)])
    steps = []
    while done := await purged(
        uow,
        replace(RETENTION, limit=10),
    ):
        steps.append(done.crawl_logs)
    assert steps == [10, 10, 5]

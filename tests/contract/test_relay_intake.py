"""Pages of events and rows of strangers, taken in on real databases."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import select, text

from brokers.delivery import Delivery
from handlers.relay.adoption import adopt_events
from handlers.relay.intake import ingest_events
from persistence.engine import Database, open_engine
from persistence.tables import deliveries, marketing_events, outbox
from persistence.uow import Uow
from schemas.clock import utc_now
from schemas.relay.messages import AdoptEvents, IngestEvents, IngestEventsResult
from tests.build.relay import credential, storefront, tagging_server

NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)
SEED = json.loads((files("mesh") / "examples" / "marketing-events.json").read_text())


def item(order: str = "LX-1", **values: Any) -> dict[str, Any]:
    said = {"storefront_id": "lumen-rx", "event_name": "lead", "event_time": "2026-03-04T16:20:11Z", "order_id": order}
    return said | values


def page(*items: Any, message_id: str = "m-1") -> Delivery[IngestEvents]:
    said = IngestEvents.model_validate({"count": len(items), "data": list(items)})
    return Delivery(
        message=said, message_id=message_id, is_derived=False, key="relay.events.ingest", observed_at=NOW, raw=b""
    )


async def ingest(uow: Uow, *pages: Delivery[IngestEvents], at: datetime = NOW) -> list[IngestEventsResult]:
    return await ingest_events(list(pages), uow, lambda: at, {})


async def adopt(uow: Uow, at: datetime = NOW) -> None:
    async with uow() as tx:
        ids = await tx.events.claim_unadopted(now=at, limit=100, token=str(at.timestamp()), lease=timedelta(seconds=1))
    if ids:
        message = AdoptEvents(ids=ids)
        await adopt_events(
            Delivery(message=message, message_id="a", is_derived=False, key="", observed_at=at, raw=b""),
            uow,
            lambda: at,
            {},
        )


async def rows(database: Database, table: Any) -> list[Any]:
    async with database.uow() as tx:
        return list((await tx._session.execute(select(table).order_by(table.c.id))).all())


async def test_the_seeds_page_is_stored_and_sent_on_its_way(database: Database) -> None:
    shop = await storefront(database.uow, "bosley")
    await tagging_server(database.uow, shop)
    await credential(database.uow, shop, "meta_capi")
    (told,) = await ingest(database.uow, page(*SEED["data"]))
    assert (told.accepted, told.rejected, told.errors) == (3, 0, [])
    stored = await rows(database, marketing_events)
    assert [(each.storefront_code, each.event_type, each.status) for each in stored] == [
        ("bosley", "consult_started", "processing"),
        ("bosley", "purchase_completed", "processing"),
        ("pfizer", "rx_issued", "held"),
    ]
    assert len(await rows(database, deliveries)) == 4
    wishes = [json.loads(row.body) for row in await rows(database, outbox)]
    assert [list(wish) for wish in wishes] == [["destinationId"], ["destinationId"]]


async def test_each_item_is_judged_alone(database: Database) -> None:
    await ingest(database.uow, page(item("old"), message_id="m-0"))
    (told,) = await ingest(
        database.uow,
        page(
            item("LX-1"),
            item("LX-1"),
            item("LX-1", order_revenue=9),
            item("x" * 101),
            item("LX-2", order_revenue=float("nan")),
            7,
            item("old"),
            item("LX-3", event_name="rx_issued"),
            item("LX-3"),
            item("LX-3", storefront_id="other"),
        ),
    )
    assert [each.result for each in told.results] == [
        "accepted",
        "duplicate",
        "conflict",
        "rejected",
        "rejected",
        "rejected",
        "duplicate",
        "accepted",
        "accepted",
        "accepted",
    ]
    assert [each.index for each in told.results] == list(range(10))
    assert (told.accepted, told.rejected) == (4, 6)
    assert told.errors[0] == {"event_id": "LX-1", "error": "Event already exists"}
    assert len(await rows(database, marketing_events)) == 5


async def test_a_message_that_comes_again_is_answered_as_it_was_and_changes_nothing(database: Database) -> None:
    first = await ingest(database.uow, page(item("LX-1"), item("LX-1"), item("LX-2")))
    again = await ingest(database.uow, page(item("LX-1"), item("LX-1"), item("LX-2")), at=NOW + timedelta(minutes=1))
    assert first == again
    assert len(await rows(database, marketing_events)) == 2


async def test_the_same_page_in_another_message_is_all_duplicates(database: Database) -> None:
    await ingest(database.uow, page(*SEED["data"]))
    (told,) = await ingest(database.uow, page(*SEED["data"], message_id="m-2"))
    assert [each.result for each in told.results] == ["duplicate"] * 3


async def test_an_event_of_an_unknown_storefront_is_held_until_it_is_known(database: Database) -> None:
    await ingest(database.uow, page(item()))
    (held,) = await rows(database, marketing_events)
    assert (held.status, held.error_message) == ("held", "its storefront is not known")
    shop = await storefront(database.uow, "lumen-rx")
    await adopt(database.uow)
    (held,) = await rows(database, marketing_events)
    assert held.status == "held"
    await tagging_server(database.uow, shop)
    await adopt(database.uow, NOW + timedelta(minutes=1))
    (freed,) = await rows(database, marketing_events)
    assert (freed.status, freed.storefront_id, freed.error_message) == ("processing", shop.id, None)
    assert len(await rows(database, deliveries)) == 1
    (told,) = await ingest(database.uow, page(item(), message_id="m-9"))
    assert told.results[0].result == "duplicate"


async def test_rows_of_strangers_are_adopted_once(database: Database, url: str) -> None:
    shop = await storefront(database.uow, "lumen-rx")
    await tagging_server(database.uow, shop)
    engine = open_engine(url)
    insert = "INSERT INTO marketing_events (event_id, {}, event_type, event_payload, source_system, status) VALUES "
    async with engine.begin() as connection:
        for column, value, name, payload in (
            ("storefront_id", shop.id, "RX_issued", '{"order_id":"LX-1","event_time":"2026-03-04T10:00:00Z"}'),
            ("storefront_code", "'LUMEN-rx '", "rx_issued", '{"order_id":"LX-1","event_time":"2026-03-04T10:00:00Z"}'),
            ("storefront_code", "'lumen-rx'", "rx_issued", '{"order_id":"LX-1","other":1}'),
            ("storefront_code", "'lumen-rx'", "lead", "[1]"),
            ("storefront_code", "'lumen-rx'", "lead2", "not json"),
            ("storefront_id", 999, "lead", "{}"),
        ):
            await connection.execute(
                text(insert.format(column) + f"('LX-1', {value}, '{name}', :said, 'oms_direct', 'pending')"),
                {"said": payload},
            )
    await engine.dispose()
    await adopt(database.uow, utc_now())
    stored = await rows(database, marketing_events)
    assert [each.status for each in stored] == ["processing", "duplicate", "conflict", "failed", "failed", "held"]
    assert stored[0].identity == "lumen-rx:rx_issued:LX-1"
    assert stored[3].error_message == "event_payload is not a JSON object"
    assert stored[4].error_message.startswith("event_payload is not JSON")
    assert len(await rows(database, deliveries)) == 1
    await adopt(database.uow, utc_now() + timedelta(minutes=5))
    assert len(await rows(database, deliveries)) == 1


async def test_rows_of_strangers_are_held_until_their_storefront_is_known(database: Database, url: str) -> None:
    engine = open_engine(url)
    async with engine.begin() as connection:
        for where, value in (("storefront_code", "' LUMEN-rx'"), ("storefront_id", 1)):
            columns = f"event_id, {where}, event_type, event_payload, source_system, status"
            values = f"'{where}', {value}, 'lead', '{{}}', 'oms_direct', 'pending'"
            await connection.execute(text(f"INSERT INTO marketing_events ({columns}) VALUES ({values})"))
    await engine.dispose()
    await adopt(database.uow, utc_now())
    assert [each.status for each in await rows(database, marketing_events)] == ["held", "held"]
    shop = await storefront(database.uow, "lumen-rx")
    await tagging_server(database.uow, shop)
    await adopt(database.uow, utc_now() + timedelta(minutes=1))
    freed = await rows(database, marketing_events)
    assert [(each.status, each.storefront_id, each.storefront_code) for each in freed] == [
        ("processing", 1, "lumen-rx")
    ] * 2
    assert len(await rows(database, deliveries)) == 2


async def test_a_page_that_tells_of_an_error_is_answered_with_it(database: Database) -> None:
    told = page(item("LX-1"))
    broken = replace(told, message=told.message.model_copy(update={"error": "replica lag"}))
    (result,) = await ingest(database.uow, broken)
    assert (result.accepted, result.batch_error) == (1, "replica lag")


async def test_a_page_of_four_thousand_is_stored_whole(database: Database) -> None:
    shop = await storefront(database.uow, "lumen-rx")
    await tagging_server(database.uow, shop)
    (told,) = await ingest(database.uow, page(*(item(f"LX-{number}") for number in range(4000))))
    assert told.accepted == 4000
    assert len(await rows(database, deliveries)) == 4000

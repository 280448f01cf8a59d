"""Marketing events on their way from outside to outside: in by HTTP, AMQP and SQL, out to stand-ins of vendors."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from importlib.resources import files
from pathlib import Path

import aiormq
import pytest

from persistence.migrate import upgrade
from tests.build.broker import eventually
from tests.build.world import INGEST, PERSON, World, ids, item, opened

SEED = json.loads((files("mesh") / "examples" / "marketing-events.json").read_text())
#: Rows that others insert, and switches that they throw, are to be felt within this.
FELT = 5.0


@pytest.fixture
async def world(vhost: str, tmp_path: Path) -> AsyncIterator[World]:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    await upgrade(url)
    async with opened(vhost, url) as world:
        yield world


async def test_a_page_over_http_reaches_every_destination_once(world: World) -> None:
    await world.shop()
    told = await world.post({"count": 3, "data": [item("LX-1"), item("LX-2"), item("LX-1", event_name="rx_issued")]})
    assert (told["accepted"], told["event_ids"]) == (3, ["LX-1", "LX-2", "LX-1"])
    await world.delivered(6)
    expected = dict.fromkeys(
        ["bosley:purchase_completed:LX-1", "bosley:purchase_completed:LX-2", "bosley:rx_issued:LX-1"], 1
    )
    assert ids(world.meta) == expected
    assert ids(world.sgtm) == expected


async def test_the_same_page_again_reaches_nobody(world: World) -> None:
    await world.shop()
    page = {"count": 2, "data": [item("LX-1"), item("LX-2")]}
    await world.post(page)
    await world.delivered(4)
    told = await world.post(page)
    assert [each["result"] for each in told["results"]] == ["duplicate"] * 2
    await world.say(json.dumps(page).encode())
    await world.say(json.dumps(item("LX-3")).encode())
    await world.delivered(6)
    assert set(ids(world.meta).values()) == {1}


async def test_one_bad_item_costs_its_neighbours_nothing(world: World) -> None:
    await world.shop()
    bad = [item("x" * 101), 7, item("LX-3", event_time="tomorrow"), item(storefront_id="böse")]
    page = json.dumps({"count": 6, "data": [item("LX-1"), *bad, item("LX-2")]})
    page = page.replace('"LX-3", "order_revenue": 80.79', '"LX-3", "order_revenue": NaN')
    told = await world.post(page.encode())
    assert [each["result"] for each in told["results"]] == ["accepted", *["rejected"] * 4, "accepted"]
    await world.delivered(4)


async def test_the_seeds_page_is_taken_as_it_stands_and_says_why_it_is_not_delivered(world: World) -> None:
    await world.shop()
    told = await world.post(SEED)
    assert (told["accepted"], told["rejected"]) == (3, 0)
    await eventually(lambda: _is(world, {"dead": 4}))
    reasons = {reason for (reason,) in await world.execute("SELECT reason FROM deliveries")}
    assert reasons == {"older than 7 days, 0:00:00 at sending"}
    assert await world.execute("SELECT status FROM marketing_events WHERE storefront_code = 'pfizer'") == [("held",)]


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("event_id, storefront_id, event_type, event_payload, source_system, status, retry_count", (":o", "1", 0)),
        ("event_id, storefront_code, event_type, event_payload, source_system, status", (":o", "'Bosley'", None)),
    ],
    ids=["storefront_id", "storefront_code"],
)
async def test_rows_that_others_insert_are_delivered_within_seconds(
    world: World, columns: str, values: tuple[str, str, int | None]
) -> None:
    assert await world.shop() == 1
    tail = "" if values[2] is None else f", {values[2]}"
    said = json.dumps({"order_id": "LX-9", "order_revenue": 5, "currency": "USD", "user_data": PERSON})
    await world.execute(
        f"INSERT INTO marketing_events ({columns}) "
        f"VALUES (:o, {values[1]}, 'purchase_completed', :said, 'oms_direct', 'pending'{tail})",
        o="LX-9",
        said=said,
    )
    async with asyncio.timeout(FELT):
        await world.delivered(2)
    assert ids(world.meta) == ids(world.sgtm) == {"bosley:purchase_completed:LX-9": 1}


async def test_what_was_held_goes_once_its_storefront_is_known(world: World) -> None:
    await world.post({"count": 1, "data": [item()]})
    assert await world.execute("SELECT status, error_message FROM marketing_events") == [
        ("held", "its storefront is not known")
    ]
    await world.shop()
    await world.delivered(2)
    assert ids(world.meta) == {"bosley:purchase_completed:LX-1": 1}


@pytest.mark.parametrize(
    ("table", "still_sent"),
    [
        ("storefronts", {"meta": 0, "sgtm": 0}),
        ("storefront_sgtm_config", {"meta": 1, "sgtm": 0}),
        ("ad_analytics_platforms", {"meta": 0, "sgtm": 1}),
        ("platform_credentials", {"meta": 0, "sgtm": 1}),
    ],
)
async def test_a_switch_holds_and_lets_go(world: World, table: str, still_sent: Mapping[str, int]) -> None:
    await world.shop()
    await world.execute(f"UPDATE {table} SET is_active = 0")
    told = await world.post({"count": 1, "data": [item()]})
    assert told["accepted"] == 1
    wanted = {"pending": 2 - sum(still_sent.values())} | ({"delivered": 1} if sum(still_sent.values()) else {})
    await eventually(lambda: _is(world, wanted))
    assert {"meta": len(ids(world.meta)), "sgtm": len(ids(world.sgtm))} == still_sent
    await world.execute(f"UPDATE {table} SET is_active = 1")
    async with asyncio.timeout(FELT):
        await world.delivered(2)
    assert set(ids(world.meta).values()) == set(ids(world.sgtm).values()) == {1}


async def test_a_destination_that_is_down_holds_up_no_other(world: World) -> None:
    await world.shop()
    world.meta.set_faults(down=True)
    await world.post({"count": 1, "data": [item()]})
    await eventually(lambda: _is(world, {"delivered": 1, "pending": 1}))
    assert list(ids(world.sgtm)) == ["bosley:purchase_completed:LX-1"]
    world.meta.set_faults()
    await world.delivered(2)
    assert list(ids(world.meta)) == ["bosley:purchase_completed:LX-1"]


async def test_what_is_no_page_is_parked_with_its_reason(world: World) -> None:
    await world.say(b'{"events": []}')
    connection = await aiormq.connect(world.url)
    channel = await connection.channel()

    async def parked() -> bool:
        return bool((await channel.queue_declare(INGEST.dead, passive=True)).message_count)

    await eventually(parked)
    letter = await channel.basic_get(INGEST.dead, no_ack=True)
    assert "data: Field required" in str(letter.header.properties.headers)
    await connection.close()


async def test_four_thousand_events_are_answered_in_one_piece(world: World) -> None:
    await world.shop()
    told = await world.post({"count": 4000, "data": [item(f"LX-{number}") for number in range(4000)]})
    assert (told["accepted"], len(told["results"])) == (4000, 4000)


async def _is(world: World, states: Mapping[str, int]) -> bool:
    return await world.states() == states

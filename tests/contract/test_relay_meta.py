"""Meta's adapter against a stand-in that follows Meta's pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from adapters.relay.mapping import built_in
from adapters.relay.meta import Meta as Adapter
from adapters.relay.port import Refused, Verdict
from tests.build.destinations import Destination, destination
from tests.build.sandbox import PERSON, account, relay_event


@pytest.fixture
async def pixel() -> AsyncIterator[Destination]:
    async with destination("meta_capi") as made:
        yield made


async def test_an_event_arrives_as_meta_documents_it(pixel: Destination) -> None:
    event = relay_event("o-1")
    await pixel.send(event)
    (taken,) = pixel.standin.events()
    assert taken.event["event_name"] == "Purchase"
    assert taken.event["event_time"] == int(event.event_time.timestamp())
    assert taken.event["custom_data"] == {"order_id": "o-1", "currency": "USD", "value": 129.5}
    user = taken.event["user_data"]
    assert (user["client_ip_address"], user["client_user_agent"]) == ("203.0.113.7", "Mozilla/5.0")
    hashed = {"em": "jane.doe@example.com", "ph": "16505551212", "fn": "jane", "ct": "menlopark", "zp": "94025"}
    assert {name: user[name] for name in hashed} == {
        name: [sha256(value.encode()).hexdigest()] for name, value in hashed.items()
    }


async def test_one_stale_event_spoils_its_batch_and_alone_it_is_refused_for_good(pixel: Destination) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=8))
    told = await pixel.send(relay_event("o-1"), stale)
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT] * 2
    assert pixel.standin.counts()["events"] == 0
    refused = await pixel.said(stale)
    assert refused.verdict is Verdict.PERMANENT
    assert "older than 7 days" in (refused.reason or "")


async def test_a_token_that_is_not_taken_stops_the_account(pixel: Destination) -> None:
    wrong = pixel.but(access_token="stolen", pixel_id="1")
    assert (await wrong.said(relay_event())).verdict is Verdict.AUTH
    assert (await wrong.test()).verdict is Verdict.AUTH


async def test_a_pixel_that_is_not_there_is_a_wrong_configuration(pixel: Destination) -> None:
    wrong = pixel.other(pixel_id="no-pixel")
    assert (await wrong.said(relay_event())).verdict is Verdict.CONFIG
    assert (await wrong.test()).verdict is Verdict.CONFIG


async def test_what_is_hashed_already_is_passed_on_as_it_is(pixel: Destination) -> None:
    digest = sha256(b"jane.doe@example.com").hexdigest()
    event = relay_event(user_data={**PERSON, "em": digest.upper(), "email": None})
    assert pixel.render(event)["user_data"]["em"] == [digest]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"value": None}, "value"),
        ({"user_data": {}}, "identifies"),
        ({"user_data": {"email": "a@b.example"}}, "client_user_agent"),
    ],
)
def test_what_meta_would_refuse_is_refused_before_it_spoils_a_batch(values: dict[str, Any], reason: str) -> None:
    adapter, target = Adapter.__new__(Adapter), account("meta_capi", "https://graph.example", {})
    with pytest.raises(Refused, match=reason):
        adapter.render(relay_event(**values), target, built_in("meta_capi"))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"date_of_birth": "1986-05-12", "gender": "Female"}, {"db": "19860512", "ge": "f"}),
        ({"birth_date": "19860512", "gender": "m"}, {"db": "19860512", "ge": "m"}),
        ({"db": "12/05/1986", "gender": "nonbinary"}, {}),
        ({"customer_id": " C-7 "}, {"external_id": "C-7"}),
    ],
)
async def test_who_it_was_is_said_as_far_as_meta_reads_it(
    pixel: Destination, said: dict[str, str], kept: dict[str, str]
) -> None:
    user = pixel.render(relay_event(user_data={"client_user_agent": "Mozilla/5.0", "email": "a@b.example", **said}))[
        "user_data"
    ]
    told = {name: user[name] for name in ("db", "ge", "external_id") if name in user}
    assert told == {name: [sha256(value.encode()).hexdigest()] for name, value in kept.items()}


@pytest.mark.parametrize(("ip", "told"), [("203.0.113.7, 10.0.0.1", "203.0.113.7"), ("2001:db8::7", "2001:db8::7")])
async def test_the_browsers_address_is_one_of_the_network(pixel: Destination, ip: str, told: str) -> None:
    user = {"client_user_agent": "Mozilla/5.0", "email": "a@b.example"}
    assert pixel.render(relay_event(user_data={**user, "ip": ip}))["user_data"]["client_ip_address"] == told
    assert "client_ip_address" not in pixel.render(relay_event(user_data={**user, "ip": "unknown"}))["user_data"]


@pytest.mark.parametrize(
    ("said", "source"),
    [("physical_store", "physical_store"), ("Website", "website"), ("web", "website"), (None, "website")],
)
async def test_where_it_happened_is_a_word_that_meta_knows(pixel: Destination, said: str | None, source: str) -> None:
    event = relay_event(payload={"order_id": "o-1", "action_source": said})
    assert pixel.render(event)["action_source"] == source
    assert (await pixel.said(event)).verdict is Verdict.DELIVERED


async def test_who_wants_no_personal_advertising_is_counted_and_no_more(pixel: Destination) -> None:
    limited = {"opt_out", "data_processing_options", "data_processing_options_country", "data_processing_options_state"}
    assert not limited & set(pixel.render(relay_event()))
    said = pixel.render(relay_event(consent={"ad_personalization": False}))
    assert {name: said[name] for name in limited} == {
        "opt_out": True,
        "data_processing_options": ["LDU"],
        "data_processing_options_country": 0,
        "data_processing_options_state": 0,
    }


async def test_what_was_bought_is_said_in_metas_words_and_in_nobody_elses(pixel: Destination) -> None:
    line = {"sku": "A-1", "item_name": "Ring", "quantity": "2", "price": "12.50", "engraving": "For Ann"}
    said = pixel.render(relay_event("o-1", payload={"items": [line, "no line"]}))
    assert said["custom_data"]["contents"] == [{"id": "A-1", "quantity": 2, "item_price": 12.5}]
    assert said["custom_data"]["num_items"] == 2

"""Microsoft's adapter against a stand-in that follows Microsoft's page."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256

import pytest

from adapters.relay.mapping import built_in
from adapters.relay.microsoft import Microsoft as Adapter
from adapters.relay.port import Refused, Skipped, Verdict
from tests.build.destinations import Destination, destination
from tests.build.sandbox import account, relay_event


@pytest.fixture
async def tag() -> AsyncIterator[Destination]:
    async with destination("microsoft_ads") as made:
        yield made


async def test_an_event_arrives_as_microsoft_documents_it(tag: Destination) -> None:
    event = relay_event("o-1", consent={"ad_user_data": True, "ad_storage": True})
    assert (await tag.said(event)).verdict is Verdict.DELIVERED
    (taken,) = tag.standin.events()
    said = taken.event
    assert (said["eventType"], said["eventName"], said["eventId"]) == ("custom", "purchase", event.downstream_id)
    assert said["eventTime"] == int(event.event_time.timestamp())
    assert said["adStorageConsent"] == "G"
    assert said["customData"] == {"transactionId": "o-1", "value": 129.5, "currency": "USD"}
    hashed = {"em": b"janedoe@example.com", "ph": b"+16505551212"}
    assert {name: said["userData"][name] for name in hashed} == {
        name: sha256(value).hexdigest() for name, value in hashed.items()
    }
    raw = (said["userData"]["clientIpAddress"], said["userData"]["clientUserAgent"])
    assert raw == ("203.0.113.7", "Mozilla/5.0")


async def test_a_page_view_is_a_page_that_was_loaded(tag: Destination) -> None:
    page = tag.render(relay_event(event_type="page_view"))
    assert (page["eventType"], page["eventSourceUrl"]) == ("pageLoad", "https://bosley.example/checkout")
    assert {"eventName", "customData"}.isdisjoint(page)
    assert (await tag.said(page)).verdict is Verdict.DELIVERED


@pytest.mark.parametrize(
    ("address", "normal"),
    [(" Jane.Doe+ads@Example.com ", b"janedoe@example.com"), ("a.b.c@d.example", b"abc@d.example")],
)
def test_an_address_is_hashed_without_dots_and_alias(address: str, normal: bytes) -> None:
    adapter = Adapter(None)  # type: ignore[arg-type]  # it renders without a client
    to = account("microsoft_ads", "", {})
    rendered = adapter.render(relay_event(user_data={"email": address}), to, built_in("microsoft_ads"))
    assert rendered["userData"] == {"em": sha256(normal).hexdigest()}


async def test_a_refused_batch_names_the_bad_event_and_the_others_may_go_on_alone(tag: Destination) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=8))
    told = await tag.send(relay_event("o-1"), stale, relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT, Verdict.PERMANENT, Verdict.SPLIT]
    assert "eventTime" in (told.outcomes[1].reason or "")
    assert tag.standin.events() == []
    assert (await tag.said(stale)).verdict is Verdict.PERMANENT


async def test_a_whole_batch_goes_in_one_call_and_a_repeat_counts_once(tag: Destination) -> None:
    rendered = tag.render(relay_event())
    for _ in range(2):
        told = await tag.send(*({**rendered, "eventId": str(at)} for at in range(1000)))
        assert {each.verdict for each in told.outcomes} == {Verdict.DELIVERED}
    counts = tag.standin.counts()
    assert (counts["calls"], counts["ids"], counts["conversions"]) == (2, 1000, 1000)


async def test_who_cannot_be_identified_or_has_refused_is_not_sent(tag: Destination) -> None:
    with pytest.raises(Refused, match="identifies"):
        tag.render(relay_event(user_data={"client_ip_address": "203.0.113.7", "msclkid": "no click"}))
    with pytest.raises(Skipped, match="consent"):
        tag.render(relay_event(consent={"ad_user_data": False}))
    click = "dd4afcccb1c9a4cad9544dd7e5006abc"
    assert tag.render(relay_event(user_data={"msclkid": click}))["userData"] == {"msclkid": click}


async def test_a_token_or_a_tag_that_is_wrong_stops_the_account(tag: Destination) -> None:
    stolen = tag.but(access_token="stolen", tag_id="1")
    assert (await stolen.said(relay_event())).verdict is Verdict.AUTH
    assert (await stolen.test()).verdict is Verdict.AUTH
    nowhere = tag.other(pixel_id="no-tag")
    assert (await nowhere.said(relay_event())).verdict is Verdict.CONFIG
    assert (await nowhere.test()).verdict is Verdict.CONFIG

"""Pinterest's adapter against a stand-in that follows Pinterest's pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from adapters.relay.port import Refused, Skipped, Verdict
from deploy.sandbox.standin import TOKEN, answer
from tests.build.destinations import Destination, destination
from tests.build.sandbox import PERSON, relay_event


@pytest.fixture
async def place() -> AsyncIterator[Destination]:
    async with destination("pinterest_capi") as made:
        yield made


async def test_an_event_arrives_as_pinterest_documents_it(place: Destination) -> None:
    person = {**PERSON, "date_of_birth": "1991-05-26", "gender": "Female", "epik": "dj0y"}
    event = relay_event("o-1", user_data=person)
    event.payload["items"] = [{"id": "A-1", "quantity": 2, "price": 10.5}]  # type: ignore[index]
    assert (await place.said(event)).verdict is Verdict.DELIVERED
    (taken,) = place.taken()
    assert (taken["event_name"], taken["action_source"]) == ("checkout", "web")
    assert taken["event_time"] == int(event.event_time.timestamp())
    assert taken["custom_data"] == {
        "order_id": "o-1",
        "currency": "USD",
        "value": "129.50",
        "content_ids": ["A-1"],
        "contents": [{"id": "A-1", "quantity": 2, "item_price": "10.5"}],
        "num_items": 2,
    }
    user = taken["user_data"]
    hashed = {"em": "jane.doe@example.com", "ph": "16505551212", "db": "19910526", "ge": "f", "country": "us"}
    assert {name: user[name] for name in hashed} == {
        name: [sha256(value.encode()).hexdigest()] for name, value in hashed.items()
    }
    assert user["click_id"] == "dj0y"


async def test_a_bad_event_is_failed_alone(place: Destination) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=8))
    told = await place.send(relay_event("o-1"), stale, relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED, Verdict.PERMANENT, Verdict.DELIVERED]
    assert "event_time" in (told.outcomes[1].reason or "")
    assert len(place.taken()) == 2


async def test_a_call_of_which_nothing_is_taken_is_judged_by_its_details(place: Destination) -> None:
    bad = {**place.render(relay_event()), "event_name": "subscription"}
    told = await place.send(bad, bad)
    assert told.status == 422
    assert [each.verdict for each in told.outcomes] == [Verdict.PERMANENT] * 2
    assert "Invalid event_name: subscription" in (told.outcomes[0].reason or "")


async def test_an_offline_event_is_not_repeated_when_nobody_knows_whether_it_counted(place: Destination) -> None:
    event = relay_event("o-1")
    event.payload["action_source"] = "physical_store"  # type: ignore[index]
    place.standin.set_faults(hang_rate=1, hang_s=5)
    told = await place.send(event, relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.UNKNOWN, Verdict.UNKNOWN]
    recognises = place.adapter.limits.recognises
    assert [recognises(place.render(each)) for each in (event, relay_event("o-2"))] == [False, True]


async def test_somebody_elses_ad_account_stops_the_account(place: Destination) -> None:
    wrong = place.other(account_id="9990001")
    assert (await wrong.said(relay_event())).verdict is Verdict.AUTH
    assert (await wrong.test()).verdict is Verdict.AUTH


async def test_credentials_are_tried_without_a_conversion(place: Destination) -> None:
    assert (await place.test()).verdict is Verdict.DELIVERED
    assert place.taken() == []
    no_account = place.other(credentials={"access_token": TOKEN, "ad_account_id": "abc"})
    assert (await no_account.test()).verdict is Verdict.CONFIG


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {}, Verdict.UNKNOWN),
        (200, {"num_events_received": 2, "num_events_processed": 1}, Verdict.SPLIT),
        (200, {"num_events_received": 2, "num_events_processed": 2}, Verdict.DELIVERED),
        (
            200,
            {"num_events_received": 2, "num_events_processed": 2, "events": [{"status": "processed"}] * 2},
            Verdict.DELIVERED,
        ),
        (200, {"num_events_received": 2, "num_events_processed": 0, "events": [None, 7]}, Verdict.PERMANENT),
        (422, {"code": 1, "message": "odd"}, Verdict.SPLIT),
        (403, {"code": 29, "message": "no"}, Verdict.AUTH),
    ],
)
async def test_counts_are_believed_over_the_status(
    place: Destination, status: int, body: dict[str, Any], verdict: Verdict
) -> None:
    place.standin.set_faults(error_rate_500=1)
    place.standin.broken = lambda: answer(status, body)  # type: ignore[method-assign]
    assert (await place.said(relay_event("o-1"), relay_event("o-2"))).verdict is verdict


async def test_consent_is_obeyed(place: Destination) -> None:
    with pytest.raises(Skipped, match="ad_user_data"):
        place.render(relay_event(consent={"ad_user_data": False}))
    assert place.render(relay_event(consent={"ad_personalization": False}))["opt_out"] is True


async def test_only_a_purchase_is_a_checkout(place: Destination) -> None:
    named = {kind: place.render(relay_event(event_type=kind))["event_name"] for kind in ("begin_checkout", "rx_issued")}
    assert named == {"begin_checkout": "initiate_checkout", "rx_issued": "custom"}


async def test_what_nobody_could_be_found_by_is_refused(place: Destination) -> None:
    with pytest.raises(Refused, match="user_data needs"):
        place.render(relay_event(user_data={"phone": "+16505551212", "client_ip_address": "203.0.113.7"}))


@pytest.mark.parametrize(("maid", "told"), [("AB" * 32, ["ab" * 32]), ("38400000-8cf0-11bd-b23e-10b96e40000d", None)])
async def test_an_advertising_id_is_said_as_a_digest_or_not_at_all(
    place: Destination, maid: str, told: list[str] | None
) -> None:
    rendered = place.render(relay_event(user_data={**PERSON, "hashed_maid": maid}))
    assert rendered["user_data"].get("hashed_maids") == told
    assert (await place.said(rendered)).verdict is Verdict.DELIVERED

"""X's adapter against a stand-in that follows X's pages and checks every signature."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256

import pytest

from adapters.relay.port import Refused, Skipped, Verdict
from tests.build.destinations import Destination, destination
from tests.build.sandbox import relay_event


@pytest.fixture
async def pixel() -> AsyncIterator[Destination]:
    async with destination("twitter_capi") as made:
        yield made


async def test_a_conversion_arrives_as_x_documents_it(pixel: Destination) -> None:
    assert (await pixel.said(relay_event("o-1"))).verdict is Verdict.DELIVERED
    (taken,) = pixel.standin.events()
    at = taken.event.pop("conversion_time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at)
    assert taken.event == {
        "event_id": "tw-o8z6j-o87ne",
        "identifiers": [
            {"hashed_email": sha256(b"jane.doe@example.com").hexdigest()},
            {"hashed_phone_number": sha256(b"+16505551212").hexdigest()},
            {"ip_address": "203.0.113.7", "user_agent": "Mozilla/5.0"},
        ],
        "conversion_id": "bosley:purchase_completed:o-1",
        "value": "129.50",
        "price_currency": "USD",
    }


async def test_digests_are_those_that_x_publishes(pixel: Destination) -> None:
    person = {"email": " test-email@TEST.com", "phone": "+11234567890", "twclid": "23opevjt88psuo13lu8d020qkn"}
    assert pixel.render(relay_event(user_data=person))["identifiers"] == [
        {"twclid": "23opevjt88psuo13lu8d020qkn"},
        {"hashed_email": "e586883b2b4faf78d48300a79e0e15138d664cdf796ffb86e533170a9893eda8"},
        {"hashed_phone_number": "1fa6b8d986d9b9cd01bf36951815158bbde9f520c0567c835dfe34783d0a4231"},
    ]


async def test_one_bad_conversion_fails_its_request_and_alone_it_is_refused_for_good(pixel: Destination) -> None:
    bad = pixel.render(relay_event("bad")) | {"identifiers": [{"hashed_email": "abc"}]}
    told = await pixel.send(relay_event("o-1"), bad)
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT] * 2
    assert pixel.standin.events() == []
    refused = await pixel.said(bad)
    assert refused.verdict is Verdict.PERMANENT
    assert "is not a valid SHA-256 hash" in (refused.reason or "")


async def test_a_whole_request_of_500_is_taken_and_a_repeat_counts_once(pixel: Destination) -> None:
    rendered = pixel.render(relay_event())
    for _ in range(2):
        told = await pixel.send(*({**rendered, "conversion_id": str(at)} for at in range(500)))
        assert {each.verdict for each in told.outcomes} == {Verdict.DELIVERED}
    counts = pixel.standin.counts()
    assert (counts["calls"], counts["ids"], counts["conversions"]) == (2, 500, 500)


async def test_a_conversion_counts_as_the_event_that_is_configured_for_its_name(pixel: Destination) -> None:
    assert pixel.render(relay_event(event_type="lead"))["event_id"] == "tw-o8z6j-o87nf"
    own = {"version": 2, "events": {"signup": "tw-o8z6j-o87ng"}}
    signup = relay_event(event_type="signup")
    assert pixel.render(signup, own)["event_id"] == "tw-o8z6j-o87ng"
    for kind in ("signup", "page_view", "rx_issued"):
        with pytest.raises(Skipped):
            pixel.render(relay_event(event_type=kind))


async def test_who_cannot_be_identified_or_has_refused_is_not_sent(pixel: Destination) -> None:
    for person in ({}, {"ip": "203.0.113.7"}, {"user_agent": "Mozilla/5.0"}, {"ip": "2001:db8::1", "user_agent": "M"}):
        with pytest.raises(Refused, match="known"):
            pixel.render(relay_event(user_data=person))
    with pytest.raises(Skipped, match="consent"):
        pixel.render(relay_event(consent={"ad_user_data": False}))
    weak = pixel.render(relay_event(user_data={"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}))
    assert (await pixel.said(weak)).verdict is Verdict.DELIVERED


@pytest.mark.parametrize("name", ["consumer_key", "consumer_secret", "access_token", "access_token_secret"])
async def test_any_of_four_secrets_that_is_wrong_stops_the_account(pixel: Destination, name: str) -> None:
    wrong = pixel.but(**{name: "stolen"})
    assert (await wrong.said(relay_event())).verdict is Verdict.AUTH
    assert (await wrong.test()).verdict is Verdict.AUTH


async def test_credentials_are_tried_without_a_conversion(pixel: Destination) -> None:
    assert (await pixel.test()).verdict is Verdict.DELIVERED
    nowhere = pixel.other(pixel_id="NO-PIXEL")
    assert (await nowhere.test()).verdict is Verdict.CONFIG
    assert pixel.standin.events() == []


async def test_a_throttled_account_waits_until_its_window_ends(pixel: Destination) -> None:
    pixel.standin.set_faults(error_rate_429=1, retry_after_s=600)
    told = await pixel.said(relay_event())
    assert told.verdict is Verdict.THROTTLED
    assert told.after is not None
    assert timedelta(seconds=590) < told.after <= timedelta(seconds=600)

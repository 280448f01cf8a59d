"""The generic adapter against a stand-in that verifies whom it hears."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.relay.generic import _headers
from adapters.relay.port import Skipped, Verdict
from deploy.sandbox.generic import Generic
from deploy.sandbox.standin import TOKEN
from tests.build.destinations import Destination, destination
from tests.build.sandbox import relay_event

SECRET = "a secret of some length"  # the stand-in's token in the tests of signatures


@pytest.fixture
async def receiver() -> AsyncIterator[Destination]:
    async with destination("generic_http") as made:
        yield made


async def test_an_event_arrives_in_our_words(receiver: Destination) -> None:
    assert (await receiver.said(relay_event())).verdict is Verdict.DELIVERED
    (taken,) = receiver.standin.events()
    assert taken.id == "bosley:purchase_completed:o-1"
    assert (taken.event["event"], taken.event["value"]) == ("purchase_completed", "129.50")


async def test_an_account_may_have_its_own_address_and_headers(receiver: Destination) -> None:
    url = receiver.account.base_url
    own = receiver.other(credentials={"url": url, "headers": {"Authorization": f"Bearer {TOKEN}"}})
    own.account = replace(own.account, base_url="")
    told = await own.send(relay_event())
    assert told.outcomes[0].verdict is Verdict.DELIVERED
    assert TOKEN not in f"{told}"


async def test_a_body_is_signed() -> None:
    async with destination("generic_http", Generic(token=SECRET)) as receiver:
        signing = receiver.other(credentials={"signing_secret": SECRET})
        assert (await signing.said(relay_event())).verdict is Verdict.DELIVERED
        assert (
            await receiver.other(credentials={"signing_secret": "x" * 20}).said(relay_event())
        ).verdict is Verdict.AUTH


async def test_an_id_that_is_not_ascii_stops_no_destination(receiver: Destination) -> None:
    assert (await receiver.said(relay_event("Größe 7"))).verdict is Verdict.DELIVERED
    assert receiver.standin.events()[0].event["id"] == "bosley:purchase_completed:Größe 7"


async def test_a_mapping_names_events_and_fields(receiver: Destination) -> None:
    mapping = {"version": 2, "other": "skip", "events": {"lead": "contact"}, "fields": {"email": "mail"}}
    said = receiver.render(relay_event("l-1", event_type="lead", payload={"email": "jane@example.com"}), mapping)
    assert (said["event"], said["properties"]["mail"]) == ("contact", "jane@example.com")
    with pytest.raises(Skipped, match="no counterpart"):
        receiver.render(relay_event(), mapping)


async def test_an_address_inside_is_never_contacted(receiver: Destination) -> None:
    inside = receiver.other(credentials={"url": "https://169.254.169.254/latest"})
    assert (await inside.said(relay_event())).verdict is Verdict.CONFIG
    nowhere = receiver.other(credentials={})
    nowhere.account = replace(nowhere.account, base_url="")
    assert (await nowhere.said(relay_event())).verdict is Verdict.CONFIG


async def test_a_wrong_token_pauses_the_destination(receiver: Destination) -> None:
    assert (await receiver.other(credentials={"bearer_token": "wrong"}).said(relay_event())).verdict is Verdict.AUTH


async def test_the_test_says_what_it_is(receiver: Destination) -> None:
    assert (await receiver.test()).verdict is Verdict.DELIVERED
    assert receiver.standin.events()[0].event["event"] == "mesh_test"


async def test_a_name_and_a_password_are_basic(receiver: Destination) -> None:
    known = receiver.other(credentials={"username": "aladdin", "password": "opensesame"}).account
    sent = _headers(known, "id", b"")
    assert sent["authorization"] == "Basic YWxhZGRpbjpvcGVuc2VzYW1l"

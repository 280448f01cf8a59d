"""Mixpanel's adapter against a stand-in that follows Mixpanel's pages."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from adapters.relay.port import Verdict
from deploy.sandbox.standin import TOKEN
from tests.build.destinations import Destination, destination
from tests.build.sandbox import relay_event


@pytest.fixture
async def mixpanel() -> AsyncIterator[Destination]:
    async with destination("mixpanel") as made:
        yield made


async def test_an_event_arrives_with_what_makes_it_itself(mixpanel: Destination) -> None:
    event = relay_event(user_data={"customer_id": "c-7"})
    await mixpanel.send(event)
    said = mixpanel.standin.events()[0].event
    assert said["event"] == "purchase_completed"
    assert said["properties"]["time"] == int(event.event_time.timestamp() * 1000)
    assert said["properties"]["distinct_id"] == "c-7"
    assert re.fullmatch("[0-9a-f]{36}", said["properties"]["$insert_id"])
    assert said["properties"]["event_id"] == "bosley:purchase_completed:o-1"


async def test_a_bad_one_is_named_and_the_rest_is_taken(mixpanel: Destination) -> None:
    late = relay_event("o-2", event_time=relay_event().event_time + timedelta(hours=3))
    told = await mixpanel.send(relay_event("o-1"), late, relay_event("o-3"))
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED, Verdict.PERMANENT, Verdict.DELIVERED]
    assert "properties.time" in str(told.outcomes[1].reason)
    assert mixpanel.standin.counts()["ids"] == 2


async def test_there_are_fewer_properties_than_mixpanel_takes(mixpanel: Destination) -> None:
    event = relay_event(payload={f"field_{at}": at for at in range(400)})
    assert (await mixpanel.said(event)).verdict is Verdict.DELIVERED


async def test_too_many_events_are_to_be_split(mixpanel: Destination) -> None:
    one = mixpanel.render(relay_event())
    told = await mixpanel.send(*[one] * 2001)
    assert {each.verdict for each in told.outcomes} == {Verdict.SPLIT}


async def test_a_service_account_goes_before_the_token(mixpanel: Destination) -> None:
    service = {"service_account": TOKEN, "service_secret": "s", "project_id": "42"}
    assert (
        await mixpanel.other(credentials={"token": "old", **service}).said(relay_event())
    ).verdict is Verdict.DELIVERED

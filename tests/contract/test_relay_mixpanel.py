"""Mixpanel's adapter against a stand-in that follows Mixpanel's pages."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from adapters.relay.mixpanel import Mixpanel as Adapter
from adapters.relay.port import Skipped, Verdict
from deploy.sandbox.mixpanel import Mixpanel
from deploy.sandbox.standin import TOKEN
from tests.build.partner import Partner, partner
from tests.build.sandbox import relay_event


@pytest.fixture
async def mixpanel() -> AsyncIterator[Partner]:
    async with partner(Adapter, Mixpanel(), {"token": TOKEN}) as found:
        yield found


async def test_a_batch_is_taken_in_one_call(mixpanel: Partner) -> None:
    told = await mixpanel.send(relay_event("o-1"), relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED] * 2
    assert mixpanel.standin.counts() | {"calls": 1, "ids": 2} == mixpanel.standin.counts()


async def test_an_event_arrives_with_what_makes_it_itself(mixpanel: Partner) -> None:
    event = relay_event(user_data={"customer_id": "c-7"})
    await mixpanel.send(event)
    said = mixpanel.taken()[0].event
    assert said["event"] == "purchase_completed"
    assert said["properties"]["time"] == int(event.event_time.timestamp() * 1000)
    assert said["properties"]["distinct_id"] == "c-7"
    assert re.fullmatch("[0-9a-f]{36}", said["properties"]["$insert_id"])
    assert said["properties"]["event_id"] == "bosley:purchase_completed:o-1"


async def test_a_bad_one_is_named_and_the_rest_is_taken(mixpanel: Partner) -> None:
    late = relay_event("o-2", event_time=relay_event().event_time + timedelta(hours=3))
    told = await mixpanel.send(relay_event("o-1"), late, relay_event("o-3"))
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED, Verdict.PERMANENT, Verdict.DELIVERED]
    assert "properties.time" in str(told.outcomes[1].reason)
    assert mixpanel.standin.counts()["ids"] == 2


async def test_a_repeat_is_one_conversion(mixpanel: Partner) -> None:
    event = relay_event()
    await mixpanel.send(event)
    await mixpanel.send(event)
    assert (mixpanel.taken()[0].count, mixpanel.taken()[0].conversions) == (2, 1)


async def test_without_consent_nothing_is_said(mixpanel: Partner) -> None:
    with pytest.raises(Skipped, match="analytics"):
        mixpanel.render(relay_event(consent={"analytics": False}))


async def test_there_are_fewer_properties_than_mixpanel_takes(mixpanel: Partner) -> None:
    event = relay_event(payload={f"field_{at}": at for at in range(400)})
    assert (await mixpanel.said(event)).verdict is Verdict.DELIVERED


async def test_too_many_events_are_to_be_split(mixpanel: Partner) -> None:
    one = mixpanel.render(relay_event())
    told = await mixpanel.send(*[one] * 2001)
    assert {each.verdict for each in told.outcomes} == {Verdict.SPLIT}


async def test_a_wrong_token_pauses_the_destination(mixpanel: Partner) -> None:
    stranger = mixpanel.with_credentials(token="wrong")
    assert (await stranger.said(relay_event())).verdict is Verdict.AUTH
    assert (await stranger.test()).verdict is Verdict.AUTH


async def test_the_test_counts_no_event(mixpanel: Partner) -> None:
    assert (await mixpanel.test()).verdict is Verdict.DELIVERED
    assert not mixpanel.taken()


async def test_a_service_account_goes_before_the_token(mixpanel: Partner) -> None:
    service = {"service_account": TOKEN, "service_secret": "s", "project_id": "42"}
    assert (await mixpanel.with_credentials(token="old", **service).said(relay_event())).verdict is Verdict.DELIVERED


async def test_the_token_is_in_nothing_that_is_kept(mixpanel: Partner) -> None:
    assert TOKEN not in f"{await mixpanel.send(relay_event())}"

"""Segment's adapter against a stand-in that follows Segment's pages."""

from collections.abc import AsyncIterator

import pytest

from adapters.relay.port import Refused, Verdict
from tests.build.destinations import Destination, destination
from tests.build.sandbox import relay_event


@pytest.fixture
async def segment() -> AsyncIterator[Destination]:
    async with destination("segment") as made:
        yield made


async def test_a_purchase_is_a_completed_order_with_its_revenue(segment: Destination) -> None:
    event = relay_event(payload={"order_id": "o-1", "items": [{"sku": "a"}], "utm_source": "bing"})
    await segment.send(event)
    said = segment.standin.events()[0].event
    assert (said["type"], said["event"]) == ("track", "Order Completed")
    assert said["properties"]["revenue"] == 129.5
    assert said["properties"]["products"] == [{"sku": "a"}]
    assert said["context"]["campaign"] == {"source": "bing"}
    assert said["timestamp"] == event.event_time.isoformat().replace("+00:00", "Z")


async def test_a_user_who_is_known_is_named_beside_the_visitor(segment: Destination) -> None:
    said = segment.render(relay_event(user_data={"customer_id": 4711}, payload={"client_id": "1.2"}))
    assert (said["userId"], said["anonymousId"]) == ("4711", "1.2")


async def test_consent_goes_with_the_event(segment: Destination) -> None:
    said = segment.render(relay_event(consent={"ad_user_data": False, "analytics": True}))
    assert said["context"]["consent"]["categoryPreferences"] == {"ad_user_data": False, "analytics": True}


async def test_an_event_that_segment_would_not_take_is_refused_before(segment: Destination) -> None:
    with pytest.raises(Refused, match="32000 bytes"):
        segment.render(relay_event(payload={f"f{at}": "x" * 1000 for at in range(40)}))


async def test_a_long_id_is_cut_to_what_is_recognised(segment: Destination) -> None:
    assert (await segment.said(relay_event("o" * 100))).verdict is Verdict.DELIVERED
    assert len(segment.standin.events()[0].id) == 64


async def test_a_batch_that_is_refused_is_to_be_split_and_one_event_is_dead(segment: Destination) -> None:
    large = {"type": "track", "event": "x", "userId": "u", "messageId": "m", "properties": {"x": "y" * 33_000}}
    assert {each.verdict for each in (await segment.send(relay_event(), large)).outcomes} == {Verdict.SPLIT}
    assert (await segment.said(large)).verdict is Verdict.PERMANENT


async def test_a_wrong_key_is_answered_like_a_right_one_and_the_test_says_so(segment: Destination) -> None:
    stranger = segment.other(credentials={"write_key": "wrong"})
    assert (await stranger.said(relay_event())).verdict is Verdict.DELIVERED
    assert not segment.standin.events()
    assert [each["reason"] for each in segment.standin.dropped()] == ["unknown write key"]
    outcome = await stranger.test()
    assert outcome.verdict is Verdict.DELIVERED
    assert "debugger" in str(outcome.reason)

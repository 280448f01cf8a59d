"""Segment's adapter against a stand-in that follows Segment's pages."""

from collections.abc import AsyncIterator

import pytest

from adapters.relay.port import Refused, Skipped, Verdict
from adapters.relay.segment import Segment as Adapter
from deploy.sandbox.segment import Segment
from deploy.sandbox.standin import TOKEN
from tests.build.partner import Partner, partner
from tests.build.sandbox import relay_event


@pytest.fixture
async def segment() -> AsyncIterator[Partner]:
    async with partner(Adapter, Segment(), {"write_key": TOKEN}, "/v1") as found:
        yield found


async def test_a_batch_is_taken_in_one_call_under_our_ids(segment: Partner) -> None:
    told = await segment.send(relay_event("o-1"), relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED] * 2
    assert [each.id for each in segment.taken()] == ["bosley:purchase_completed:o-1", "bosley:purchase_completed:o-2"]
    assert segment.standin.counts()["calls"] == 1


async def test_a_purchase_is_a_completed_order_with_its_revenue(segment: Partner) -> None:
    event = relay_event(payload={"order_id": "o-1", "items": [{"sku": "a"}], "utm_source": "bing"})
    await segment.send(event)
    said = segment.taken()[0].event
    assert (said["type"], said["event"]) == ("track", "Order Completed")
    assert said["properties"]["revenue"] == 129.5
    assert said["properties"]["products"] == [{"sku": "a"}]
    assert said["context"]["campaign"] == {"source": "bing"}
    assert said["timestamp"] == event.event_time.isoformat().replace("+00:00", "Z")


async def test_a_user_who_is_known_is_named_beside_the_visitor(segment: Partner) -> None:
    said = segment.render(relay_event(user_data={"customer_id": 4711}, payload={"client_id": "1.2"}))
    assert (said["userId"], said["anonymousId"]) == ("4711", "1.2")


async def test_consent_goes_with_the_event(segment: Partner) -> None:
    said = segment.render(relay_event(consent={"ad_user_data": False, "analytics": True}))
    assert said["context"]["consent"]["categoryPreferences"] == {"ad_user_data": False, "analytics": True}


async def test_without_consent_to_analytics_nothing_is_said(segment: Partner) -> None:
    with pytest.raises(Skipped, match="analytics"):
        segment.render(relay_event(consent={"analytics": False}))


async def test_an_event_that_segment_would_not_take_is_refused_before(segment: Partner) -> None:
    with pytest.raises(Refused, match="32000 bytes"):
        segment.render(relay_event(payload={f"f{at}": "x" * 1000 for at in range(40)}))


async def test_a_repeat_is_one_conversion(segment: Partner) -> None:
    await segment.send(relay_event())
    await segment.send(relay_event())
    (taken,) = segment.taken()
    assert (taken.count, taken.conversions) == (2, 1)


async def test_a_long_id_is_cut_to_what_is_recognised(segment: Partner) -> None:
    assert (await segment.said(relay_event("o" * 100))).verdict is Verdict.DELIVERED
    assert len(segment.taken()[0].id) == 64


async def test_a_batch_that_is_refused_is_to_be_split_and_one_event_is_dead(segment: Partner) -> None:
    large = {"type": "track", "event": "x", "userId": "u", "messageId": "m", "properties": {"x": "y" * 33_000}}
    assert {each.verdict for each in (await segment.send(relay_event(), large)).outcomes} == {Verdict.SPLIT}
    assert (await segment.said(large)).verdict is Verdict.PERMANENT


async def test_a_wrong_key_is_answered_like_a_right_one_and_the_test_says_so(segment: Partner) -> None:
    stranger = segment.with_credentials(write_key="wrong")
    assert (await stranger.said(relay_event())).verdict is Verdict.DELIVERED
    assert not segment.taken()
    assert [each["reason"] for each in segment.standin.dropped()] == ["unknown write key"]
    outcome = await stranger.test()
    assert outcome.verdict is Verdict.DELIVERED
    assert "debugger" in str(outcome.reason)


async def test_the_key_is_in_nothing_that_is_kept(segment: Partner) -> None:
    told = await segment.send(relay_event())
    assert TOKEN not in f"{told}"


async def test_faults_are_what_they_are(segment: Partner) -> None:
    segment.standin.set_faults(error_rate_429=1, retry_after_s=7)
    outcome = await segment.said(relay_event())
    assert outcome.verdict is Verdict.THROTTLED
    assert outcome.after is not None
    assert outcome.after.total_seconds() == 7
    segment.standin.set_faults(down=True)
    assert (await segment.said(relay_event())).verdict is Verdict.TRANSIENT
    segment.standin.set_faults(hang_rate=1, hang_s=5)
    assert (await segment.said(relay_event())).verdict is Verdict.UNKNOWN

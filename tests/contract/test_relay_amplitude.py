"""Amplitude's adapter against a stand-in that follows Amplitude's pages."""

from collections.abc import AsyncIterator

import pytest

from adapters.relay.port import RelayEvent, Verdict
from tests.build.destinations import Destination, destination
from tests.build.sandbox import relay_event


@pytest.fixture
async def amplitude() -> AsyncIterator[Destination]:
    async with destination("amplitude") as made:
        yield made


def bought(order: str) -> RelayEvent:
    """A purchase on a device of its own."""
    return relay_event(order, payload={"order_id": order, "client_id": f"device of {order}"})


async def test_an_event_arrives_with_its_time_and_revenue(amplitude: Destination) -> None:
    event = bought("o-1")
    await amplitude.send(event)
    said = amplitude.standin.events()[0].event
    assert said["time"] == int(event.event_time.timestamp() * 1000)
    assert said["revenue"] == 129.5
    assert said["event_properties"]["currency"] == "USD"


async def test_short_ids_are_taken(amplitude: Destination) -> None:
    event = relay_event(user_data={"external_id": "7"}, payload={"client_id": "1"})
    assert (await amplitude.said(event)).verdict is Verdict.DELIVERED


async def test_a_bad_one_is_named_and_the_others_may_go_without_it(amplitude: Destination) -> None:
    bad = amplitude.render(bought("o-2")) | {"time": -1}
    told = await amplitude.send(bought("o-1"), bad, bought("o-3"))
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT, Verdict.PERMANENT, Verdict.SPLIT]
    assert "time" in str(told.outcomes[1].reason)
    assert not amplitude.standin.events()


async def test_an_event_without_a_type_is_named_too(amplitude: Destination) -> None:
    told = await amplitude.send({"device_id": "d-1234"}, bought("o-1"))
    assert [each.verdict for each in told.outcomes] == [Verdict.PERMANENT, Verdict.SPLIT]


async def test_a_busy_device_is_throttled_for_half_a_minute(amplitude: Destination) -> None:
    one = amplitude.render(bought("o-1"))
    told = await amplitude.send(*[one | {"insert_id": f"i-{at}"} for at in range(31)])
    assert {each.verdict for each in told.outcomes} == {Verdict.THROTTLED}
    assert told.outcomes[0].after is not None
    assert told.outcomes[0].after.total_seconds() == 30
    assert not amplitude.standin.events()


async def test_a_wrong_key_pauses_the_destination(amplitude: Destination) -> None:
    stranger = amplitude.other(credentials={"api_key": "wrong-key"})
    told = await stranger.send(bought("o-1"), bought("o-2"))
    assert {each.verdict for each in told.outcomes} == {Verdict.AUTH}
    assert "wrong-key" not in f"{told}"
    assert (await stranger.test()).verdict is Verdict.AUTH


async def test_too_large_a_batch_is_to_be_split(amplitude: Destination) -> None:
    large = amplitude.render(bought("o-1")) | {"event_properties": {"x": "y" * 600_000}}
    assert {each.verdict for each in (await amplitude.send(large, large)).outcomes} == {Verdict.SPLIT}

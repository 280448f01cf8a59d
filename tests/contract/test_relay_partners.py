"""Every analytics and engagement platform at once, each at its stand-in: all events arrive, whatever goes wrong."""

from collections.abc import AsyncIterator

import pytest

from persistence.uow import Uow
from schemas.relay.records import DeliveryState
from tests.build.market import Market, market

EVENTS = 40
PARTNERS = ("segment", "klaviyo", "braze", "amplitude", "mixpanel", "generic_http")


@pytest.fixture
async def partners(uow: Uow) -> AsyncIterator[Market]:
    async with market(uow, PARTNERS) as made:
        await made.accept(*(f"o-{number}" for number in range(EVENTS)))
        yield made


async def test_every_event_arrives_everywhere_once(partners: Market) -> None:
    await partners.send()
    for code, standin in partners.standins.items():
        assert {each.state for each in await partners.of(code)} == {DeliveryState.DELIVERED}
        counts = standin.counts()
        assert (code, counts["ids"], counts["conversions"], counts["refused"]) == (code, EVENTS, EVENTS, 0)
    assert partners.standins["segment"].counts()["calls"] == 1
    assert partners.standins["klaviyo"].counts()["calls"] == EVENTS


async def test_what_goes_wrong_costs_no_event_and_counts_none_twice(partners: Market) -> None:
    for seed, standin in enumerate(partners.standins.values()):
        standin.set_faults(error_rate_429=0.1, error_rate_500=0.2, seed=seed)
    for _ in range(40):
        await partners.send()
        if await partners.is_done():
            break
    for code, standin in partners.standins.items():
        done = await partners.of(code)
        assert standin.counts()["conversions"] == standin.counts()["ids"]
        if code == "braze":  # it recognises no repeat, so that what it may have taken is left to an operator
            assert {each.state for each in done} <= {DeliveryState.DELIVERED, DeliveryState.DEAD}
            assert all("repeat" in str(each.reason) for each in done if each.state is DeliveryState.DEAD)
        else:
            assert (code, {each.state for each in done}) == (code, {DeliveryState.DELIVERED})
            assert (code, standin.counts()["ids"]) == (code, EVENTS)


async def test_one_that_is_down_keeps_the_others_from_nothing(partners: Market) -> None:
    partners.standins["mixpanel"].set_faults(down=True)
    await partners.send()
    for code in PARTNERS:
        wanted = DeliveryState.PENDING if code == "mixpanel" else DeliveryState.DELIVERED
        assert (code, {each.state for each in await partners.of(code)}) == (code, {wanted})
    partners.standins["mixpanel"].set_faults()
    for _ in range(5):
        await partners.send()
    assert {each.state for each in await partners.of("mixpanel")} == {DeliveryState.DELIVERED}

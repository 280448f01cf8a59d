"""LinkedIn, Microsoft, X and Google Ads at once, each at its stand-in: all events arrive, whatever goes wrong."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from persistence.uow import Uow
from schemas.relay.records import DeliveryState
from tests.build.market import Market, market

EVENTS = 60


@pytest.fixture
async def advertiser(uow: Uow) -> AsyncIterator[Market]:
    async with market(uow, ("linkedin_capi", "microsoft_ads", "twitter_capi", "google_ads")) as made:
        yield made


async def test_every_event_arrives_everywhere_once_and_in_one_call(advertiser: Market) -> None:
    await advertiser.accept(*(f"o-{number}" for number in range(EVENTS)))
    await advertiser.send()
    for code, standin in advertiser.standins.items():
        assert {each.state for each in await advertiser.of(code)} == {DeliveryState.DELIVERED}
        counts = standin.counts()
        assert (code, counts["ids"], counts["conversions"], counts["refused"]) == (code, EVENTS, EVENTS, 0)
        assert counts["calls"] == (2 if code == "google_ads" else 1)  # one for its access token


async def test_what_goes_wrong_costs_no_event_and_counts_none_twice(advertiser: Market) -> None:
    await advertiser.accept(*(f"o-{number}" for number in range(EVENTS)))
    for seed, standin in enumerate(advertiser.standins.values()):
        standin.set_faults(error_rate_429=0.2, error_rate_500=0.3, seed=seed)
    for turn in range(40):
        await advertiser.send()
        if await advertiser.is_done() and turn > 3:
            break
        if turn < 4:
            await advertiser.accept(*(f"t-{turn}-{number}" for number in range(5)))
    for code, standin in advertiser.standins.items():
        assert (code, {each.state for each in await advertiser.of(code)}) == (code, {DeliveryState.DELIVERED})
        counts = standin.counts()
        assert (code, counts["ids"], counts["conversions"]) == (code, EVENTS + 20, EVENTS + 20)


async def test_an_event_that_is_refused_costs_its_neighbours_at_most_a_call(advertiser: Market) -> None:
    for code in ("linkedin_capi", "microsoft_ads", "google_ads"):  # for whom it is too old two hours before we think so
        advertiser.standins[code].clock = lambda: time.time() + 7200
    await advertiser.accept("week", at=timedelta(hours=1, days=-7))
    await advertiser.accept("quarter", at=timedelta(hours=1, days=-90))
    await advertiser.accept(*(f"o-{number}" for number in range(EVENTS)))
    await advertiser.send()
    dead = {"linkedin_capi": {"quarter"}, "microsoft_ads": {"week", "quarter"}, "google_ads": {"quarter"}}
    for code, standin in advertiser.standins.items():
        found = {each.downstream_id.rpartition(":")[2]: each.state for each in await advertiser.of(code)}
        assert (code, {name for name, state in found.items() if state is DeliveryState.DEAD}) == (
            code,
            dead.get(code, set()),
        )
        assert list(found.values()).count(DeliveryState.DELIVERED) == len(found) - len(dead.get(code, ()))
        assert standin.counts()["calls"] <= (3 if code == "google_ads" else 2)

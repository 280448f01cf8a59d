"""Braze's adapter against a stand-in that follows Braze's pages."""

from collections.abc import AsyncIterator

import pytest

from adapters.relay.braze import Braze as Adapter
from adapters.relay.port import Refused, Verdict
from deploy.sandbox.standin import TOKEN
from tests.build.destinations import Destination, destination
from tests.build.sandbox import relay_event


@pytest.fixture
async def braze() -> AsyncIterator[Destination]:
    async with destination("braze") as made:
        yield made


async def test_purchases_and_events_go_in_one_call(braze: Destination) -> None:
    told = await braze.send(relay_event("o-1"), relay_event("l-1", event_type="lead"), relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED] * 3
    assert braze.standin.counts()["calls"] == 1
    by_id = {each.id: each.event for each in braze.standin.events()}
    bought, lead = by_id["bosley:purchase_completed:o-1"], by_id["bosley:lead:l-1"]
    assert (bought["product_id"], bought["price"], bought["currency"]) == ("order", 129.5, "USD")
    assert bought["app_id"] == "app-1"
    assert lead["name"] == "lead"


async def test_an_object_has_one_identifier_the_shops_own_first(braze: Destination) -> None:
    assert (
        braze.render(relay_event(user_data={"external_id": "c-7", "email": "jane@example.com"}))["purchases"][
            "external_id"
        ]
        == "c-7"
    )
    by_mail = braze.render(relay_event())["purchases"]
    assert by_mail["email"] == "Jane.Doe@Example.com"
    assert "phone" not in by_mail


async def test_nobody_is_refused_and_so_is_a_purchase_without_money(braze: Destination) -> None:
    with pytest.raises(Refused, match="identifies a user"):
        braze.render(relay_event(user_data={}))
    with pytest.raises(Refused, match="currency"):
        braze.render(relay_event(currency=None))


async def test_a_bad_one_is_named_by_its_list_and_place_and_the_rest_is_taken(braze: Destination) -> None:
    bad = braze.render(relay_event("o-2"))
    bad["purchases"]["price"] = "much"
    told = await braze.send(relay_event("l-1", event_type="lead"), relay_event("o-1"), bad, relay_event("o-3"))
    assert [each.verdict for each in told.outcomes] == [
        Verdict.DELIVERED,
        Verdict.DELIVERED,
        Verdict.PERMANENT,
        Verdict.DELIVERED,
    ]
    assert told.outcomes[2].reason == "'price' is not valid"
    assert braze.standin.counts()["ids"] == 3


async def test_where_all_are_bad_all_are_dead(braze: Destination) -> None:
    bad = braze.render(relay_event())
    bad["purchases"]["time"] = "yesterday"
    told = await braze.send(bad, bad)
    assert {each.verdict for each in told.outcomes} == {Verdict.PERMANENT}


async def test_what_may_have_been_taken_is_not_sent_again(braze: Destination) -> None:
    braze.standin.set_faults(hang_rate=1, hang_s=5)
    assert (await braze.said(relay_event())).verdict is Verdict.UNKNOWN
    assert not braze.adapter.limits.recognises(braze.render(relay_event()))
    assert braze.standin.counts()["ids"] == 1


async def test_an_account_may_name_its_own_instance(braze: Destination) -> None:
    other = braze.other(credentials={"api_key": TOKEN, "instance_url": "https://10.0.0.1"})
    outcome = await other.said(relay_event())
    assert outcome.verdict is Verdict.CONFIG
    assert not braze.standin.events()


async def test_a_full_batch_is_taken_and_one_more_is_to_be_split(braze: Destination) -> None:
    full = [relay_event(f"o-{at}") for at in range(Adapter.limits.events_a_call)]
    assert {each.verdict for each in (await braze.send(*full)).outcomes} == {Verdict.DELIVERED}
    assert {each.verdict for each in (await braze.send(*full, relay_event())).outcomes} == {Verdict.SPLIT}

"""Braze's adapter against a stand-in that follows Braze's pages."""

from collections.abc import AsyncIterator

import pytest

from adapters.relay.braze import Braze as Adapter
from adapters.relay.port import Refused, Skipped, Verdict
from deploy.sandbox.braze import Braze
from deploy.sandbox.standin import TOKEN
from tests.build.partner import Partner, partner
from tests.build.sandbox import relay_event


@pytest.fixture
async def braze() -> AsyncIterator[Partner]:
    async with partner(Adapter, Braze(), {"api_key": TOKEN, "app_id": "app-1"}) as found:
        yield found


async def test_purchases_and_events_go_in_one_call(braze: Partner) -> None:
    told = await braze.send(relay_event("o-1"), relay_event("l-1", event_type="lead"), relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED] * 3
    assert braze.standin.counts()["calls"] == 1
    by_id = {each.id: each.event for each in braze.taken()}
    bought, lead = by_id["bosley:purchase_completed:o-1"], by_id["bosley:lead:l-1"]
    assert (bought["product_id"], bought["price"], bought["currency"]) == ("order", 129.5, "USD")
    assert bought["app_id"] == "app-1"
    assert lead["name"] == "lead"


async def test_an_object_has_one_identifier_the_shops_own_first(braze: Partner) -> None:
    assert (
        braze.render(relay_event(user_data={"external_id": "c-7", "email": "jane@example.com"}))["purchases"][
            "external_id"
        ]
        == "c-7"
    )
    by_mail = braze.render(relay_event())["purchases"]
    assert by_mail["email"] == "Jane.Doe@Example.com"
    assert "phone" not in by_mail


async def test_nobody_is_refused_and_so_is_a_purchase_without_money(braze: Partner) -> None:
    with pytest.raises(Refused, match="identifies a user"):
        braze.render(relay_event(user_data={}))
    with pytest.raises(Refused, match="currency"):
        braze.render(relay_event(currency=None))


async def test_without_consent_nothing_is_said(braze: Partner) -> None:
    with pytest.raises(Skipped, match="marketing"):
        braze.render(relay_event(consent={"marketing": False}))


async def test_a_bad_one_is_named_by_its_list_and_place_and_the_rest_is_taken(braze: Partner) -> None:
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


async def test_where_all_are_bad_all_are_dead(braze: Partner) -> None:
    bad = braze.render(relay_event())
    bad["purchases"]["time"] = "yesterday"
    told = await braze.send(bad, bad)
    assert {each.verdict for each in told.outcomes} == {Verdict.PERMANENT}


async def test_what_may_have_been_taken_is_not_sent_again(braze: Partner) -> None:
    braze.standin.set_faults(hang_rate=1, hang_s=5)
    outcome = await braze.said(relay_event())
    assert outcome.verdict is Verdict.PERMANENT
    assert "repeat" in str(outcome.reason)
    assert braze.standin.counts()["ids"] == 1


async def test_what_was_not_taken_is_sent_again(braze: Partner) -> None:
    braze.standin.set_faults(down=True)
    assert (await braze.said(relay_event())).verdict is Verdict.TRANSIENT


async def test_a_wrong_key_pauses_the_destination(braze: Partner) -> None:
    stranger = braze.with_credentials(api_key="wrong")
    assert (await stranger.said(relay_event())).verdict is Verdict.AUTH
    assert (await stranger.test()).verdict is Verdict.AUTH


async def test_the_test_counts_no_event(braze: Partner) -> None:
    assert (await braze.test()).verdict is Verdict.DELIVERED
    assert not braze.taken()


async def test_an_account_may_name_its_own_instance(braze: Partner) -> None:
    other = braze.with_credentials(api_key=TOKEN, instance_url="https://10.0.0.1")
    outcome = await other.said(relay_event())
    assert outcome.verdict is Verdict.CONFIG
    assert not braze.taken()


async def test_a_full_batch_is_taken_and_one_more_is_to_be_split(braze: Partner) -> None:
    full = [relay_event(f"o-{at}") for at in range(Adapter.limits.events_a_call)]
    assert {each.verdict for each in (await braze.send(*full)).outcomes} == {Verdict.DELIVERED}
    assert {each.verdict for each in (await braze.send(*full, relay_event())).outcomes} == {Verdict.SPLIT}

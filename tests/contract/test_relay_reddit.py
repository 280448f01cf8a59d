"""Reddit's adapter against a stand-in that follows Reddit's pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256

import pytest

from adapters.relay.port import Refused, Skipped, Verdict
from adapters.relay.reddit import email
from deploy.sandbox.standin import answer
from tests.build.destinations import Destination, destination
from tests.build.sandbox import PERSON, relay_event


@pytest.fixture
async def pixel() -> AsyncIterator[Destination]:
    async with destination("reddit_capi") as made:
        yield made


async def test_an_event_arrives_as_reddit_documents_it(pixel: Destination) -> None:
    event = relay_event("o-1", user_data={**PERSON, "rdt_cid": "rdt1", "external_id": "user-1"})
    event.payload["items"] = [{"id": "A-1", "quantity": 2, "price": 10.5, "category": "care"}]  # type: ignore[index]
    assert (await pixel.said(event)).verdict is Verdict.DELIVERED
    (taken,) = pixel.taken()
    assert taken["event_at"] == int(event.event_time.timestamp() * 1000)
    assert (taken["action_source"], taken["click_id"]) == ("WEBSITE", "rdt1")
    assert taken["type"] == {"tracking_type": "PURCHASE"}
    assert taken["metadata"] == {
        "conversion_id": "bosley:purchase_completed:o-1",
        "currency": "USD",
        "value": 129.5,
        "item_count": 2,
        "products": [{"id": "A-1", "category": "care", "quantity": 2, "item_price": 10.5}],
    }
    hashed = {"email": "janedoe@example.com", "phone_number": "+16505551212", "external_id": "user-1"}
    assert {name: taken["user"][name] for name in hashed} == {
        name: sha256(value.encode()).hexdigest() for name, value in hashed.items()
    }


@pytest.mark.parametrize("said", ["alice@example.com", "Al.ice$+Apple@Example.Com", " ALICE@example.com "])
def test_an_address_has_the_digest_that_reddit_publishes(said: str) -> None:
    assert email(said) == "ff8d9819fc0e12bf0d24892e45987e249a28dce836a85cad60e28eaaa8c6d976"


@pytest.mark.parametrize("nothing", [None, "", "no address", "+@example.com", 7])
def test_what_is_no_address_has_no_digest(nothing: object) -> None:
    assert email(nothing) is None


def test_a_digest_passes_through() -> None:
    assert email("AB" * 32) == "ab" * 32


async def test_a_number_has_the_digest_that_reddit_publishes(pixel: Destination) -> None:
    user = pixel.render(relay_event(user_data={"phone": "+1 (555) 444-1234"}))["user"]
    assert user["phone_number"] == "e5b124c58580eb16bd959b8d0cac12b12c952e2ceae0203d416cff94f10b994a"


async def test_an_event_of_our_own_is_a_custom_one(pixel: Destination) -> None:
    rendered = pixel.render(relay_event(event_type="consult_completed"))
    assert rendered["type"] == {"tracking_type": "CUSTOM", "custom_event_name": "consult_completed"}
    assert (await pixel.said(rendered)).verdict is Verdict.DELIVERED


async def test_one_bad_event_spoils_its_batch_and_alone_it_is_refused_for_good(pixel: Destination) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=8))
    told = await pixel.send(relay_event("o-1"), stale)
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT] * 2
    assert "There were 1 invalid conversion events" in (told.outcomes[0].reason or "")
    assert pixel.taken() == []
    assert (await pixel.said(stale)).verdict is Verdict.PERMANENT


async def test_an_amount_without_its_currency_is_not_said(pixel: Destination) -> None:
    rendered = pixel.render(relay_event(currency=None))
    assert "value" not in rendered["metadata"]
    assert (await pixel.said(rendered)).verdict is Verdict.DELIVERED


@pytest.mark.parametrize("token", ["", "secret\n", "sécrèt"])
async def test_a_token_that_no_header_can_carry_is_a_wrong_configuration_and_is_not_told(
    pixel: Destination, token: str
) -> None:
    wrong = pixel.other(credentials={"access_token": token, "pixel_id": "a2_abc"})
    said = await wrong.said(relay_event())
    assert said.verdict is Verdict.CONFIG
    assert (said.reason or "").startswith("the credentials have characters")
    assert (await wrong.test()).verdict is Verdict.CONFIG


async def test_somebody_elses_pixel_stops_the_account(pixel: Destination) -> None:
    wrong = pixel.other(pixel_id="other_1")
    assert (await wrong.said(relay_event())).verdict is Verdict.AUTH
    assert (await wrong.test()).verdict is Verdict.AUTH


async def test_events_of_a_test_are_taken_and_not_counted(pixel: Destination) -> None:
    trying = pixel.other(credentials={**pixel.account.credentials, "test_id": "t2_x"})
    assert (await trying.said(relay_event())).verdict is Verdict.DELIVERED
    assert pixel.taken() == []


async def test_an_answer_that_counts_fewer_is_not_believed(pixel: Destination) -> None:
    pixel.standin.set_faults(error_rate_500=1)
    said = {"data": {"message": "Successfully processed 1 conversion events."}}
    pixel.standin.broken = lambda: answer(200, said)  # type: ignore[method-assign]
    told = await pixel.said(relay_event("o-1"), relay_event("o-2"))
    assert told.verdict is Verdict.UNKNOWN


async def test_consent_is_obeyed(pixel: Destination) -> None:
    with pytest.raises(Skipped, match="ad_user_data"):
        pixel.render(relay_event(consent={"ad_user_data": False}))
    limited = pixel.render(relay_event(consent={"ad_personalization": False}))
    assert limited["user"]["data_processing_options"] == {"modes": ["LDU"]}
    assert (await pixel.said(limited)).verdict is Verdict.DELIVERED


async def test_what_nobody_could_be_found_by_is_refused(pixel: Destination) -> None:
    with pytest.raises(Refused, match="match key"):
        pixel.render(relay_event(user_data={}))

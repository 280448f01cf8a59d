"""A stored event as adapters read it."""

import orjson
import pytest

from adapters.relay.mapping import built_in
from adapters.relay.port import Refused, Skipped
from adapters.relay.registry import ADAPTERS
from handlers.relay.reading import event_of
from tests.build.relay import event
from tests.build.sandbox import PERSON, account

PAGE = "https://bosley.example/thanks?email=ann%40b.co&phone=%2B16505559999&utm_source=bing"


@pytest.mark.parametrize("code", ADAPTERS)
def test_no_destination_is_told_who_somebody_is_by_the_address_of_a_page(code: str) -> None:
    said = {
        "order_id": "o-1",
        "value": "129.50",
        "currency": "USD",
        "event_source_url": PAGE,
        "page_location": PAGE,
        "page_url": PAGE,
        "referrer": PAGE,
        "referrer_url": PAGE,
        "items": [{"id": "1", "url": PAGE}],
        "user_data": {**PERSON, "gclid": "Cj0", "event_source_url": PAGE, "client_id": "1.2"},
    }
    read = event_of(event(event_payload=orjson.dumps(said).decode()), "bosley:purchase_completed:o-1")
    target = account(code, "https://x.example", {"conversion_id": "1", "event_id": "tw-1", "conversion_action_id": "1"})
    try:
        rendered = ADAPTERS[code](None).render(read, target, built_in(code))  # type: ignore[arg-type]  # nothing is sent
    except (Refused, Skipped) as error:
        pytest.fail(str(error))
    text = orjson.dumps(rendered).decode()
    assert "ann" not in text.lower().replace("channel", "")
    assert "5559999" not in text


def test_what_a_producer_calls_money_and_is_none_is_none() -> None:
    read = event_of(event(event_payload='{"value": "much", "currency": "USD"}'), "id")
    assert (read.value, read.currency) == (None, None)


def test_consent_is_read_however_it_is_said() -> None:
    said = (
        '{"consent": {"ad_user_data": "DENIED", "analytics": true, "ad_personalization": "perhaps", "marketing": "no"}}'
    )
    read = event_of(event(event_payload=said), "id")
    assert read.consent == {"ad_user_data": False, "analytics": True, "marketing": False}


@pytest.mark.parametrize("said", ["null", "[]", '"ann"', "7"])
def test_a_person_in_another_shape_is_nobody(said: str) -> None:
    assert event_of(event(event_payload=f'{{"user_data": {said}}}'), "id").user_data == {}


@pytest.mark.parametrize("said", ["null", "[]", '"granted"', "{}"])
def test_consent_in_another_shape_was_not_asked(said: str) -> None:
    assert event_of(event(event_payload=f'{{"consent": {said}}}'), "id").consent == {}

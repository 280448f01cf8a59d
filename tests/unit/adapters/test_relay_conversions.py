"""Whatever producers send, it is said to those with conversions of their own so that they take it, or not at all."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adapters.relay.conversions import short
from adapters.relay.google_ads import GoogleAds
from adapters.relay.http import body_of
from adapters.relay.linkedin import LinkedIn
from adapters.relay.mapping import built_in
from adapters.relay.microsoft import Microsoft
from adapters.relay.port import Adapter, Refused, RelayEvent, Skipped
from adapters.relay.x import X
from deploy.sandbox import google_ads, linkedin, microsoft, x
from tests.build.sandbox import PERSON, account, relay_event

NAMES = [
    *PERSON,
    *("anonymous_id", "contents", "currency", "em", "event_source_url", "external_id", "gbraid", "gclid", "ip"),
    *("items", "li_fat_id", "msclkid", "order_id", "ph", "referrer_url", "search_term", "transaction_id", "twclid"),
    *("user_agent", "wbraid"),
]
KINDS = ["purchase_completed", "lead", "rx_issued", "page_view", "begin_checkout", "refund", "etwas anderes"]
CREDENTIALS = {
    "twitter_capi": {"event_id": "o87ne", "events": {"LEAD": "tw-o8z6j-o87nf"}},
    "linkedin_capi": {"conversion_id": "1", "conversions": {"LEAD": "2"}},
    "google_ads": {"conversion_action_id": "1", "conversion_actions": {"SUBMIT_LEAD_FORM": "2"}},
    "microsoft_ads": {},
}
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
anything = plain | st.lists(plain, max_size=3) | st.dictionaries(st.text(max_size=5), plain, max_size=2)
addresses = st.sampled_from(["203.0.113.7", "203.0.113.7, 10.0.0.1", "2001:db8::1", "somewhere", 7])
said = st.dictionaries(st.sampled_from(NAMES), anything, max_size=8)
people = st.builds(lambda ip, rest: {**PERSON, "client_ip_address": ip, **rest}, addresses, said)
events = st.builds(
    RelayEvent,
    downstream_id=st.sampled_from(["bosley:x:o-1", "bosley:x:" + "o" * 193]),
    storefront_code=st.just("bosley"),
    event_type=st.sampled_from(KINDS),
    event_id=st.just("o-1"),
    event_time=st.just(datetime.now(UTC)),
    payload=said,
    value=st.none() | st.decimals(min_value=-1000, max_value=10**9, places=2) | st.just(Decimal("1E+5")),
    currency=st.sampled_from([None, "USD", "JPY"]),
    user_data=st.just({}) | people | said,
    consent=st.dictionaries(st.sampled_from(["ad_user_data", "ad_personalization", "ad_storage"]), st.booleans()),
)


@pytest.mark.parametrize(
    ("adapter", "problem"),
    [
        (LinkedIn, lambda event: linkedin.LinkedIn()._problem(event)),
        (Microsoft, lambda event: microsoft.Microsoft()._problem(event)),
        (X, lambda event: x._problems(event) or None),
        (GoogleAds, lambda event: google_ads.GoogleAds()._of_event(event, {"1", "2"}) or None),
    ],
)
@given(event=events)
@settings(max_examples=200, deadline=None)
def test_what_is_rendered_is_taken(
    adapter: type[Adapter], problem: Callable[[Any], str | None], event: RelayEvent
) -> None:
    target = account(adapter.code, "https://ads.example", CREDENTIALS[adapter.code])
    try:
        rendered = adapter.__new__(adapter).render(event, target, built_in(adapter.code))
    except (Refused, Skipped):
        return
    assert problem(json.loads(body_of(rendered))) is None


@pytest.mark.parametrize("adapter", [LinkedIn, X, GoogleAds])
def test_only_purchases_count_as_the_conversion_of_purchases(adapter: type[Adapter]) -> None:
    one = {name: value for name, value in CREDENTIALS[adapter.code].items() if isinstance(value, str)}
    target = account(adapter.code, "https://ads.example", one)
    for kind in ("lead", "page_view", "checkout_started", "signup", "anything"):
        with pytest.raises(Skipped):
            adapter.__new__(adapter).render(relay_event(event_type=kind), target, built_in(adapter.code))
    assert adapter.__new__(adapter).render(relay_event(), target, built_in(adapter.code))


@pytest.mark.parametrize("adapter", [LinkedIn, Microsoft, X, GoogleAds])
def test_credentials_have_a_schema_that_knows_every_field(adapter: type[Adapter]) -> None:
    Draft202012Validator.check_schema(adapter.credential_schema)
    schema = Draft202012Validator(adapter.credential_schema)
    secrets = dict.fromkeys(adapter.credential_schema["required"], "1")
    assert schema.is_valid({**secrets, **CREDENTIALS[adapter.code]})
    assert not schema.is_valid(CREDENTIALS[adapter.code])
    assert not schema.is_valid({**secrets, "unknown": "1"})


def test_a_long_id_is_shortened_the_same_way_every_time() -> None:
    assert short("o-1") == "o-1"
    long = [short("o" * length) for length in (65, 66, 65)]
    assert [len(each) for each in long] == [64] * 3
    assert long[0] == long[2] != long[1]

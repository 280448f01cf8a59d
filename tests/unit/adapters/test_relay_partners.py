"""Whatever producers send, analytics and engagement platforms are told what they take, or nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.relay.amplitude import Amplitude
from adapters.relay.braze import Braze
from adapters.relay.generic import GenericHttp, _ascii
from adapters.relay.http import body_of
from adapters.relay.klaviyo import Klaviyo
from adapters.relay.mapping import built_in
from adapters.relay.mixpanel import Mixpanel
from adapters.relay.port import Adapter, Refused, RelayEvent, Skipped
from adapters.relay.segment import Segment
from deploy.sandbox import amplitude, braze, klaviyo, mixpanel, segment
from schemas import plain_json
from tests.build.sandbox import PERSON, account

NAMES = [
    *PERSON,
    *(
        "$insert_id",
        "",
        "anonymous_id",
        "client_id",
        "contents",
        "customer_id",
        "device_id",
        "distinct_id",
        "em",
        "event",
    ),
    *("event_id", "external_id", "items", "order_id", "ph", "product_id", "products", "session_id", "time", "token"),
    *("t_value", "type", "user_id", "utm_source", "value", "x" * 300),
]
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("y" * 3000)
nobody = st.sampled_from(["anonymous", "null", "0", "a" * 64, "jane@example.com", "+16505551212", "x" * 400])
anything = (
    plain | nobody | st.lists(plain, max_size=3) | st.lists(st.dictionaries(st.text(max_size=5), plain), max_size=2)
)
said = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), anything, max_size=8).map(plain_json.clean)
people = said.map(lambda rest: {**PERSON, **rest})
events = st.builds(
    RelayEvent,
    downstream_id=st.sampled_from(["bosley:x:o-1", "bosley:x:" + "o" * 193, "bosley:größe:7\u2028"]),
    storefront_code=st.just("bosley"),
    event_type=st.sampled_from(["purchase_completed", "lead", "page_view", "etwas anderes", "x" * 50]),
    event_id=st.just("o-1"),
    event_time=st.just(datetime.now(UTC)),
    payload=said,
    value=st.none() | st.decimals(min_value=-1000, max_value=10**9, places=2) | st.just(Decimal("1E+5")),
    currency=st.sampled_from([None, "USD", "JPY"]),
    user_data=st.just({}) | people | said,
    consent=st.dictionaries(st.sampled_from(["ad_user_data", "analytics", "marketing"]), st.booleans()),
)


def of_braze(said: dict[str, Any]) -> str | None:
    ((kind, each),) = said.items()
    return braze._problem(kind, each)


@pytest.mark.parametrize(
    ("adapter", "problem"),
    [
        (Segment, segment._problem),
        (Klaviyo, lambda said: klaviyo._problem(said["data"]["attributes"])),
        (Braze, of_braze),
        (Amplitude, lambda said: amplitude._refusal_of([said], 1)),
        (Mixpanel, lambda said: mixpanel.Mixpanel()._problem(said)),
        (GenericHttp, lambda said: None if said["event"] and _ascii(said["id"]).isascii() else "not said"),
    ],
)
@given(event=events)
@settings(max_examples=200, deadline=None)
def test_what_is_rendered_is_taken(
    adapter: type[Adapter], problem: Callable[[Any], str | None], event: RelayEvent
) -> None:
    made = adapter.__new__(adapter)
    try:
        rendered = made.render(event, account(adapter.code, "https://x.example", {}), built_in(adapter.code))
    except (Refused, Skipped):
        return
    assert made.render(event, account(adapter.code, "https://x.example", {}), built_in(adapter.code)) == rendered
    assert problem(json.loads(body_of(rendered))) is None

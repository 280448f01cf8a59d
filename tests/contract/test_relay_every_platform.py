"""What is true of every platform alike, each at its stand-in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.relay.port import Refused, Skipped, Verdict
from deploy.sandbox import google_ads, x
from deploy.sandbox.standin import TOKEN
from tests.build.destinations import PLACES, Destination, destination
from tests.build.sandbox import relay_event

#: Purposes that a person may refuse, and a platform then hears nothing.
PURPOSES: Mapping[str, tuple[str, ...]] = {
    "sgtm": ("analytics",),
    "ga4": ("analytics",),
    "segment": ("analytics",),
    "amplitude": ("analytics",),
    "mixpanel": ("analytics",),
    "klaviyo": ("marketing", "ad_user_data"),
    "braze": ("marketing", "ad_user_data"),
}
#: By which of its credentials a platform knows that somebody else is calling; two say nothing of it in their answers.
SECRETS: Mapping[str, str] = {
    **dict.fromkeys(PLACES, "access_token"),
    "google_ads": "refresh_token",
    "klaviyo": "api_key",
    "braze": "api_key",
    "amplitude": "api_key",
    "mixpanel": "token",
    "generic_http": "bearer_token",
}
TELL_NOTHING = {"ga4", "sgtm", "segment"}
#: These want to know the person by name.
KNOW_PEOPLE = {"klaviyo", "braze"}
#: Where the answer to a failure says that nothing was taken.
SAYS_TRANSIENT = {"meta_capi"}
#: These do not say for how long: a minute it is, and half of it where the vendor's page says so.
WAITS: Mapping[str, timedelta] = {
    "tiktok_events": timedelta(minutes=1),
    "mixpanel": timedelta(minutes=1),
    "amplitude": timedelta(seconds=30),
}


@pytest.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Destination]:
    async with destination(request.param) as made:
        yield made


async def test_an_event_is_taken_once_under_its_own_id_however_often_it_is_sent(place: Destination) -> None:
    event = relay_event("o-1")
    for _ in range(2):
        assert (await place.said(event)).verdict is Verdict.DELIVERED
    (taken,) = place.standin.events()
    is_known_again = place.adapter.limits.recognises(place.render(event))
    assert is_known_again is (place.adapter.code != "braze")
    assert (taken.count, taken.conversions) == (2, 1 if is_known_again else 2)


async def test_several_events_go_in_as_few_calls_as_a_platform_takes(place: Destination) -> None:
    events = [relay_event(f"o-{at}", payload={"order_id": f"o-{at}", "client_id": f"c-{at}"}) for at in range(3)]
    most = place.adapter.limits.events_a_call
    for first in range(0, len(events), most):
        told = await place.send(*events[first : first + most])
        assert {each.verdict for each in told.outcomes} == {Verdict.DELIVERED}
    counts = place.standin.counts()
    is_oauth = place.adapter.code == "google_ads"  # it asks for its token first
    assert (counts["calls"], counts["ids"]) == ((3 if most == 1 else 1) + is_oauth, 3)
    if place.adapter.code != "mixpanel":  # where it is a digest
        assert [each.id for each in place.standin.events()] == [each.downstream_id for each in events]


@pytest.mark.parametrize("place", [code for code in PLACES if code not in TELL_NOTHING], indirect=True)
async def test_credentials_that_are_not_taken_stop_the_account(place: Destination) -> None:
    wrong = place.but(**{SECRETS[place.adapter.code]: "stolen"})
    told = await wrong.send(relay_event())
    assert told.outcomes[0].verdict is Verdict.AUTH
    assert "stolen" not in f"{told}"
    assert (await wrong.test()).verdict is Verdict.AUTH
    assert place.standin.events() == []


async def test_credentials_are_tried_without_a_conversion(place: Destination) -> None:
    assert (await place.test()).verdict is Verdict.DELIVERED
    # These two can only be tried with an event, which says that it is a test.
    assert (place.standin.events() == []) is (place.adapter.code not in {"generic_http", "sgtm"})


async def test_too_many_calls_wait_for_as_long_as_is_asked(place: Destination) -> None:
    await place.said(relay_event("before"))  # where a token is asked for, it is there
    place.standin.set_faults(error_rate_429=1, retry_after_s=120)
    outcome = await place.said(relay_event())
    assert outcome.verdict is Verdict.THROTTLED
    asked = WAITS.get(place.adapter.code, timedelta(seconds=120))
    assert outcome.after is not None
    assert asked - timedelta(seconds=5) < outcome.after <= asked  # some say until when, and a moment has gone since


async def test_its_failures_and_its_silence_are_told_apart(place: Destination) -> None:
    await place.said(relay_event("before"))
    place.standin.set_faults(error_rate_500=1)
    is_sure = place.adapter.code in SAYS_TRANSIENT
    assert (await place.said(relay_event("o-1"))).verdict is (Verdict.TRANSIENT if is_sure else Verdict.UNKNOWN)
    place.standin.set_faults(down=True)
    down = await place.said(relay_event("o-2"))
    assert (down.verdict, down.status) == (Verdict.TRANSIENT, 503)  # a page of a proxy keeps its status
    place.standin.set_faults(hang_rate=1, hang_s=5)
    assert (await place.said(relay_event("o-3"))).verdict is Verdict.UNKNOWN
    assert any("o-3" in each.id or "o-3" in f"{each.event}" for each in place.standin.events()), "it had counted"


async def test_neither_the_secrets_nor_the_person_are_kept(place: Destination) -> None:
    told = await place.send(relay_event())
    kept = f"{told.request}{told.response}"
    for secret in (TOKEN, google_ads.CLIENT_SECRET, "ya29", x.CONSUMER_SECRET, x.TOKEN_SECRET):
        assert secret not in kept
    for name in () if place.adapter.code in KNOW_PEOPLE else ("jane", "Jane", "5551212", "(650)"):
        assert name not in kept


async def test_who_said_no_is_not_told_of(place: Destination) -> None:
    for purpose in PURPOSES.get(place.adapter.code, ("ad_user_data",)):
        with pytest.raises(Skipped, match=f"no consent to {purpose}"):
            place.render(relay_event(consent={purpose: False}))


async def test_who_was_not_asked_is_not_told_of_where_consent_is_required(place: Destination) -> None:
    purposes = PURPOSES.get(place.adapter.code, ("ad_user_data",))
    with pytest.raises(Skipped, match="no consent to"):
        place.render(relay_event(is_consent_required=True))
    asked = relay_event(is_consent_required=True, consent=dict.fromkeys(purposes, True))
    assert (await place.said(asked)).verdict is Verdict.DELIVERED


@pytest.mark.parametrize(
    ("value", "currency"), [("0", "USD"), ("1500", "JPY"), ("12.345", "KWD"), ("-5.00", "USD"), ("999999999.99", "USD")]
)
async def test_every_amount_of_every_currency_is_taken_or_refused_before_it_is_sent(
    place: Destination, value: str, currency: str
) -> None:
    event = relay_event(value=Decimal(value), currency=currency)
    if value.startswith("-"):
        with suppress(Refused):
            assert (await place.said(event)).verdict is Verdict.DELIVERED
    else:
        assert (await place.said(event)).verdict is Verdict.DELIVERED


@pytest.mark.parametrize("consent", [{}, {"ad_user_data": True, "analytics": True, "marketing": True}])
async def test_who_said_yes_or_was_not_asked_is(place: Destination, consent: Any) -> None:
    assert (await place.said(relay_event(consent=consent))).verdict is Verdict.DELIVERED

"""TikTok's adapter against a stand-in that follows TikTok's pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any, cast

import pytest

from adapters.relay.port import Skipped, Verdict
from deploy.sandbox.standin import answer
from handlers.relay.sending import Sending, send
from tests.build.destinations import Destination, destination
from tests.build.sandbox import PERSON, relay_event


@pytest.fixture
async def pixel() -> AsyncIterator[Destination]:
    async with destination("tiktok_events") as made:
        yield made


async def test_an_event_arrives_as_tiktok_documents_it(pixel: Destination) -> None:
    event = relay_event("o-1", user_data={**PERSON, "ttclid": "E.C.P.x", "external_id": "user-1"})
    lines = [{"sku": "A-1", "quantity": 2, "price": "10.50", "name": "Comb"}, {"quantity": 1}]
    event.payload["items"] = lines  # type: ignore[index]
    assert (await pixel.said(event)).verdict is Verdict.DELIVERED
    (taken,) = pixel.taken()
    assert (taken["event"], taken["event_time"]) == ("CompletePayment", int(event.event_time.timestamp()))
    assert taken["page"] == {"url": "https://bosley.example/checkout"}
    assert taken["properties"] == {
        "order_id": "o-1",
        "currency": "USD",
        "value": 129.5,
        "content_type": "product",
        "contents": [{"content_id": "A-1", "content_name": "Comb", "quantity": 2, "price": 10.5}],
    }
    hashed = {"email": "jane.doe@example.com", "phone": "+16505551212", "external_id": "user-1", "zip_code": "94025"}
    assert {name: taken["user"][name] for name in hashed} == {
        name: sha256(value.encode()).hexdigest() for name, value in hashed.items()
    }
    raw = {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0", "ttclid": "E.C.P.x"}
    assert {name: taken["user"][name] for name in raw} == raw


async def test_one_bad_event_spoils_its_batch_and_alone_it_is_refused_for_good(pixel: Destination) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=8))
    told = await pixel.send(relay_event("o-1"), stale)
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT] * 2
    assert told.status == 200
    assert pixel.taken() == []
    refused = await pixel.said(stale)
    assert refused.verdict is Verdict.PERMANENT
    assert "40002: data.0.event_time" in (refused.reason or "")


async def test_one_bad_event_among_many_is_found_in_few_calls_and_keeps_no_other_back(pixel: Destination) -> None:
    rendered = [pixel.render(relay_event(f"o-{number}")) for number in range(1000)]
    rendered[613]["event_time"] = 1
    sendings = [Sending(cast("Any", None), rendered=each) for each in rendered]
    await send(sendings, pixel.adapter, pixel.account)
    refused = [at for at, each in enumerate(sendings) if each.outcome and each.outcome.verdict is Verdict.PERMANENT]
    assert refused == [613]
    counts = pixel.standin.counts()
    assert (counts["ids"], counts["repeats"]) == (999, 0)
    assert counts["calls"] <= 2 * 10 + 1  # twice the halvings of 1,000, and the first


async def test_an_unhashed_address_would_be_refused(pixel: Destination) -> None:
    rendered = pixel.render(relay_event())
    rendered["user"]["email"] = "jane.doe@example.com"
    assert (await pixel.said(rendered)).verdict is Verdict.PERMANENT


@pytest.mark.parametrize("token", ["", "stolen"])
async def test_a_token_that_is_not_taken_stops_the_account(pixel: Destination, token: str) -> None:
    wrong = pixel.other(credentials={"access_token": token, "pixel_code": "CPIX01"})
    assert (await wrong.said(relay_event())).verdict is Verdict.AUTH
    assert (await wrong.test()).verdict is Verdict.AUTH


async def test_somebody_elses_pixel_stops_the_account(pixel: Destination) -> None:
    wrong = pixel.other(pixel_id="OTHER1")
    assert (await wrong.said(relay_event())).verdict is Verdict.AUTH


async def test_events_of_a_test_are_taken_and_not_counted(pixel: Destination) -> None:
    trying = pixel.other(credentials={**pixel.account.credentials, "test_event_code": "TEST1"})
    assert (await trying.said(relay_event())).verdict is Verdict.DELIVERED
    assert pixel.taken() == []


async def test_too_many_calls_cost_a_minute(pixel: Destination) -> None:
    pixel.standin.set_faults(error_rate_429=1)
    told = await pixel.said(relay_event())
    assert (told.verdict, told.after, told.status) == (Verdict.THROTTLED, timedelta(minutes=1), 200)


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {"message": "hello"}, Verdict.UNKNOWN),
        (200, {"code": 20001, "message": "partial success"}, Verdict.SPLIT),
        (200, {"code": 40700, "message": "internal"}, Verdict.TRANSIENT),
        (200, {"code": 40999, "message": "new"}, Verdict.SPLIT),
        (401, {"code": 40105, "message": "token"}, Verdict.AUTH),
        (500, {"code": 40002, "message": "?"}, Verdict.UNKNOWN),
        (404, {"code": 40002, "message": "?"}, Verdict.CONFIG),
    ],
)
async def test_the_code_counts_and_else_the_status(
    pixel: Destination, status: int, body: dict[str, object], verdict: Verdict
) -> None:
    pixel.standin.set_faults(error_rate_500=1)
    pixel.standin.broken = lambda: answer(status, body)  # type: ignore[method-assign]
    assert (await pixel.said(relay_event("o-1"), relay_event("o-2"))).verdict is verdict


async def test_consent_is_obeyed(pixel: Destination) -> None:
    with pytest.raises(Skipped, match="ad_user_data"):
        pixel.render(relay_event(consent={"ad_user_data": False}))
    assert pixel.render(relay_event(consent={"ad_personalization": False}))["limited_data_use"] is True
    assert "limited_data_use" not in pixel.render(relay_event())


async def test_a_refund_has_no_counterpart(pixel: Destination) -> None:
    with pytest.raises(Skipped, match="refund"):
        pixel.render(relay_event(event_type="refund"))

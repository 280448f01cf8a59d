"""Meta's adapter against a stand-in that follows Meta's pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from adapters.relay.mapping import built_in
from adapters.relay.meta import Meta as Adapter
from adapters.relay.port import Account, Outcome, Refused, RelayEvent, Skipped, Told, Verdict
from deploy.sandbox.meta import Meta
from deploy.sandbox.standin import TOKEN
from tests.build.sandbox import PERSON, account, local_http, relay_event, standing_in


class Pixel:
    """A pixel at the stand-in, and the adapter that writes to it."""

    def __init__(self, adapter: Adapter, standin: Meta, address: str) -> None:
        self.adapter = adapter
        self.standin = standin
        self.account = account("meta_capi", f"{address}/v23.0", {"access_token": TOKEN}, pixel_id="700100200")

    def render(self, event: RelayEvent) -> dict[str, Any]:
        return self.adapter.render(event, self.account, built_in("meta_capi"))

    async def send(self, *events: RelayEvent | dict[str, Any], to: Account | None = None) -> Told:
        rendered = [self.render(each) if isinstance(each, RelayEvent) else each for each in events]
        return await self.adapter.send(to or self.account, rendered)

    async def said(self, *events: RelayEvent | dict[str, Any], to: Account | None = None) -> Outcome:
        """What became of the first of these events."""
        return (await self.send(*events, to=to)).outcomes[0]


@pytest.fixture
async def pixel() -> AsyncIterator[Pixel]:
    standin = Meta()
    async with standing_in(standin) as address, local_http(timedelta(seconds=1)) as http:
        yield Pixel(Adapter(http), standin, address)


async def test_a_batch_is_taken_in_one_call_under_our_ids(pixel: Pixel) -> None:
    told = await pixel.send(relay_event("o-1"), relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED] * 2
    assert [each.id for each in pixel.standin.events()] == [
        "bosley:purchase_completed:o-1",
        "bosley:purchase_completed:o-2",
    ]
    assert pixel.standin.counts()["calls"] == 1


async def test_an_event_arrives_as_meta_documents_it(pixel: Pixel) -> None:
    event = relay_event("o-1")
    await pixel.send(event)
    (taken,) = pixel.standin.events()
    assert taken.event["event_name"] == "Purchase"
    assert taken.event["event_time"] == int(event.event_time.timestamp())
    assert taken.event["custom_data"] == {"order_id": "o-1", "currency": "USD", "value": 129.5}
    user = taken.event["user_data"]
    assert (user["client_ip_address"], user["client_user_agent"]) == ("203.0.113.7", "Mozilla/5.0")
    hashed = {"em": "jane.doe@example.com", "ph": "16505551212", "fn": "jane", "ct": "menlopark", "zp": "94025"}
    assert {name: user[name] for name in hashed} == {
        name: [sha256(value.encode()).hexdigest()] for name, value in hashed.items()
    }


async def test_a_repeat_is_recognised_by_its_id(pixel: Pixel) -> None:
    for _ in range(2):
        await pixel.send(relay_event("o-1"))
    (taken,) = pixel.standin.events()
    assert (taken.count, taken.conversions) == (2, 1)


async def test_one_stale_event_spoils_its_batch_and_alone_it_is_refused_for_good(pixel: Pixel) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=8))
    told = await pixel.send(relay_event("o-1"), stale)
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT] * 2
    assert pixel.standin.counts()["events"] == 0
    refused = await pixel.said(stale)
    assert refused.verdict is Verdict.PERMANENT
    assert "older than 7 days" in (refused.reason or "")


async def test_a_token_that_is_not_taken_stops_the_account(pixel: Pixel) -> None:
    wrong = account("meta_capi", pixel.account.base_url, {"access_token": "stolen"}, pixel_id="1")
    assert (await pixel.said(relay_event(), to=wrong)).verdict is Verdict.AUTH
    assert (await pixel.adapter.test(wrong)).verdict is Verdict.AUTH


async def test_a_pixel_that_is_not_there_is_a_wrong_configuration(pixel: Pixel) -> None:
    wrong = account("meta_capi", pixel.account.base_url, {"access_token": TOKEN}, pixel_id="no-pixel")
    assert (await pixel.said(relay_event(), to=wrong)).verdict is Verdict.CONFIG
    assert (await pixel.adapter.test(wrong)).verdict is Verdict.CONFIG


async def test_credentials_are_tried_without_a_conversion(pixel: Pixel) -> None:
    assert (await pixel.adapter.test(pixel.account)).verdict is Verdict.DELIVERED
    assert pixel.standin.events() == []


async def test_too_many_calls_wait_for_as_long_as_meta_says(pixel: Pixel) -> None:
    pixel.standin.set_faults(error_rate_429=1, retry_after_s=120)
    told = await pixel.said(relay_event())
    assert (told.verdict, told.after) == (Verdict.THROTTLED, timedelta(seconds=120))


async def test_its_own_failures_may_be_tried_again(pixel: Pixel) -> None:
    pixel.standin.set_faults(error_rate_500=1)
    assert (await pixel.said(relay_event())).verdict is Verdict.TRANSIENT
    pixel.standin.set_faults(down=True)
    down = await pixel.said(relay_event())
    assert (down.verdict, down.status) == (Verdict.TRANSIENT, 503)


async def test_a_call_without_an_answer_may_have_counted(pixel: Pixel) -> None:
    pixel.standin.set_faults(hang_rate=1, hang_s=5)
    assert (await pixel.said(relay_event())).verdict is Verdict.UNKNOWN
    assert pixel.standin.counts()["events"] == 1


async def test_neither_the_token_nor_the_person_is_kept(pixel: Pixel) -> None:
    told = await pixel.send(relay_event())
    kept = told.request + told.response
    for secret in (TOKEN, "jane", "Jane", "650", "94025"):
        assert secret not in kept.replace("bosley:purchase_completed", "")


async def test_what_is_hashed_already_is_passed_on_as_it_is(pixel: Pixel) -> None:
    digest = sha256(b"jane.doe@example.com").hexdigest()
    event = relay_event(user_data={**PERSON, "em": digest.upper(), "email": None})
    assert pixel.render(event)["user_data"]["em"] == [digest]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"value": None}, "value"),
        ({"user_data": {}}, "identifies"),
        ({"user_data": {"email": "a@b.example"}}, "client_user_agent"),
    ],
)
def test_what_meta_would_refuse_is_refused_before_it_spoils_a_batch(values: dict[str, Any], reason: str) -> None:
    adapter, target = Adapter.__new__(Adapter), account("meta_capi", "https://graph.example", {})
    with pytest.raises(Refused, match=reason):
        adapter.render(relay_event(**values), target, built_in("meta_capi"))


def test_who_said_no_is_not_told_of() -> None:
    adapter, target = Adapter.__new__(Adapter), account("meta_capi", "https://graph.example", {})
    with pytest.raises(Skipped, match="ad_user_data"):
        adapter.render(relay_event(consent={"ad_user_data": False}), target, built_in("meta_capi"))


async def test_what_was_bought_is_said_in_metas_words_and_in_nobody_elses(pixel: Pixel) -> None:
    line = {"sku": "A-1", "item_name": "Ring", "quantity": "2", "price": "12.50", "engraving": "For Ann"}
    said = pixel.render(relay_event("o-1", payload={"items": [line, "no line"]}))
    assert said["custom_data"]["contents"] == [{"id": "A-1", "quantity": 2, "item_price": 12.5}]
    assert said["custom_data"]["num_items"] == 2

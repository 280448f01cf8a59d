"""Microsoft's adapter against a stand-in that follows Microsoft's page."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from adapters.relay.mapping import built_in
from adapters.relay.microsoft import Microsoft as Adapter
from adapters.relay.port import Account, Outcome, Refused, RelayEvent, Skipped, Told, Verdict
from deploy.sandbox.microsoft import Microsoft
from deploy.sandbox.standin import TOKEN
from tests.build.sandbox import account, local_http, relay_event, standing_in


class Tag:
    """A UET tag at the stand-in, and the adapter that writes to it."""

    def __init__(self, adapter: Adapter, standin: Microsoft, address: str) -> None:
        self.adapter = adapter
        self.standin = standin
        self.account = account("microsoft_ads", f"{address}/v1", {"access_token": TOKEN}, pixel_id="187012345")

    def render(self, event: RelayEvent) -> dict[str, Any]:
        return self.adapter.render(event, self.account, built_in("microsoft_ads"))

    async def send(self, *events: RelayEvent | dict[str, Any], to: Account | None = None) -> Told:
        rendered = [self.render(each) if isinstance(each, RelayEvent) else each for each in events]
        return await self.adapter.send(to or self.account, rendered)

    async def said(self, *events: RelayEvent | dict[str, Any], to: Account | None = None) -> Outcome:
        """What became of the first of these events."""
        return (await self.send(*events, to=to)).outcomes[0]


@pytest.fixture
async def tag() -> AsyncIterator[Tag]:
    standin = Microsoft()
    async with standing_in(standin) as address, local_http(timedelta(seconds=1)) as http:
        yield Tag(Adapter(http), standin, address)


async def test_an_event_arrives_as_microsoft_documents_it(tag: Tag) -> None:
    event = relay_event("o-1", consent={"ad_user_data": True, "ad_storage": True})
    assert (await tag.said(event)).verdict is Verdict.DELIVERED
    (taken,) = tag.standin.events()
    said = taken.event
    assert (said["eventType"], said["eventName"], said["eventId"]) == ("custom", "purchase", event.downstream_id)
    assert said["eventTime"] == int(event.event_time.timestamp())
    assert said["adStorageConsent"] == "G"
    assert said["customData"] == {"transactionId": "o-1", "value": 129.5, "currency": "USD"}
    hashed = {"em": b"janedoe@example.com", "ph": b"+16505551212"}
    assert {name: said["userData"][name] for name in hashed} == {
        name: sha256(value).hexdigest() for name, value in hashed.items()
    }
    raw = (said["userData"]["clientIpAddress"], said["userData"]["clientUserAgent"])
    assert raw == ("203.0.113.7", "Mozilla/5.0")


async def test_a_page_view_is_a_page_that_was_loaded(tag: Tag) -> None:
    page = tag.render(relay_event(event_type="page_view"))
    assert (page["eventType"], page["eventSourceUrl"]) == ("pageLoad", "https://bosley.example/checkout")
    assert {"eventName", "customData"}.isdisjoint(page)
    assert (await tag.said(page)).verdict is Verdict.DELIVERED


@pytest.mark.parametrize(
    ("address", "normal"),
    [(" Jane.Doe+ads@Example.com ", b"janedoe@example.com"), ("a.b.c@d.example", b"abc@d.example")],
)
def test_an_address_is_hashed_without_dots_and_alias(address: str, normal: bytes) -> None:
    adapter = Adapter(None)  # type: ignore[arg-type]  # it renders without a client
    to = account("microsoft_ads", "", {})
    rendered = adapter.render(relay_event(user_data={"email": address}), to, built_in("microsoft_ads"))
    assert rendered["userData"] == {"em": sha256(normal).hexdigest()}


async def test_a_refused_batch_names_the_bad_event_and_the_others_may_go_on_alone(tag: Tag) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=8))
    told = await tag.send(relay_event("o-1"), stale, relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT, Verdict.PERMANENT, Verdict.SPLIT]
    assert "eventTime" in (told.outcomes[1].reason or "")
    assert tag.standin.events() == []
    assert (await tag.said(stale)).verdict is Verdict.PERMANENT


async def test_a_whole_batch_goes_in_one_call_and_a_repeat_counts_once(tag: Tag) -> None:
    rendered = tag.render(relay_event())
    for _ in range(2):
        told = await tag.send(*({**rendered, "eventId": str(at)} for at in range(1000)))
        assert {each.verdict for each in told.outcomes} == {Verdict.DELIVERED}
    counts = tag.standin.counts()
    assert (counts["calls"], counts["ids"], counts["conversions"]) == (2, 1000, 1000)


async def test_who_cannot_be_identified_or_has_refused_is_not_sent(tag: Tag) -> None:
    with pytest.raises(Refused, match="identifies"):
        tag.render(relay_event(user_data={"client_ip_address": "203.0.113.7", "msclkid": "no click"}))
    with pytest.raises(Skipped, match="consent"):
        tag.render(relay_event(consent={"ad_user_data": False}))
    click = "dd4afcccb1c9a4cad9544dd7e5006abc"
    assert tag.render(relay_event(user_data={"msclkid": click}))["userData"] == {"msclkid": click}


async def test_a_token_or_a_tag_that_is_wrong_stops_the_account(tag: Tag) -> None:
    stolen = account("microsoft_ads", tag.account.base_url, {"access_token": "stolen"}, pixel_id="1")
    assert (await tag.said(relay_event(), to=stolen)).verdict is Verdict.AUTH
    assert (await tag.adapter.test(stolen)).verdict is Verdict.AUTH
    nowhere = account("microsoft_ads", tag.account.base_url, {"access_token": TOKEN}, pixel_id="no-tag")
    assert (await tag.said(relay_event(), to=nowhere)).verdict is Verdict.CONFIG
    assert (await tag.adapter.test(nowhere)).verdict is Verdict.CONFIG


async def test_credentials_are_tried_without_a_conversion(tag: Tag) -> None:
    assert (await tag.adapter.test(tag.account)).verdict is Verdict.DELIVERED
    assert tag.standin.events() == []


async def test_its_throttle_its_failures_and_its_silence_are_told_apart(tag: Tag) -> None:
    tag.standin.set_faults(error_rate_429=1, retry_after_s=120)
    told = await tag.said(relay_event())
    assert (told.verdict, told.after) == (Verdict.THROTTLED, timedelta(seconds=120))
    tag.standin.set_faults(error_rate_500=1)
    assert (await tag.said(relay_event())).verdict is Verdict.UNKNOWN
    tag.standin.set_faults(down=True)
    assert (await tag.said(relay_event())).verdict is Verdict.TRANSIENT
    tag.standin.set_faults(hang_rate=1, hang_s=5)
    assert (await tag.said(relay_event())).verdict is Verdict.UNKNOWN


async def test_neither_the_token_nor_the_person_is_kept(tag: Tag) -> None:
    told = await tag.send(relay_event())
    for secret in (TOKEN, "jane", "Jane", "650"):
        assert secret not in told.request + told.response

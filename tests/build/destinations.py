"""A destination to test an adapter with: a stand-in that runs, an account there, and the adapter that writes to it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from adapters.relay.mapping import built_in
from adapters.relay.port import Account, Adapter, Outcome, RelayEvent, Told
from adapters.relay.registry import ADAPTERS
from deploy.sandbox import google_ads, x
from deploy.sandbox.amplitude import Amplitude
from deploy.sandbox.braze import Braze
from deploy.sandbox.ga4 import Ga4
from deploy.sandbox.generic import Generic
from deploy.sandbox.klaviyo import Klaviyo
from deploy.sandbox.linkedin import LinkedIn
from deploy.sandbox.meta import Meta
from deploy.sandbox.microsoft import Microsoft
from deploy.sandbox.mixpanel import Mixpanel
from deploy.sandbox.pinterest import Pinterest
from deploy.sandbox.reddit import Reddit
from deploy.sandbox.segment import Segment
from deploy.sandbox.sgtm import Sgtm
from deploy.sandbox.snapchat import Snapchat
from deploy.sandbox.standin import TOKEN, Standin
from deploy.sandbox.tiktok import TikTok
from schemas.relay.records import DestinationKind
from tests.build.sandbox import account, local_http, standing_in


@dataclass(frozen=True)
class Place:
    """Where a stand-in takes events, and the credentials of an account that it knows; `{address}` is its own."""

    standin: Callable[[], Standin]
    path: str
    credentials: Mapping[str, Any]

    def at(self, address: str) -> dict[str, Any]:
        """Return the credentials at a stand-in that runs."""
        filled = {name: value.format(address=address) for name, value in self.credentials.items() if _is_text(value)}
        return {**self.credentials, **filled}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


PLACES: Mapping[str, Place] = {
    "sgtm": Place(Sgtm, "", {"client_type": "ga4", "measurement_id": "G-ABC123", "api_secret": TOKEN}),
    "ga4": Place(Ga4, "", {"measurement_id": "G-ABC123", "api_secret": TOKEN}),
    "meta_capi": Place(Meta, "/v23.0", {"access_token": TOKEN, "pixel_id": "700100200"}),
    "tiktok_events": Place(TikTok, "/open_api/v1.3", {"access_token": TOKEN, "pixel_code": "CPIX01"}),
    "snapchat_capi": Place(Snapchat, "/v3", {"access_token": TOKEN, "pixel_id": "p-1"}),
    "pinterest_capi": Place(Pinterest, "/v5", {"access_token": TOKEN, "ad_account_id": "549755885175"}),
    "reddit_capi": Place(Reddit, "/api/v3", {"access_token": TOKEN, "pixel_id": "a2_abc"}),
    "linkedin_capi": Place(
        LinkedIn, "/rest", {"access_token": TOKEN, "conversion_id": "4455", "conversions": {"LEAD": "4456"}}
    ),
    "microsoft_ads": Place(Microsoft, "/v1", {"access_token": TOKEN, "tag_id": "187012345"}),
    "twitter_capi": Place(
        x.X,
        "/12",
        {
            "consumer_key": x.CONSUMER_KEY,
            "consumer_secret": x.CONSUMER_SECRET,
            "access_token": TOKEN,
            "access_token_secret": x.TOKEN_SECRET,
            "pixel_id": "o8z6j",
            "event_id": "tw-o8z6j-o87ne",
            "events": {"LEAD": "tw-o8z6j-o87nf"},
        },
    ),
    "google_ads": Place(
        google_ads.GoogleAds,
        "/v1",
        {
            "client_id": google_ads.CLIENT_ID,
            "client_secret": google_ads.CLIENT_SECRET,
            "refresh_token": TOKEN,
            "token_uri": "{address}/token",
            "customer_id": "555-000-1111",
            "login_customer_id": "5550002222",
            "conversion_action_id": "90210",
            "conversion_actions": {"SIGNUP": "90211"},
        },
    ),
    "segment": Place(Segment, "/v1", {"write_key": TOKEN}),
    "klaviyo": Place(Klaviyo, "/api", {"api_key": TOKEN}),
    "braze": Place(Braze, "", {"api_key": TOKEN, "app_id": "app-1"}),
    "amplitude": Place(Amplitude, "", {"api_key": TOKEN}),
    "mixpanel": Place(Mixpanel, "", {"token": TOKEN}),
    "generic_http": Place(Generic, "/events", {"bearer_token": TOKEN}),
}


class Destination:
    """What a test says to a platform, and what it is told."""

    def __init__(self, adapter: Adapter, standin: Standin, at: Account) -> None:
        self.adapter = adapter
        self.standin = standin
        self.account = at

    def other(self, **values: Any) -> "Destination":
        """The same platform with another account: other ids, another address, other credentials altogether."""
        return Destination(self.adapter, self.standin, replace(self.account, **values))

    def but(self, **credentials: Any) -> "Destination":
        """The same platform with an account some of whose credentials are others."""
        return self.other(credentials={**self.account.credentials, **credentials})

    def render(self, event: RelayEvent, mapping: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Render an event, by the mapping that comes with the adapter unless another is given."""
        return self.adapter.render(event, self.account, mapping or built_in(self.adapter.code))

    async def send(self, *events: RelayEvent | dict[str, Any]) -> Told:
        """Send what is rendered already as it is, and events as the adapter renders them."""
        rendered = [self.render(each) if isinstance(each, RelayEvent) else each for each in events]
        return await self.adapter.send(self.account, rendered)

    async def said(self, *events: RelayEvent | dict[str, Any]) -> Outcome:
        """What became of the first of these events."""
        return (await self.send(*events)).outcomes[0]

    async def test(self) -> Outcome:
        """Try the account."""
        return await self.adapter.test(self.account)

    def taken(self) -> list[dict[str, Any]]:
        """What the platform has, as it was said."""
        return [each.event for each in self.standin.events()]


@asynccontextmanager
async def destination(code: str, standin: Standin | None = None) -> AsyncIterator[Destination]:
    """A platform's stand-in with an account, whose calls are given up after a second."""
    place = PLACES[code]
    standin = standin or place.standin()
    async with standing_in(standin) as address, local_http(timedelta(seconds=1)) as http:
        kind = DestinationKind.SGTM if code == "sgtm" else DestinationKind.DIRECT
        at = account(code, f"{address}{place.path}", place.at(address), kind=kind)
        yield Destination(ADAPTERS[code](http), standin, at)

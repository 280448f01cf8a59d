"""The port of a destination: what the forwarder needs to know of a platform, and what it is told of a call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from schemas.relay.records import DestinationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayEvent:
    """An event as every adapter reads it.

    `payload` is everything the producer sent. `downstream_id` is the same on every attempt. `value` is exact money in
    `currency` (ISO 4217), or None where the producer gave no usable number. `consent` says by purpose (`ad_user_data`,
    `ad_personalization`, `analytics`) what the person allowed; a purpose that is absent was not asked, which is a no
    where consent is required.
    """

    downstream_id: str
    storefront_code: str
    event_type: str
    event_id: str
    event_time: datetime
    payload: Mapping[str, Any]
    value: Decimal | None = None
    currency: str | None = None
    user_data: Mapping[str, Any] = field(default_factory=dict)
    consent: Mapping[str, bool] = field(default_factory=dict)
    is_consent_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where and as whom to send: decrypted, in memory only, never logged.

    `credentials` are the platform's own fields (for sGTM: measurement_id, api_secret, custom_headers, client_type,
    custom_endpoint_path). `base_url` is the platform's address or the storefront's tagging server.
    """

    destination_id: int
    kind: DestinationKind
    platform_code: str
    storefront_code: str
    base_url: str
    credentials: Mapping[str, Any] = field(repr=False)
    pixel_id: str | None = None
    account_id: str | None = None
    domain: str | None = None


def every(rendered: Mapping[str, Any]) -> bool:  # noqa: ARG001 -- what it says of this one it says of all
    """Tell that a repeat of any event is recognised."""
    return True


def never(rendered: Mapping[str, Any]) -> bool:  # noqa: ARG001 -- the same
    """Tell that a repeat is never recognised."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a platform takes, with its page as the source beside each number in the adapter.

    `horizon` is how long it recognises a repeat; `freshness` how old an event may be; `calls` the calls allowed a
    `period` for one account. `recognises` tells of an event, as it was rendered, whether a repeat of it counts once: of
    any other it is never sent again what it may have taken.
    """

    events_a_call: int
    bytes_a_call: int
    horizon: timedelta
    freshness: timedelta
    calls: int
    period: timedelta
    concurrency: int = 4
    recognises: Callable[[Mapping[str, Any]], bool] = every


class Verdict(StrEnum):
    """What an answer means for one event."""

    DELIVERED = "delivered"
    PERMANENT = "permanent"  # this event will never be taken
    SPLIT = "split"  # some event of this batch is refused, and the answer does not say which
    TRANSIENT = "transient"  # nothing was taken, a repeat may succeed
    UNKNOWN = "unknown"  # it may have been taken: repeat only under the same downstream id
    THROTTLED = "throttled"  # too fast: wait `after`; costs no attempt
    AUTH = "auth"  # the account is refused: pause the destination
    CONFIG = "config"  # the address or its configuration is wrong: pause the destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one event of a call."""

    verdict: Verdict
    reason: str | None = None
    after: timedelta | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finished call: an outcome an event, in order, and what was said both ways, redacted and cut."""

    outcomes: Sequence[Outcome]
    status: int | None
    request: str
    response: str
    duration: timedelta


class Refused(ValueError):
    """The event cannot be said to the platform; the reason names the field."""


class Skipped(ValueError):
    """The event must not be said to the platform: no consent, or no counterpart that is configured."""


class Adapter(Protocol):
    """One platform. `render` is pure; `send` makes one call and never raises for what a platform answers."""

    code: str
    limits: Limits
    credential_schema: Mapping[str, Any]
    """JSON Schema (2020-12) of `Account.credentials`."""

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return the platform's own shape of an event; raises Refused or Skipped.

        `mapping` is the versioned configuration: `{"version": 1, "events": {"purchase_completed": "Purchase", …},
        "fields": {…}}`; see `mapping.py`.
        """

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Send up to `limits.events_a_call` events in one call."""

    async def test(self, account: Account) -> Outcome:
        """Try the credentials without counting a conversion, where the platform has a way to."""

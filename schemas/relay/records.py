"""The stored shape of storefronts, destinations, events and deliveries; names follow the SQL columns."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class EventIdentity(NamedTuple):
    """What makes two events the same: the storefront's code, the event's lower-cased name and the producer's id."""

    storefront_code: str
    event_type: str
    event_id: str

    def __str__(self) -> str:
        """Return the id that every destination is told, on every attempt."""
        return ":".join(self)


class EventStatus(StrEnum):
    """How far an event has come; all but the last four are what its deliveries add up to.

    `PENDING` rows were written straight into the table and not looked at yet. `HELD` waits for its storefront to be
    known. `DUPLICATE` and `CONFLICT` are rows that say what another row said, or something else under its identity.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"
    CANCELLED = "cancelled"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class DeliveryState(StrEnum):
    """How far one event has come to one destination.

    `PENDING` waits for `next_attempt_at`, `SENDING` has a recorded attempt under a lease. `DEAD` was refused for good
    or ran out of its horizon; `SKIPPED` must not be sent (no consent, no counterpart at the destination).
    """

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class DestinationKind(StrEnum):
    """Through the storefront's own tagging server, or straight to a platform."""

    SGTM = "sgtm"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Storefront:
    """A tenant; `storefront_id` is its code: trimmed, lower case, ASCII."""

    id: int
    storefront_id: str
    name: str
    domain: str | None
    description: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SgtmConfig:
    """A storefront's tagging server; `api_secret` and `custom_headers` are ciphertext as stored."""

    id: int
    storefront_id: int
    sgtm_url: str
    client_type: str
    container_id: str | None
    measurement_id: str | None
    api_secret: str | None
    custom_endpoint_path: str
    custom_headers: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """An advertising or analytics platform; `credential_schema` is JSON Schema text or None."""

    id: int
    platform_code: str
    name: str
    category: str
    tier: int
    auth_type: str
    api_base_url: str | None
    credential_schema: str | None
    description: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A storefront's account at a platform; `credentials_encrypted` is a Fernet token over a JSON object."""

    id: int
    storefront_id: int
    platform_id: int
    credentials_encrypted: str
    destination_type: DestinationKind
    pixel_id: str | None
    account_id: str | None
    is_active: bool
    last_used_at: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where deliveries of a storefront go; survives the configuration it was made from.

    `id` is stable: a sGTM config or a credential has one destination for ever. `paused_until` in the far future means
    until an operator resumes it; `paused_reason` says why. `failures` are consecutive ones, for the breaker.
    """

    id: int
    storefront_id: int
    kind: DestinationKind
    sgtm_config_id: int | None
    credential_id: int | None
    platform_code: str
    paused_until: datetime | None = None
    paused_reason: str | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketingEvent:
    """One event as it was accepted; `event_payload` is the JSON text of an object with everything the producer sent.

    `identity` is None until the row has been adopted (rows that another system wrote straight into the table).
    `content_hash` is the hex SHA-256 of the canonical payload: the same identity with another one is a conflict.
    """

    id: int | None
    event_id: str
    storefront_id: int | None
    storefront_code: str | None
    event_type: str
    event_payload: str
    source_system: str
    status: EventStatus
    identity: str | None
    content_hash: str | None
    event_time: datetime | None
    created_at: datetime
    updated_at: datetime
    retry_count: int = 0
    next_retry_at: datetime | None = None
    processed_at: datetime | None = None
    error_message: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one destination; unique by (`event_id`, `destination_id`).

    `expires_at` is the end of its horizon: past it a repeat could count twice, or the platform would refuse it.
    """

    id: int | None
    event_id: int
    destination_id: int
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    expires_at: datetime
    downstream_id: str
    reason: str | None
    created_at: datetime
    updated_at: datetime
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery leased to a sender, beside the event it carries."""

    delivery: Delivery
    event: MarketingEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationView:
    """A destination beside the configuration it stands for; what was deleted is None."""

    destination: Destination
    storefront: Storefront | None
    sgtm_config: SgtmConfig | None
    credential: Credential | None
    platform: Platform | None

    @property
    def switched_off(self) -> str | None:
        """Return which kill switch holds its deliveries, or None."""
        levels: list[tuple[str, Storefront | SgtmConfig | Platform | Credential | None]] = [
            ("storefront", self.storefront)
        ]
        if self.destination.kind is DestinationKind.SGTM:
            levels.append(("tagging server", self.sgtm_config))
        else:
            levels += [("platform", self.platform), ("credential", self.credential)]
        for name, level in levels:
            if level is None:
                return f"its {name} was deleted"
            if not level.is_active:
                return f"its {name} is switched off"
        return None


class AttemptStatus(StrEnum):
    """What an attempt came to. `SENDING` was recorded before the call and never finished: its outcome is unknown."""

    SENDING = "sending"
    SUCCESS = "success"
    FAILED = "failed"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of one delivery; `request` and `response_body` are redacted and cut."""

    event_id: int
    delivery_id: int
    credential_id: int | None
    destination_type: DestinationKind
    number: int
    status: AttemptStatus
    http_status_code: int | None
    request: str | None
    response_body: str | None
    error_message: str | None
    duration_ms: int | None
    attempted_at: datetime
    id: int | None = None

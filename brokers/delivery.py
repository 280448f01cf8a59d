"""A message as a handler receives it: the parsed body and the facts around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Generic[M]):
    """One message in hand.

    `message_id` is the publisher's, or derived from the content (`is_derived`). `observed_at` is when the message was
    published as far as it says so, else when it first arrived; it survives retries and redrives. `attempt` counts
    from 1. `raw` is the body as received.
    """

    message: M
    message_id: str
    is_derived: bool
    key: str
    observed_at: datetime
    raw: bytes
    attempt: int = 1
    correlation_id: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)

"""A message on its way out: body, address and properties, ready for a publisher or an outbox row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import uuid_utils

from brokers import topology
from brokers.tracing import carried
from schemas.base import Message
from schemas.clock import utc_now


def new_message_id() -> str:
    """Return a UUIDv7 (RFC 9562): unique, and ordered by time."""
    return str(uuid_utils.uuid7())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What will be published: `body` is JSON bytes; `headers` travel as AMQP headers."""

    exchange: str
    key: str
    body: bytes
    message_id: str = field(default_factory=new_message_id)
    type: str | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    timestamp: datetime = field(default_factory=utc_now)
    headers: Mapping[str, Any] = field(default_factory=dict)


def outgoing(message: Message, **properties: Any) -> Outgoing:
    """Address one of our own messages to the queue of its class's key; `properties` override fields of `Outgoing`."""
    domain = message.key.partition(".")[0]
    queue = topology.BY_NAME.get(message.key)
    properties["headers"] = {**carried(), **properties.get("headers", {})}
    return Outgoing(
        exchange=f"{domain}.topic",
        key=queue.routing_key(message) if queue else message.key,
        body=message.model_dump_json(exclude_none=True).encode(),
        type=type(message).__name__,
        **properties,
    )

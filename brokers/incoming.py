"""A message as it comes off the wire: its identity, age, attempts and origin, before anyone looks at the body."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiormq.abc
from pamqp import encode

from brokers.delivery import Delivery
from brokers.frames import DIRECT_REPLY
from brokers.outgoing import Outgoing
from brokers.queue import Queue

#: Headers that tell of one passage through a queue and must not travel on to the next.
PASSAGE = frozenset(
    {
        "x-death",
        "x-first-death-exchange",
        "x-first-death-queue",
        "x-first-death-reason",
        "x-last-death-exchange",
        "x-last-death-queue",
        "x-last-death-reason",
        "x-delivery-count",
        "x-acquired-count",
        "CC",
        "BCC",
    }
)

#: Moments before this are counters or unset clocks, not the time of a message.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

#: A publisher's clock may be ahead of ours by this much; further ahead its messages would stay the newest for ever.
CLOCK_SKEW = timedelta(minutes=5)

#: A redrive of ours may be this far ahead of the moment it is read at: enough that no clock matters.
A_YEAR = timedelta(days=365)

#: What others' headers may take of the one frame that all headers must fit in (128 KiB); ours need the rest.
FOREIGN_BYTES = 64 * 1024


@dataclass(slots=True, kw_only=True)
class Incoming:
    """One delivery on one channel; `tag` is only good on that channel.

    `failures` is how often a consumer or its channel died with this message in hand, as the broker counts it.
    `physical` is the queue as the broker knows it: the partition, where there are partitions. `key` and `exchange`
    are the original ones, also after the ladder or a redrive. `first_seen` is when the message was published as far
    as anyone can tell, `retry_since` when its present run of attempts began.
    """

    queue: Queue
    physical: str
    tag: int
    body: bytes
    message_id: str
    is_derived: bool
    key: str
    exchange: str
    headers: dict[str, Any]
    attempt: int
    first_seen: datetime
    retry_since: datetime
    type: str | None
    correlation_id: str | None
    reply_to: str | None
    timestamp: datetime | None
    is_redelivered: bool
    failures: int

    def delivery(self, message: Any) -> Delivery[Any]:
        """Return what the handler gets to see."""
        return Delivery(
            message=message,
            message_id=self.message_id,
            is_derived=self.is_derived,
            key=self.key,
            observed_at=self.first_seen,
            raw=self.body,
            attempt=self.attempt,
            correlation_id=self.correlation_id,
            headers=self.headers,
        )

    def onward(self, exchange: str, key: str, **headers: Any) -> Outgoing:
        """Return the same message addressed elsewhere, keeping its identity, age, origin and who waits for a reply."""
        kept = _fitting({name: value for name, value in self.headers.items() if name not in PASSAGE})
        kept |= {
            "x-first-seen": self.first_seen.isoformat(timespec="milliseconds"),
            "x-original-exchange": self.exchange,
            "x-original-key": self.key,
        }
        if self.is_derived:
            kept["x-derived-id"] = True
        return Outgoing(
            exchange=exchange,
            key=key,
            body=self.body,
            message_id=self.message_id,
            type=self.type,
            correlation_id=self.correlation_id,
            reply_to=self.reply_to,
            timestamp=self.timestamp or self.first_seen,
            headers=kept | headers,
        )


def incoming(message: aiormq.abc.DeliveredMessage, queue: Queue, physical: str, now: datetime) -> Incoming:
    """Read the properties of a delivery; whatever a foreign publisher left out is derived."""
    stated = message.header.properties
    headers = dict(stated.headers or {})
    key = _text(headers.get("x-original-key")) or message.routing_key or ""
    timestamp = stated.timestamp if isinstance(stated.timestamp, datetime) else None
    if timestamp is not None and timestamp.tzinfo is None:
        timestamp = timestamp.replace(tzinfo=UTC)
    believed = timestamp if timestamp is not None and EARLIEST <= timestamp <= now + CLOCK_SKEW else None
    first_seen = _first_seen(headers, believed, now)
    message_id = stated.message_id
    return Incoming(
        queue=queue,
        physical=physical,
        tag=int(message.delivery_tag or 0),
        body=message.body,
        message_id=message_id or derived_id(key, message.body, timestamp),
        is_derived=not message_id or bool(headers.get("x-derived-id")),
        key=key,
        exchange=_text(headers.get("x-original-exchange")) or message.exchange or "",
        headers=headers,
        attempt=_count(headers.get("x-attempt")) or 1,
        first_seen=first_seen,
        retry_since=moment(headers.get("x-redriven-at"), now + A_YEAR) or first_seen,
        type=stated.message_type,
        correlation_id=stated.correlation_id,
        reply_to=_queue_named(stated.reply_to),
        timestamp=believed,
        is_redelivered=bool(message.redelivered),
        failures=_count(headers.get("x-delivery-count")),
    )


def derived_id(key: str, body: bytes, timestamp: datetime | None) -> str:
    """Return the identity of a message that states none: SHA-256 of key, body and timestamp property."""
    stamp = str(int(timestamp.timestamp())) if timestamp else ""
    return hashlib.sha256(b"\0".join((key.encode(), stamp.encode(), body))).hexdigest()


def _first_seen(headers: dict[str, Any], timestamp: datetime | None, now: datetime) -> datetime:
    """Prefer the header's milliseconds where they agree with the publisher's whole seconds, else the publisher."""
    noted = moment(headers.get("x-first-seen"), now + CLOCK_SKEW)
    if timestamp is None:
        return noted or now
    if noted is not None and abs(noted - timestamp) < timedelta(seconds=1):
        return noted
    return timestamp


def moment(stated: object, latest: datetime) -> datetime | None:
    """Return the moment that a header states, if it states one that can be believed."""
    if stated is None:  # nearly always, and an exception would cost as much as all else here
        return None
    try:
        read = datetime.fromisoformat(str(stated))
    except ValueError:
        return None
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    return aware if EARLIEST <= aware <= latest else None


def _queue_named(reply_to: str | None) -> str | None:
    return None if reply_to is None or reply_to.startswith(DIRECT_REPLY) else reply_to


def _text(stated: object) -> str:
    return stated if isinstance(stated, str) else ""


def _fitting(headers: dict[str, Any]) -> dict[str, Any]:
    """Leave out the largest of a publisher's headers until ours fit beside them, and say which."""
    sizes = {name: len(encode.field_table({name: value})) for name, value in headers.items()}
    left_out: list[str] = []
    while sum(sizes.values()) > FOREIGN_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        del sizes[largest]
        left_out.append(largest[:50])
    if not left_out:
        return headers
    return {name: headers[name] for name in sizes} | {"x-left-out": ", ".join(left_out)[:1000]}


def _count(stated: object) -> int:
    return stated if isinstance(stated, int) and stated > 0 else 0

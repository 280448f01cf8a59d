"""A delivery as the broker would hand it over, without a broker."""

from datetime import datetime
from typing import Any

from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp.header import ContentHeader

from brokers.incoming import Incoming, incoming
from brokers.queue import Queue, Retry
from schemas.base import ForeignCommand


class Ping(ForeignCommand):
    """A message of no domain."""

    key = "samples.ping"
    number: int = 0


def a_queue(**overrides: Any) -> Queue:
    return Queue("samples.ping", Ping, retry=overrides.pop("retry", Retry()), **overrides)


def delivered(body: bytes = b"{}", key: str = "samples.ping", **properties: Any) -> DeliveredMessage:
    return DeliveredMessage(
        delivery=spec.Basic.Deliver(delivery_tag=1, exchange="samples.topic", routing_key=key),
        header=ContentHeader(properties=spec.Basic.Properties(**properties)),
        body=body,
        channel=None,  # type: ignore[arg-type]
    )


def arrived(now: datetime, body: bytes = b"{}", queue: Queue | None = None, **properties: Any) -> Incoming:
    chosen = queue or a_queue()
    return incoming(delivered(body, **properties), chosen, chosen.name, now)

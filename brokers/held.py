"""A message in a worker's hands: what came, on which subscription, and what its body says."""

import time
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from brokers.incoming import Incoming
from brokers.subscription import Subscription
from brokers.verdict import Reject

#: RabbitMQ 4 refuses larger messages, earlier ones take 128 MiB: reading one of those would take a gigabyte of memory.
LARGEST = 16 * 1024 * 1024


@dataclass(slots=True, eq=False)  # each delivery is itself alone
class Held:
    """One delivery between its arrival and its ack; once read, either `message` or `error` is set.

    `since` is when it arrived, on the monotonic clock.
    """

    incoming: Incoming
    subscription: Subscription
    adapter: TypeAdapter[Any]
    message: Any = None
    error: Exception | None = None
    is_read: bool = False
    since: float = field(default_factory=time.monotonic)

    def read(self) -> None:
        """Validate the body, once; a body that does not fit is an error to be judged, not raised."""
        if self.is_read:
            return
        self.is_read = True
        if len(self.incoming.body) > LARGEST:
            self.error = Reject(f"is larger than {LARGEST} bytes")
            return
        try:
            self.message = self.adapter.validate_json(self.incoming.body)
        except (ValidationError, ValueError) as error:  # ValueError: bytes that are no text
            self.error = error

    async def ack(self) -> None:
        """Ack this message alone."""
        await self.subscription.ack(self.incoming.tag)

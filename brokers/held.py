"""A message in a worker's hands: what came, on which subscription, and what its body says."""

from dataclasses import dataclass
from typing import Any

from brokers.incoming import Incoming
from brokers.subscription import Subscription


@dataclass(slots=True)
class Held:
    """One delivery between its arrival and its ack; `error` is set where the body did not validate."""

    incoming: Incoming
    subscription: Subscription
    message: Any = None
    error: Exception | None = None

    async def ack(self) -> None:
        """Ack this message alone."""
        await self.subscription.ack(self.incoming.tag)

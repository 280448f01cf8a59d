"""What publishers need of the broker, so that a test can stand in for it."""

from collections.abc import Sequence
from typing import Protocol

from brokers.outgoing import Outgoing


class ConfirmingPublisher(Protocol):
    """Publishes many messages, all in flight together."""

    async def publish_many(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        """Publish in order and return one outcome a message, None for confirmed."""

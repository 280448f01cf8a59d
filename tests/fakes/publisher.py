"""A broker that confirms what it is given, or does not."""

import asyncio
from collections.abc import Callable, Sequence

from brokers.outgoing import Outgoing
from brokers.verdict import Unavailable


class FakePublisher:
    """Keeps confirmed messages; `is_away` confirms nothing, `refuses(message)` returns an outcome for single ones."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.is_away = False
        self.refuses: Callable[[Outgoing], Exception | None] = lambda _: None
        self.watch: Callable[[], None] = lambda: None

    async def publish_many(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        self.watch()
        await asyncio.sleep(0)  # others get their turn, as they do while confirms are awaited
        return [self._publish(message) for message in messages]

    async def publish(self, message: Outgoing) -> None:
        if outcome := self._publish(message):
            raise outcome

    def _publish(self, message: Outgoing) -> Exception | None:
        if self.is_away:
            return Unavailable("the broker is away")
        if outcome := self.refuses(message):
            return outcome
        self.published.append(message)
        return None

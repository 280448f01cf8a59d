"""An outbox in memory, with claims."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from brokers.outgoing import Outgoing
from persistence.outbox import OutboxRow


class FakeOutbox:
    """Messages in order of writing."""

    def __init__(self) -> None:
        self.rows: dict[int, Outgoing] = {}
        self.claims: dict[int, tuple[str, datetime]] = {}
        self.written = 0

    @property
    def messages(self) -> list[Outgoing]:
        return [message for _, message in sorted(self.rows.items())]

    async def add(self, messages: Sequence[Outgoing]) -> None:
        for message in messages:
            self.written += 1
            self.rows[self.written] = message

    async def claim(self, *, limit: int, token: str, lease: timedelta, now: datetime) -> list[OutboxRow]:
        free = [number for number in sorted(self.rows) if number not in self.claims or self.claims[number][1] <= now]
        self.claims |= dict.fromkeys(free[:limit], (token, now + lease))
        return [OutboxRow(number, self.rows[number]) for number in free[:limit]]

    async def delete(self, ids: Collection[int], *, token: str) -> None:
        for number in self._mine(ids, token):
            del self.rows[number], self.claims[number]

    async def release(self, ids: Collection[int], *, token: str) -> None:
        for number in self._mine(ids, token):
            del self.claims[number]

    async def backlog(self, now: datetime) -> tuple[int, timedelta]:
        oldest = min((message.timestamp for message in self.rows.values()), default=now)
        return len(self.rows), now - oldest

    def _mine(self, ids: Collection[int], token: str) -> list[int]:
        return [number for number in ids if self.claims.get(number, ("", None))[0] == token]

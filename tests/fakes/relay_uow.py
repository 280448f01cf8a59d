"""What the relay's pollers ask of the database, in memory: rows under lease, destinations with a note of a wake-up."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass
class FakeWaitingEvents:
    """Rows that wait, by number, each with the end of its lease."""

    waiting: dict[int, datetime | None] = field(default_factory=dict)

    async def claim_unadopted(self, *, now: datetime, limit: int, token: str, lease: timedelta) -> list[int]:  # noqa: ARG002  whose claim it is is SQL's affair
        free = [number for number, until in self.waiting.items() if until is None or until <= now][:limit]
        self.waiting |= dict.fromkeys(free, now + lease)
        return free


@dataclass
class FakeWakings:
    """Destinations that have something due, and until when each counts as woken."""

    with_due: set[int] = field(default_factory=set)
    woken: dict[int, datetime | None] = field(default_factory=dict)

    async def due(self, now: datetime, limit: int) -> list[int]:
        def is_free(number: int) -> bool:
            until = self.woken.get(number)
            return until is None or until <= now

        return sorted(filter(is_free, self.with_due))[:limit]

    async def wake(self, numbers: Sequence[int], until: datetime | None) -> None:
        self.woken |= dict.fromkeys(numbers, until)


@dataclass
class PollersTransaction:
    events: FakeWaitingEvents = field(default_factory=FakeWaitingEvents)
    destinations: FakeWakings = field(default_factory=FakeWakings)


@dataclass
class PollersUow:
    """Called for a block; `is_open` tells whether a transaction is open right now."""

    tx: PollersTransaction = field(default_factory=PollersTransaction)
    is_open: bool = False

    def __call__(self) -> Any:
        return self._transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[PollersTransaction]:
        self.is_open = True
        try:
            yield self.tx
        finally:
            self.is_open = False

"""What became of a message, told to whoever published it: a convenience that must never slow or stop the mesh."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from brokers.verdict import Unavailable
from schemas.clock import utc_now

#: The header of messages whose state somebody may ask for; of others nothing is recorded.
TRACKED = "x-track"


class State(StrEnum):
    """How far a message has come."""

    ACCEPTED = "accepted"
    RETRYING = "retrying"
    DEAD = "dead"
    DONE = "done"

    @property
    def rank(self) -> int:
        """A state is replaced by one of at least its own rank: reports may overtake each other on the way.

        Done outranks dead, for a dead letter that was redriven can still succeed.
        """
        return tuple(State).index(self)


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one message at one moment; `result` is JSON-like, `reason` says why it is retrying or dead."""

    message_id: str
    state: State
    queue: str | None = None
    result: Any = None
    reason: str | None = None
    at: datetime = field(default_factory=utc_now)


class StatusBoard(Protocol):
    """Where statuses are kept for a day."""

    async def record(self, statuses: Sequence[Status]) -> None:
        """Keep these, never letting a message go backwards; DONE is final. Never raises, never waits long."""

    async def read(self, message_id: str) -> Status | None:
        """Return the last status, None if it is unknown or forgotten; raises Unavailable if the board is away."""


class NoStatusBoard:
    """The board of a mesh that runs without Redis: it keeps nothing and knows nothing."""

    async def record(self, statuses: Sequence[Status]) -> None:
        """Forget these."""

    async def read(self, message_id: str) -> Status | None:
        """Raise Unavailable: nobody can say what became of a message."""
        raise Unavailable(f"no status board is configured, so nothing is known of {message_id}")

    async def probe(self) -> None:
        """Raise Unavailable, as there is nothing to reach."""
        raise Unavailable("no status board is configured")

    async def close(self) -> None:
        """Do nothing."""

"""What the gateway needs of the rest of the mesh, as small Protocols."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from brokers.outgoing import Outgoing
from brokers.status import StatusBoard
from schemas.relay.messages import MAX_EVENTS


class Publisher(Protocol):
    """Takes messages and returns once the broker has confirmed them."""

    async def publish(self, message: Outgoing) -> None:
        """Publish one message; raises Unavailable or Reject if it was not confirmed."""

    async def publish_many(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        """Publish in order; one outcome a message, None for confirmed."""


class Answer(Protocol):
    """The answer to one message, when it comes."""

    @property
    def reply_to(self) -> str | None:
        """The queue that hears the answer; None if nobody could listen."""

    async def wait(self, timeout: timedelta) -> bytes | None:  # noqa: ASYNC109 -- the caller's patience is data here
        """Return the body of the answer, None if there was none in time."""


class Answers(Protocol):
    """Where workers' answers arrive."""

    def expect(self, message_id: str) -> AbstractAsyncContextManager[Answer]:
        """Listen for the answer to a message that is about to be published."""


class Seen(Protocol):
    """What was published already; forgetting it costs a publish more, and nothing else."""

    async def has(self, key: str) -> bool:
        """Tell whether this was noted. Never raises, never waits long."""

    async def note(self, key: str) -> None:
        """Note that this is confirmed by the broker. Never raises, never waits long."""


class NothingSeen:
    """The memory of a gateway without Redis: every copy is published."""

    async def has(self, key: str) -> bool:  # noqa: ARG002 -- the Protocol's
        """Tell that it was not."""
        return False

    async def note(self, key: str) -> None:
        """Forget it."""

    async def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """A dependency that readiness looks at; `probe` raises Unavailable while it is away.

    Without a required one the gateway is not ready; another is only reported.
    """

    name: str
    probe: Callable[[], Awaitable[object]]
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long: body bytes, seconds of waiting, requests a minute for each caller (0: any number).

    Pages of marketing events have limits of their own.
    """

    max_body_bytes: int = 15 * 1024 * 1024  # RabbitMQ 4 refuses messages over 16 MiB
    max_wait: timedelta = timedelta(seconds=10)
    requests_a_minute: int = 0
    max_events_bytes: int = 10 * 1024 * 1024
    max_events: int = MAX_EVENTS


@dataclass(frozen=True, slots=True)
class Desk:
    """What every route that publishes has at hand."""

    publisher: Publisher
    answers: Answers
    board: StatusBoard
    limits: Limits

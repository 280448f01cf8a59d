"""What was read, published with confirms; while the broker is away it is kept in hand, and nothing more is read."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any, Protocol

import structlog

from brokers.outgoing import Outgoing, outgoing
from brokers.verdict import Unavailable
from schemas.base import Message
from schemas.identity import named_id
from schemas.plain_json import canonical

log = structlog.get_logger()

#: For how long a crawl waits for the broker with a page in hand; after it, the page is read again another time.
PATIENCE = timedelta(minutes=10)
_LONGEST_PAUSE_S = 15.0


class Publishes(Protocol):
    """The part of a publisher that a crawl needs."""

    async def publish_many(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        """Publish; one outcome a message, None for confirmed."""


class Outlet:
    """Publishes pages; returns when every message is confirmed."""

    def __init__(
        self,
        publisher: Publishes,
        patience: timedelta = PATIENCE,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._publisher = publisher
        self._patience = patience.total_seconds()
        self._sleep = sleep

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish all, again what was not confirmed; raises Unavailable once patience is over, Reject at once."""
        deadline, pause = time.monotonic() + self._patience, 0.5
        left = list(messages)
        while left:
            outcomes = await self._publisher.publish_many(left)
            failed = [(one, outcome) for one, outcome in zip(left, outcomes, strict=True) if outcome is not None]
            for _, outcome in failed:
                if not isinstance(outcome, Unavailable):
                    raise outcome
            left = [one for one, _ in failed]
            if not left:
                return
            if time.monotonic() + pause > deadline:
                raise Unavailable(f"{len(left)} messages are not confirmed: {failed[0][1]}")
            log.warning("crawl_waits_for_broker", messages=len(left), error=str(failed[0][1]))
            await self._sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)


def page_message(message: Message, crawl_id: str, *place: object, rows: Sequence[dict[str, Any]]) -> Outgoing:
    """Return a page as a message whose id follows from the crawl, the place and what was read there.

    A page that is read twice because of a crash is then one message twice, which consumers tell; one that has changed
    meanwhile is another.
    """
    said = sha256(canonical([{**row, "extractedTime": None} for row in rows])).hexdigest()
    name = ":".join(map(str, (crawl_id, message.key, *place, said)))
    return outgoing(message, message_id=named_id(name), correlation_id=crawl_id)

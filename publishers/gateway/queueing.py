"""Routes that are answered once the broker has confirmed: an array with a message an item, or a single message."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import structlog
from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.types import Receive

from brokers.outgoing import Outgoing
from brokers.queue import Queue
from publishers.gateway.body import parsed, read_body
from publishers.gateway.call import Call
from publishers.gateway.envelope import success
from publishers.gateway.errors import Refusal, invalid, unavailable
from publishers.gateway.identity import Identity
from publishers.gateway.message import message_of, record_accepted
from publishers.gateway.ports import Desk
from publishers.gateway.prefer import preferred

log = structlog.get_logger()

Item = TypeVar("Item")


async def told(desk: Desk, call: Call, queue: Queue, message_ids: list[str]) -> Response:
    """Answer with the count, and with the ids for a caller that prefers `return=representation`."""
    prefers = preferred(call.header(b"prefer"), desk.limits.max_wait)
    data: dict[str, Any] = {"count": len(message_ids)}
    if prefers.is_representation_wanted:
        await record_accepted(desk.board, queue, message_ids)
        data["messageIds"] = message_ids
    return success(data, prefers.headers)


class Queueing(ABC, Generic[Item]):
    """A route of an array: 200 means that every item is confirmed by the broker."""

    def __init__(self, desk: Desk, queue: Queue, items: Any, most: int) -> None:
        """`items` is the type of the array."""
        self.queue = queue
        self._desk = desk
        self._body: TypeAdapter[list[Item]] = TypeAdapter(items)
        self._most = most

    async def __call__(self, call: Call, receive: Receive) -> Response:
        """Publish the items, all in flight together."""
        items = self._items(await read_body(call, receive, self._desk.limits.max_body_bytes))
        identity = Identity(call)
        messages = [self.message(call, item, identity.message_id(place)) for place, item in enumerate(items)]
        call.message_id = messages[0].message_id
        outcomes = await self._desk.publisher.publish_many(messages)
        if any(outcomes):
            raise self._unconfirmed(outcomes)
        return await told(self._desk, call, self.queue, [message.message_id for message in messages])

    @abstractmethod
    def message(self, call: Call, item: Item, message_id: str) -> Outgoing:
        """Return the message of one item."""

    def _items(self, body: bytes) -> list[Item]:
        items = parsed(self._body, body)
        if not items:
            raise Refusal(400, "The array is empty")
        if len(items) > self._most:
            raise invalid([("body", f"At most {self._most} tasks at once, not {len(items)}")])
        return items

    def _unconfirmed(self, outcomes: list[Exception | None]) -> Refusal:
        """Say which items are queued: those must not be sent again, unless under the same Idempotency-Key."""
        queued = [place for place, outcome in enumerate(outcomes) if outcome is None]
        failed = [place for place, outcome in enumerate(outcomes) if outcome is not None]
        log.warning("not_published", key=self.queue.name, tasks=len(failed), reason=str(outcomes[failed[0]]))
        return unavailable(
            "Some tasks were not confirmed; send those again, or all of them with the same Idempotency-Key",
            {"queued": queued, "failed": failed},
        )


class Telling:
    """A route of a single message that nobody waits for: 200 means that it is confirmed by the broker."""

    def __init__(self, desk: Desk, queue: Queue) -> None:
        self._desk = desk
        self._queue = queue
        self._body: TypeAdapter[Any] = TypeAdapter(queue.message)

    async def __call__(self, call: Call, receive: Receive) -> Response:
        """Publish the received bytes as they came."""
        body = await read_body(call, receive, self._desk.limits.max_body_bytes)
        parsed(self._body, body)
        call.message_id = Identity(call).message_id()
        (outcome,) = await self._desk.publisher.publish_many([message_of(call, self._queue, body, call.message_id)])
        if outcome is not None:
            log.warning("not_published", key=self._queue.name, message_id=call.message_id, reason=str(outcome))
            raise unavailable("The message was not confirmed; send it again")
        return await told(self._desk, call, self._queue, [call.message_id])

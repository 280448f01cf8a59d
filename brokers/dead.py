"""Dead letters: looked at without being moved, redriven with confirms, discarded only when told to."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import aiormq
import aiormq.abc
from aiormq import spec
from pydantic import TypeAdapter

from brokers.incoming import A_YEAR, Incoming, incoming, moment
from brokers.link import Link, leave
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher
from brokers.queue import Queue
from brokers.verdict import Unavailable
from schemas.clock import Clock

#: How long letters that were looked at are waited for; they are where they were in a few milliseconds.
BACK_SECONDS = 2.0

#: Headers that tell why a message was parked; a redriven message starts without them.
FAILURE = frozenset(
    {
        "x-attempt",
        "x-attempts",
        "x-dead-at",
        "x-error",
        "x-error-class",
        "x-host",
        "x-last-error",
        "x-physical",
        "x-queue",
        "x-stack-hash",
    }
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One parked message and why it is here; `group` is shared by failures of one kind on one queue."""

    incoming: Incoming
    error_class: str
    reason: str
    stack_hash: str
    attempts: int
    dead_at: datetime | None

    @property
    def queue(self) -> str:
        """The queue whose handler could not act on it."""
        return self.incoming.queue.name

    @property
    def group(self) -> str:
        """Eight hex digits for (queue, error class, stack hash)."""
        return hashlib.sha256(f"{self.queue}|{self.error_class}|{self.stack_hash}".encode()).hexdigest()[:8]

    def redriven(self, now: datetime, body: bytes | None = None) -> Outgoing:
        """Return the message as it goes back: same identity, origin and age, attempts counted anew.

        A `body` given replaces the one that failed; the message then says that it was edited.
        """
        onward = self.incoming.onward("", self.incoming.physical)
        headers = {name: value for name, value in onward.headers.items() if name not in FAILURE}
        headers["x-redriven-at"] = now.isoformat(timespec="milliseconds")
        if body is None:
            return replace(onward, headers=headers)
        return replace(onward, body=body, headers=headers | {"x-edited": True})


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant; what is None does not matter."""

    queue: str | None = None
    group: str | None = None
    message_id: str | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether a letter is meant."""
        return (
            self.queue in (None, letter.queue)
            and self.group in (None, letter.group)
            and self.message_id in (None, letter.incoming.message_id)
        )


class DeadLetters:
    """The dead-letter queues of the mesh, read over AMQP."""

    def __init__(self, link: Link, publisher: Publisher, queues: Iterable[Queue], clock: Clock) -> None:
        self._link = link
        self._publisher = publisher
        self._queues = tuple(queues)
        self._clock = clock

    async def letters(self, selection: Selection) -> AsyncIterator[DeadLetter]:
        """Yield the selected letters, oldest first a queue; all of them stay where they are."""
        channel = await self._link.channel()
        read = Counter[str]()
        try:
            for queue in self._selected(selection):
                async for letter in self._read(channel, queue):
                    read[queue.dead] += 1
                    if selection.takes(letter):
                        yield letter
        finally:
            await channel.close()  # what is unacked goes back to its place
            await self._back(read)

    async def _back(self, read: Counter[str]) -> None:
        """Wait until letters that were read can be read again: the broker takes its time after a channel is closed."""
        with suppress(TimeoutError, Unavailable):  # or others have them by now
            async with asyncio.timeout(BACK_SECONDS):
                channel = await self._link.channel()
                for name, count in read.items():
                    while await _depth(channel, name) < count:  # noqa: ASYNC110 - a depth can only be asked for
                        await asyncio.sleep(0.02)
                await leave(channel)

    async def redrive(
        self, selection: Selection, before_each: Callable[[DeadLetter], Any], body: bytes | None = None
    ) -> int:
        """Send the selected letters back to their queues, each acked once its publish is confirmed; return how many.

        `before_each` is awaited before each one: the place for pace and progress. A `body` given replaces the one
        that failed; raises pydantic's ValidationError if the queue's message cannot be read from it. Raises
        Unavailable if the broker goes away; what was not confirmed is still a dead letter then.
        """

        async def publish(letter: DeadLetter) -> None:
            if body is not None:
                TypeAdapter(letter.incoming.queue.message).validate_json(body)
            await self._publisher.publish(letter.redriven(self._clock(), body))

        return await self._remove(selection, before_each, publish)

    async def discard(self, selection: Selection, before_each: Callable[[DeadLetter], Any]) -> int:
        """Delete the selected letters for ever; return how many."""

        async def nothing(_: DeadLetter) -> None:
            return

        return await self._remove(selection, before_each, nothing)

    async def _remove(self, selection: Selection, before_each: Callable[[DeadLetter], Any], act: Any) -> int:
        channel = await self._link.channel()
        count = 0
        left = Counter[str]()
        try:
            for queue in self._selected(selection):
                async for letter in self._read(channel, queue):
                    if selection.takes(letter):
                        await before_each(letter)
                        await act(letter)
                        await channel.basic_ack(letter.incoming.tag)
                        count += 1
                    else:
                        left[queue.dead] += 1
        finally:
            await channel.close()
            await self._back(left)
        return count

    def _selected(self, selection: Selection) -> list[Queue]:
        return [queue for queue in self._queues if selection.queue in (None, queue.name)]

    async def _read(self, channel: aiormq.Channel, queue: Queue) -> AsyncIterator[DeadLetter]:
        """Take as many letters as there are now, so that one that dies again meanwhile is not met twice."""
        for _ in range(await _depth(channel, queue.dead)):
            message = await channel.basic_get(queue.dead)
            if not isinstance(message.delivery, spec.Basic.GetOk):
                return
            yield dead_letter(message, queue, self._clock())


def dead_letter(message: aiormq.abc.DeliveredMessage, queue: Queue, now: datetime) -> DeadLetter:
    """Read a parked message, whether we parked it, the broker did, or a stranger put it there."""
    parked = incoming(message, queue, queue.name, now)
    headers = parked.headers
    death = _first_death(headers)
    parked.physical = _physical(queue, headers.get("x-physical") or death.get("queue"))
    if "x-original-key" not in headers and (keys := death.get("routing-keys")) and isinstance(keys, list):
        parked.key = str(keys[0])
        parked.exchange = str(death.get("exchange") or "")
    # We take the broker's own note of an earlier passage away when we park, so where there is one it parked last.
    by_us = "x-error-class" in headers and not death
    attempts = headers.get("x-attempts")
    return DeadLetter(
        incoming=parked,
        error_class=str(headers["x-error-class"]) if by_us else _class_of(death),
        reason=str(headers.get("x-error", "")) if by_us else _reason_of(death),
        stack_hash=str(headers.get("x-stack-hash", "")) if by_us else "",
        attempts=attempts if isinstance(attempts, int) else parked.attempt,
        dead_at=moment(headers.get("x-dead-at"), now + A_YEAR) if by_us else _time_of(death),
    )


def _physical(queue: Queue, stated: object) -> str:
    return stated if isinstance(stated, str) and stated in queue.physical_names else queue.physical_names[0]


def _first_death(headers: dict[str, Any]) -> dict[str, Any]:
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    return first if isinstance(first, dict) else {}


def _class_of(death: dict[str, Any]) -> str:
    return {"expired": "Expired", "delivery_limit": "DeliveryLimit"}.get(str(death.get("reason")), "Stranger")


def _reason_of(death: dict[str, Any]) -> str:
    if not death:
        return "nobody parked it: it was published straight to the dead letters"
    reason = death.get("reason", "unknown")
    if reason == "expired":
        return "its publisher gave it a time to live, which ended before it was consumed"
    return f"the broker gave up on it ({reason}): its consumers died or lost their link each time they had it"


def _time_of(death: dict[str, Any]) -> datetime | None:
    time = death.get("time")
    return time if isinstance(time, datetime) else None


async def _depth(channel: aiormq.Channel, queue: str) -> int:
    return int((await channel.queue_declare(queue, passive=True)).message_count or 0)

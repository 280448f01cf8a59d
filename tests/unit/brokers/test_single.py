import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from brokers.held import Held
from brokers.incoming import Incoming
from brokers.single import SingleWork
from brokers.verdict import Retryable
from tests.build.incoming import Ping, arrived

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ADAPTER = TypeAdapter(Ping)


class Acks:
    """A live subscription that knows what was acked, in order."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.acked: list[int] = []

    @property
    def is_live(self) -> bool:
        return not self.lost.is_set()

    async def ack(self, tag: int) -> None:
        self.acked.append(tag)


class SlowCourier:
    """Moves what failed once it is told that the broker has confirmed."""

    def __init__(self) -> None:
        self.moving: list[int] = []
        self.confirmed = asyncio.Event()

    async def failed(self, message: Incoming, _error: Exception) -> bool:
        self.moving.append(message.tag)
        await self.confirmed.wait()
        return True

    async def done(self, _messages: list[Incoming], _results: Any) -> None:
        """Nobody asked."""


class RefusingFirst:
    """An attempt whose first call is refused."""

    is_stopping = False

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, _delivery: Any, _headers: Any) -> None:
        self.calls += 1
        if self.calls == 1:
            raise Retryable("not yet")


class Scene:
    """One hand, and messages that a test gives it."""

    def __init__(self, key_of: Callable[[Any], str] | None = None, *, courier: Any = None) -> None:
        self.acks = Acks()
        self.courier = courier or SlowCourier()
        self.attempt = RefusingFirst()
        self.work = SingleWork(self.attempt, self.courier, 1, key_of, gives_back_by_nack=False)  # type: ignore[arg-type]
        self.work.start()

    def accept(self, *tags: int) -> None:
        for tag in tags:
            incoming = replace(arrived(NOW, b"{}"), tag=tag)
            self.work.accept(Held(incoming, self.acks, ADAPTER))  # type: ignore[arg-type]

    async def settle(self) -> None:
        """Let everything run that can."""
        for _ in range(20):
            await asyncio.sleep(0)


async def test_the_hand_of_a_message_that_failed_does_not_wait_for_the_broker() -> None:
    scene = Scene()
    scene.accept(1, 2, 3)
    await scene.settle()
    assert (scene.courier.moving, scene.acks.acked) == ([1], [2, 3])
    scene.courier.confirmed.set()
    await scene.work.drain()
    assert scene.acks.acked == [2, 3, 1]


async def test_a_drain_waits_until_what_failed_is_moved_and_acked() -> None:
    scene = Scene()
    scene.accept(1)
    await scene.settle()
    draining = asyncio.create_task(scene.work.drain())
    await scene.settle()
    assert not draining.done()
    assert not scene.work.is_idle
    scene.courier.confirmed.set()
    await draining
    assert scene.work.is_idle
    assert scene.acks.acked == [1]


async def test_the_next_message_of_a_key_waits_until_the_one_that_failed_is_moved() -> None:
    scene = Scene(key_of=lambda _: "one")
    scene.accept(1, 2)
    await scene.settle()
    assert scene.attempt.calls == 1
    scene.courier.confirmed.set()
    await scene.settle()
    assert (scene.attempt.calls, scene.acks.acked) == (2, [1, 2])
    await scene.work.drain()


class BrokenCourier(SlowCourier):
    async def failed(self, _message: Incoming, _error: Exception) -> bool:
        raise ZeroDivisionError


async def test_a_bug_while_a_message_is_moved_costs_a_redelivery_and_not_the_consumer() -> None:
    scene = Scene(courier=BrokenCourier())
    scene.accept(1)
    await scene.settle()
    assert scene.acks.lost.is_set()
    assert not scene.acks.acked
    assert scene.work.is_idle
    await scene.work.drain()


async def test_stopping_at_once_leaves_unacked_what_is_being_moved() -> None:
    scene = Scene()
    scene.accept(1)
    await scene.settle()
    await scene.work.stop()
    assert not scene.acks.acked

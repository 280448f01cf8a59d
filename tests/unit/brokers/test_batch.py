import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from brokers.attempt import Halted
from brokers.batch import GroupWork
from brokers.held import Held
from brokers.incoming import Incoming
from brokers.queue import Batch
from tests.build.incoming import Ping, arrived

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ADAPTER = TypeAdapter(Ping)


class Acks:
    """A subscription that knows which messages the broker would forget."""

    has_gaps = False

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.delivered: set[int] = set()
        self.acked: set[int] = set()

    @property
    def is_live(self) -> bool:
        return not self.lost.is_set()

    async def ack(self, tag: int, *, multiple: bool = False) -> None:
        self.acked |= {each for each in self.delivered if each <= tag} if multiple else {tag}


class Courier:
    """Parks whatever it is given, and hands back what the broker takes."""

    def __init__(self, refused: set[int]) -> None:
        self.refused = refused
        self.moved: set[int] = set()

    async def failed(self, message: Incoming, _error: Exception) -> bool:
        self.moved.add(message.tag)
        return True

    async def hand_back(self, message: Incoming) -> bool:
        if message.tag in self.refused:
            return False
        self.moved.add(message.tag)
        return True

    async def done(self, messages: list[Incoming], _results: Any) -> None:
        self.moved |= {message.tag for message in messages}


class Outage:
    """An attempt that is told to stop while a dependency is away, for its first groups."""

    is_stopping = True

    def __init__(self, groups: int) -> None:
        self.groups = groups

    async def __call__(self, _argument: Any, _count: int = 1) -> None:
        self.groups -= 1
        if self.groups >= 0:
            raise Halted


async def drained(outage: Outage, courier: Courier, bodies: list[bytes], *, size: int) -> Acks:
    acks = Acks()
    work = GroupWork(outage, courier, Batch(size=size), gives_back_by_nack=False)  # type: ignore[arg-type]
    for tag, body in enumerate(bodies, start=1):
        acks.delivered.add(tag)
        incoming = replace(arrived(NOW, body), tag=tag)
        work.accept(Held(incoming, acks, ADAPTER))  # type: ignore[arg-type]
    work.start()
    await work.drain()
    return acks


async def test_a_message_that_could_not_be_given_back_is_not_covered_by_the_ack_of_a_later_one_of_its_group() -> None:
    courier = Courier(refused={2})
    acks = await drained(Outage(groups=1), courier, [b"{}", b"{}", b"{}", b"{not json"], size=4)
    assert acks.acked == courier.moved == {1, 3, 4}
    assert acks.lost.is_set()


async def test_a_message_that_could_not_be_given_back_is_not_covered_by_the_ack_of_a_later_group() -> None:
    courier = Courier(refused={1})
    acks = await drained(Outage(groups=1), courier, [b"{}", b"{}", b"{}", b"{}"], size=2)
    assert 1 not in acks.acked
    assert acks.acked <= courier.moved


class Called:
    """An attempt that tells when it is called."""

    def __init__(self) -> None:
        self.was_called = asyncio.Event()

    async def __call__(self, _argument: Any, _headers: Any) -> None:
        self.was_called.set()


async def test_a_message_that_waited_behind_another_transaction_does_not_linger_once_more() -> None:
    called, hour = Called(), timedelta(hours=1)
    work = GroupWork(called, Courier(set()), Batch(size=10, linger=hour), gives_back_by_nack=False)  # type: ignore[arg-type]
    waited = time.monotonic() - hour.total_seconds()
    work.accept(Held(arrived(NOW, b"{}"), Acks(), ADAPTER, since=waited))  # type: ignore[arg-type]
    work.start()
    async with asyncio.timeout(10):
        await called.was_called.wait()
    await work.drain()


class Slow:
    """An attempt that ends when it is told to."""

    is_stopping = False

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.goes_on = asyncio.Event()

    async def __call__(self, argument: Any, _headers: Any) -> None:
        self.groups.append(len(argument))
        await self.goes_on.wait()


async def test_a_group_at_work_is_finished_before_a_pause_and_none_begins_until_it_is_over() -> None:
    slow, acks = Slow(), Acks()
    work = GroupWork(slow, Courier(set()), Batch(size=2), gives_back_by_nack=True)  # type: ignore[arg-type]
    work.start()

    async def until_begun(groups: int) -> None:
        async with asyncio.timeout(10):
            while len(slow.groups) < groups:
                await asyncio.sleep(0)

    def accept(*tags: int) -> None:
        acks.delivered |= set(tags)
        for tag in tags:
            work.accept(Held(replace(arrived(NOW, b"{}"), tag=tag), acks, ADAPTER))  # type: ignore[arg-type]

    accept(1, 2)
    await until_begun(1)
    assert not await work.paused(timedelta(seconds=0.02))  # what hangs longer keeps the partition
    pausing = asyncio.create_task(work.paused(timedelta(seconds=10)))
    accept(3, 4)
    await asyncio.sleep(0.02)
    slow.goes_on.set()
    assert await pausing
    assert (slow.groups, acks.acked) == ([2], {1, 2})
    work.resume()
    await until_begun(2)
    await work.drain()
    assert acks.acked == {1, 2, 3, 4}

"""Processes that consume a partitioned queue share its partitions, and keep each conversation's order doing so."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from brokers import sharing, topology
from brokers.delivery import Delivery
from brokers.outgoing import outgoing
from brokers.queue import Queue
from schemas.base import ForeignCommand
from tests.build.broker import SmallMesh, eventually, small_mesh

CONVERSATIONS = [f"conversation-{n}" for n in range(40)]
WORKERS = 4


class Tell(ForeignCommand):
    key = "replies.tell"
    conversation: str
    number: int


QUEUE = Queue(
    "replies.tell", Tell, partitions=4, concurrency=8, prefetch=20, key_of=lambda message: message.conversation
)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(topology.BY_NAME, QUEUE.name, QUEUE)
    monkeypatch.setattr(sharing, "LOOK_EVERY", timedelta(seconds=0.5))
    monkeypatch.setattr(sharing, "BUSY", 2)


class Heard:
    """What the workers heard, which of them, and whether two ever had one conversation in hand."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[int]] = defaultdict(list)
        self.by: Counter[int] = Counter()
        self._talking: set[str] = set()

    def worker(self, number: int) -> Callable[[Delivery[Tell]], Awaitable[None]]:
        async def handler(delivery: Delivery[Tell]) -> None:
            conversation = delivery.message.conversation
            assert conversation not in self._talking, "two messages of one conversation at a time"
            self._talking.add(conversation)
            await asyncio.sleep(0.002)
            self._talking.discard(conversation)
            self.numbers[conversation].append(delivery.message.number)
            self.by[number] += 1

        return handler


async def _speak(mesh: SmallMesh, numbers: range) -> None:
    for number in numbers:
        said = [outgoing(Tell(conversation=each, number=number)) for each in CONVERSATIONS]
        assert not any(await mesh.publisher.publish_many(said))
        await asyncio.sleep(0.1)


async def test_four_workers_come_to_share_what_the_first_had_alone(vhost: str) -> None:
    heard, spoken = Heard(), 0
    async with small_mesh(vhost, QUEUE) as mesh, AsyncExitStack() as stack:
        for number in range(WORKERS):
            await stack.enter_async_context(mesh.working(heard.worker(number), is_ready=number == 0))

        async def are_sharing() -> bool:
            nonlocal spoken
            before = heard.by.copy()
            await _speak(mesh, range(spoken, spoken + 10))
            spoken += 10
            return all((heard.by - before)[number] > 0 for number in range(WORKERS))

        await eventually(are_sharing, 60)
        await eventually(lambda: all(len(heard.numbers[each]) >= spoken for each in CONVERSATIONS))
        assert await mesh.depth(QUEUE.dead) == 0
    assert {each: heard.numbers[each] for each in CONVERSATIONS} == {key: list(range(spoken)) for key in CONVERSATIONS}


async def test_one_alone_gives_nothing_up(vhost: str) -> None:
    heard = Heard()
    async with small_mesh(vhost, QUEUE) as mesh, mesh.working(heard.worker(0)) as worker:
        before = [id(each._subscription) for each in worker.consumers]
        await _speak(mesh, range(20))
        await eventually(lambda: all(len(heard.numbers[each]) == 20 for each in CONVERSATIONS))
        assert [id(each._subscription) for each in worker.consumers] == before

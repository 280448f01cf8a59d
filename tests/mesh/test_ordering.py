"""Partitioned queues: one conversation after the other, across processes."""

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest

from brokers import topology
from brokers.delivery import Delivery
from brokers.outgoing import outgoing
from brokers.queue import Queue, Retry
from brokers.verdict import Retryable
from schemas.base import ForeignCommand
from tests.build.broker import SmallMesh, eventually, small_mesh

KEYS = [f"conversation-{n}" for n in range(12)]


class Say(ForeignCommand):
    key = "replies.message"
    conversation: str
    number: int


QUEUE = Queue(
    "replies.message",
    Say,
    partitions=3,
    concurrency=8,
    prefetch=50,
    retry=Retry(first=timedelta(milliseconds=1), longest=timedelta(milliseconds=1)),
    key_of=lambda message: message.conversation,
)


@pytest.fixture(autouse=True)
def _on_the_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(topology.BY_NAME, QUEUE.name, QUEUE)


async def _say(mesh: SmallMesh, conversation: str, number: int) -> None:
    message = Say(conversation=conversation, number=number)
    await mesh.publisher.publish(outgoing(message))


async def test_each_conversation_keeps_its_order_with_two_workers_and_a_rolling_restart(vhost: str) -> None:
    heard: dict[str, list[int]] = defaultdict(list)
    talking: set[str] = set()

    async def handler(delivery: Delivery[Say]) -> None:
        conversation = delivery.message.conversation
        assert conversation not in talking, "two messages of one conversation at a time"
        talking.add(conversation)
        await asyncio.sleep(0.003)
        talking.discard(conversation)
        heard[conversation].append(delivery.message.number)

    async with small_mesh(vhost, QUEUE) as mesh:
        for number in range(25):
            await asyncio.gather(*(_say(mesh, conversation, number) for conversation in KEYS))
        async with mesh.working(handler), mesh.working(handler, is_ready=False):
            await eventually(lambda: sum(map(len, heard.values())) > 60)
        async with mesh.working(handler):
            await eventually(lambda: sum(map(len, heard.values())) >= 25 * len(KEYS))
    assert {conversation: heard[conversation] for conversation in KEYS} == {key: list(range(25)) for key in KEYS}


async def test_a_retried_message_comes_back_to_its_own_partition(vhost: str) -> None:
    seen: list[tuple[str, int]] = []

    async def handler(delivery: Delivery[Say]) -> None:
        seen.append((delivery.message.conversation, delivery.attempt))
        if delivery.attempt == 1:
            raise Retryable("not yet")

    async with small_mesh(vhost, QUEUE) as mesh:
        async with mesh.working(handler):
            for conversation in KEYS[:3]:
                await _say(mesh, conversation, 1)
            await eventually(lambda: len(seen) == 6)
        assert sorted(seen) == sorted((key, attempt) for key in KEYS[:3] for attempt in (1, 2))
        assert await mesh.depth(QUEUE.dead) == 0


async def test_a_partitioned_queue_has_one_active_consumer_a_partition(vhost: str) -> None:
    async def handler(_: Delivery[Say]) -> None: ...

    async with small_mesh(vhost, QUEUE) as mesh, mesh.working(handler), mesh.working(handler, is_ready=False):
        for name in QUEUE.physical_names:
            answer = await mesh.plain.queue_declare(name, passive=True)
            assert answer.consumer_count == 1  # the broker counts the active one; the other stands by

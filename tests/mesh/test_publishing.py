"""Confirmed publishing on a real RabbitMQ, when the link or the channel does not live up to it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import aiormq
import pytest

from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.pipeline import Pipeline, Unsendable
from brokers.publisher import Publisher
from brokers.queue import Queue
from brokers.unconfirmed import Unroutable
from brokers.verdict import Unavailable
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from tests.build.broker import SmallMesh, eventually, small_mesh
from tests.services.proxy import Proxy, proxy_to

QUEUE = Queue("samples.count", dict[str, int])
MESSAGE = Outgoing(exchange=QUEUE.exchange, key=QUEUE.name, body=b'{"number": 1}')


@pytest.fixture
async def proxy(broker: PrivateRabbitMQ) -> AsyncIterator[Proxy]:
    async with proxy_to(broker.port) as proxy:
        yield proxy


@pytest.fixture
async def publisher(vhost: str, proxy: Proxy) -> AsyncIterator[Publisher]:
    async with small_mesh(vhost, QUEUE):
        publisher = Publisher(Link(proxy.of(vhost), "by proxy"), confirm_within=timedelta(seconds=1))
        await publisher.publish(MESSAGE)
        yield publisher
        await publisher.close()


async def test_what_is_in_flight_when_the_publisher_closes_is_unconfirmed_and_not_cancelled(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pipeline, "_on_confirm_frame", _unheard)
    publishing = asyncio.create_task(publisher.publish_many([MESSAGE] * 20))
    await asyncio.sleep(0.1)  # in flight, and no word of it comes back
    await publisher.close()
    assert {type(outcome) for outcome in await publishing} == {Unavailable}


async def test_a_channel_that_confirms_nothing_is_retired_and_what_else_was_on_it_is_unconfirmed(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "_on_confirm_frame", _unheard)
        early = asyncio.create_task(publisher.publish_many([MESSAGE] * 20))
        await asyncio.sleep(0.5)  # half of the time to confirm
        late = await publisher.publish_many([MESSAGE] * 20)
        assert {type(outcome) for outcome in [*await early, *late]} == {Unavailable}
    await publisher.publish(MESSAGE)


async def test_a_link_that_swallows_everything_is_left_for_another(publisher: Publisher, proxy: Proxy) -> None:
    proxy.freeze()
    early = asyncio.create_task(publisher.publish_many([MESSAGE] * 20))
    await asyncio.sleep(0.5)  # half of the time to confirm
    late = await publisher.publish_many([MESSAGE] * 20)
    assert {type(outcome) for outcome in [*await early, *late]} == {Unavailable}
    proxy.cut()
    proxy.restore()

    async def is_confirmed() -> bool:
        return await publisher.publish_many([MESSAGE]) == [None]

    await eventually(is_confirmed)


async def test_a_group_is_told_apart_returned_refused_unsendable_and_taken(publisher: Publisher, vhost: str) -> None:
    async with small_mesh(vhost) as mesh:
        full = {"x-max-length": 0, "x-overflow": "reject-publish"}
        await mesh.plain.queue_declare("full", arguments=full)
    nowhere, refused = replace(MESSAGE, exchange="", key="nowhere"), replace(MESSAGE, exchange="", key="full")
    unsendable = replace(MESSAGE, key="k" * 300)
    outcomes = await publisher.publish_many([MESSAGE, nowhere, refused, unsendable, nowhere, MESSAGE] * 100)
    kinds = [outcome and type(outcome) for outcome in outcomes]
    assert kinds == [None, Unroutable, Unavailable, Unsendable, Unroutable, None] * 100
    for message, error in ((nowhere, Unroutable), (refused, Unavailable), (unsendable, Unsendable)):
        with pytest.raises(error):
            await publisher.publish(message)


async def test_a_link_cut_in_the_middle_of_a_group_leaves_no_message_in_doubt(
    publisher: Publisher, proxy: Proxy, vhost: str
) -> None:
    messages = [replace(MESSAGE, message_id=str(number)) for number in range(20_000)]
    publishing = asyncio.create_task(publisher.publish_many(messages))
    async with small_mesh(vhost, QUEUE) as mesh:
        await eventually(lambda: _holds_some(mesh))
        proxy.cut()
        outcomes = await publishing
        told = {message.message_id for message, outcome in zip(messages, outcomes, strict=True) if outcome is None}
        assert {type(outcome) for outcome in outcomes} == {type(None), Unavailable}
        proxy.restore()
        stored = set()
        while await mesh.depth(QUEUE.name):
            stored.add((await mesh.get(QUEUE.name)).header.properties.message_id)
    assert told <= stored
    await publisher.publish(MESSAGE)


async def test_single_messages_and_groups_at_once_are_all_confirmed_in_a_small_window(vhost: str) -> None:
    async with small_mesh(vhost, QUEUE) as mesh:
        publisher = Publisher(Link(vhost, "narrow"), in_flight=3)
        groups = (publisher.publish_many([MESSAGE] * number) for number in (1, 2, 3, 5, 300))
        singles = (publisher.publish(MESSAGE) for _ in range(50))
        outcomes, *_ = await asyncio.gather(asyncio.gather(*groups), *singles)
        assert {outcome for group in outcomes for outcome in group} == {None}
        await eventually(lambda: _holds(mesh, 361))
        await publisher.close()


async def test_a_caller_that_leaves_early_does_not_spoil_the_channel(publisher: Publisher) -> None:
    leaving = [asyncio.create_task(publisher.publish(MESSAGE)) for _ in range(50)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    assert await publisher.publish_many([MESSAGE] * 100) == [None] * 100


async def test_a_body_of_many_frames_arrives_whole(publisher: Publisher, vhost: str) -> None:
    body = bytes(range(256)) * 4096
    async with small_mesh(vhost, QUEUE) as mesh:
        await mesh.get(QUEUE.name)  # the one that opened the channel
        await publisher.publish(replace(MESSAGE, body=body))
        assert (await mesh.get(QUEUE.name)).body == body


async def test_a_broker_that_hangs_up_before_its_greeting_is_an_outage(
    vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.StreamReader, "at_eof", lambda _: True)
    with pytest.raises(Unavailable):
        await Link(vhost, "hung up on").channel()


@pytest.mark.parametrize("reason", [Exception(), asyncio.CancelledError()], ids=["nameless", "cancelled"])
async def test_a_link_that_is_lost_while_a_channel_opens_is_an_outage(
    vhost: str, monkeypatch: pytest.MonkeyPatch, reason: BaseException
) -> None:
    async def lost(*_: object, **__: object) -> None:
        raise reason

    monkeypatch.setattr(aiormq.Channel, "open", lost)
    link = Link(vhost, "lost")
    with pytest.raises(Unavailable):
        await link.channel()
    await link.close()


async def _holds_some(mesh: SmallMesh) -> bool:
    return await mesh.depth(QUEUE.name) > 1


async def _holds(mesh: SmallMesh, number: int) -> bool:
    return await mesh.depth(QUEUE.name) == number


async def _unheard(_channel: Pipeline, _frame: object) -> None:
    return

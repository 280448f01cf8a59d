"""Confirmed publishing on a real RabbitMQ, when the link or the channel does not live up to it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiormq
import pytest

from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher
from brokers.queue import Queue
from brokers.verdict import Unavailable
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from tests.build.broker import eventually, small_mesh
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
    monkeypatch.setattr(aiormq.Channel, "_on_confirm_frame", _unheard)
    publishing = asyncio.create_task(publisher.publish_many([MESSAGE] * 20))
    await asyncio.sleep(0.1)  # in flight, and no word of it comes back
    await publisher.close()
    assert {type(outcome) for outcome in await publishing} == {Unavailable}


async def test_a_channel_that_confirms_nothing_is_retired_and_what_else_was_on_it_is_unconfirmed(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(aiormq.Channel, "_on_confirm_frame", _unheard)
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


async def _unheard(_channel: aiormq.Channel, _frame: object) -> None:
    return

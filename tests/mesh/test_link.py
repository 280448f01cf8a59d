"""A link with several addresses finds a node that answers."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

import pytest

from brokers.link import Link
from brokers.verdict import Unavailable
from mesh.embedded.process import free_port
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from tests.build.broker import eventually
from tests.services.proxy import proxy_to


def _at(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))


async def _answers(link: Link) -> bool:
    try:
        await link.probe()
    except Unavailable:
        return False
    return True


async def test_a_node_that_is_away_is_passed_over(vhost: str) -> None:
    away = _at(vhost, free_port())
    for _ in range(6):  # it begins with any of them
        link = Link(f"{away},{vhost},{away}", "test")
        await link.probe()
        await link.close()


async def test_a_node_that_answers_nothing_costs_seconds_only(broker: PrivateRabbitMQ, vhost: str) -> None:
    async with proxy_to(broker.port) as proxy:
        proxy.freeze()
        link = Link(f"{proxy.of(vhost)},{vhost}", "test")
        async with asyncio.timeout(9):
            await link.probe()
        await link.close()


async def test_a_link_that_is_cut_is_made_again_by_another_way(broker: PrivateRabbitMQ, vhost: str) -> None:
    async with proxy_to(broker.port) as one, proxy_to(broker.port) as other:
        link = Link(f"{one.of(vhost)},{other.of(vhost)}", "test")
        for proxy in (one, other, one):
            proxy.cut()
            await eventually(lambda: _answers(link))  # a loss that was not noticed yet is told once
            proxy.restore()
        await link.close()


async def test_the_broker_is_away_only_when_no_node_answers(vhost: str) -> None:
    link = Link(f"{_at(vhost, free_port())},{_at(vhost, free_port())}", "test")
    with pytest.raises(Unavailable):
        await link.probe()

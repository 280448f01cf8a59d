"""Nodes of a three-node cluster are killed one after the other, while messages are in work."""

import asyncio
from collections.abc import Iterator
from typing import cast

import pytest

from mesh.embedded.rabbitmq import PrivateRabbitMQ
from tests.chaos.under_fire import Begin, Services
from tests.services.cluster import Cluster

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("c"))
    asyncio.run(cluster.start())
    try:
        yield cluster
    finally:
        asyncio.run(cluster.stop())


@pytest.fixture(scope="module")
def services(services: Services, cluster: Cluster) -> Services:
    """The cluster answers to the calls of a single broker."""
    return Services(cast("PrivateRabbitMQ", cluster), services.database, services.redis)


async def test_a_cluster_that_loses_one_node_after_another_loses_no_message(begin: Begin, cluster: Cluster) -> None:
    mesh = await begin()
    assert await cluster.members() == len(cluster.nodes)
    victims = mesh.driver.chance.sample(cluster.nodes, 2)
    async with mesh.driver.load(rate=25):
        for victim in victims:
            mesh.driver.burst(100)
            await mesh.in_work()
            await mesh.driver.some_time(0, 0.3)
            await victim.kill()
            mesh.returned()  # two nodes are enough: the mesh goes on without the third
            await mesh.acknowledged(60)
            await mesh.recovered()
            await victim.start()
            await mesh.until(lambda: _are_together(cluster))
        mesh.returned()
        await mesh.acknowledged(20)
    outcome = await mesh.verdict("node kill -9")
    outcome.facts["killed"] = ",".join(victim.node for victim in victims)


async def _are_together(cluster: Cluster) -> bool:
    """Tell whether all nodes run and every quorum queue has its members, so that another node may go."""
    return await cluster.members() == len(cluster.nodes) and await cluster.is_in_sync()

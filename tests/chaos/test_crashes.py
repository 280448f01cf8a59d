"""A message that kills whatever process handles it."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from brokers.declare import DELIVERY_LIMIT
from mesh.embedded.management import Management
from tests.build.broker import eventually
from tests.chaos.fleet import RoleProcess, Workers
from tests.chaos.under_fire import Begin, MeshUnderFire

pytestmark = pytest.mark.chaos

DEADLY = json.dumps({"source": "deadly", "rows": [{"platformProductId": "p", "platformCreatorId": "c"}]}).encode()

# `mesh worker --processes 2` minds two processes, and starts one again that has died.
MINDED = Workers(
    count=1,
    arguments=("--processes", "2"),
    environment={"PYTHONPATH": f"{Path(__file__).parent / 'deadly'}:{Path(__file__).parents[2]}"},
)
PATIENCE = 150.0  # a death and a start of Python for each delivery that the limit allows


async def test_a_message_that_kills_its_worker_is_parked_alone(begin: Begin) -> None:
    """With a lower limit than the mesh's own, which takes a minute of deaths."""
    mesh = await begin(workers=MINDED)
    await _limit(mesh, 7)
    await _killed_by_one(mesh, limit=7, deadly=1)


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_messages_that_kill_their_workers_are_parked_alone_at_the_limit_of_the_mesh(begin: Begin) -> None:
    mesh = await begin(workers=MINDED)
    await _killed_by_one(mesh, limit=DELIVERY_LIMIT, deadly=2)


async def _killed_by_one(mesh: MeshUnderFire, *, limit: int, deadly: int) -> None:
    async with mesh.driver.load(rate=20):
        with _frozen(mesh.fleet.workers[0]):  # so that many others are in the same hands
            for number in range(deadly):
                mesh.driver.burst(50)
                await mesh.driver.some_time(0, 0.3)
                await mesh.driver.publish(DEADLY, message_id=f"deadly-{number}")
                mesh.driver.burst(150)
                await mesh.acknowledged(50)
        await eventually(lambda: _are_parked(mesh, deadly), PATIENCE)
        mesh.returned()
        await mesh.fleet.workers[0].until_ready()
        await mesh.acknowledged(20)
    # What a worker was saying when it was killed is for an operator to look at: four hands a process, at each death.
    outcome = await mesh.verdict("crash loop", parked={"samples.ingest.dead": deadly}, uncertain=deadly * limit * 4)
    assert [(each.error_class, each.count) for each in outcome.parked] == [("DeliveryLimit", deadly)]
    deaths = mesh.told_events("worker_process_died")
    outcome.facts["deaths"] = deaths
    assert deaths <= deadly * (limit + 1)


@contextmanager
def _frozen(role: RoleProcess) -> Iterator[None]:
    """Stop a role and its processes in mid-air, connections and all."""
    os.killpg(role.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(role.pid, signal.SIGCONT)


async def _are_parked(mesh: MeshUnderFire, count: int) -> bool:
    return (await mesh.depths())["samples.ingest.dead"] == count


async def _limit(mesh: MeshUnderFire, deliveries: int) -> None:
    broker = mesh.services.broker
    management = Management(broker.management_url, "mesh", broker.password)
    policy = {"pattern": "^samples\\.ingest$", "definition": {"delivery-limit": deliveries}, "apply-to": "queues"}
    await management.call("PUT", "policies", unquote(urlsplit(mesh.url).path[1:]), "limit", body=policy)

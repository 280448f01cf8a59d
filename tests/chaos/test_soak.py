"""All roles under steady load for many minutes take no more memory at the end than when they had warmed up."""

import asyncio
import os

import pytest

from tests.chaos.memory import MB, Memory, watched
from tests.chaos.under_fire import Begin

MINUTES = float(os.environ.get("MESH_SOAK_MINUTES") or 10)
RATE = float(os.environ.get("MESH_SOAK_RATE") or 25)  # messages a second, half by HTTP and half by AMQP
GROWTH = 3 * MB  # that the fitted line may rise after the warm-up: less than the allocator's own ups and downs

pytestmark = [pytest.mark.chaos, pytest.mark.soak, pytest.mark.timeout(MINUTES * 60 + 180)]


async def test_memory_is_flat_under_steady_load_and_every_message_is_worked_once(begin: Begin) -> None:
    mesh = await begin()
    mesh.driver.most = int(MINUTES * 60 * RATE * 2)
    async with watched(mesh.fleet.all) as memories, mesh.driver.load(rate=RATE):
        await asyncio.sleep(MINUTES * 60)
    mesh.table = [Memory.head(), *(memory.row() for memory in memories)]
    mesh.returned()
    outcome = await mesh.verdict("soak")
    outcome.facts |= {memory.role: f"{memory.growth / MB:+.2f}MB" for memory in memories}
    growing = [memory.role for memory in memories if memory.growth > GROWTH]
    assert not growing, "\n".join([f"{growing} grew", *outcome.table])
    assert all(operation.is_acknowledged for operation in mesh.driver.operations)

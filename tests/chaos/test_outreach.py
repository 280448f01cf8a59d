"""Creators are handed over to outreach tasks, twice each, while whoever writes to them is killed."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.build.broker import eventually
from tests.build.outreach import creator
from tests.chaos.driver import HEADERS
from tests.chaos.oracle import written_to
from tests.chaos.under_fire import Begin, MeshUnderFire

pytestmark = pytest.mark.chaos

PAGE = 5
EVERYBODY, TARGET = "T-everybody", "T-target"
TASK = {"region": "MX", "brand": "Aurela", "status": "running", "emailFirstBody": "Hola, ¿colaboramos?"}
PATIENCE = 120.0
#: What a worker that was killed had in its hands: messages are written by so many hands of a process.
HANDS = 4


@dataclass
class Outreach:
    """Two tasks, whoever hands creators over to them, and the operator."""

    mesh: MeshUnderFire
    client: httpx.AsyncClient
    kills: int = 0

    async def post(self, path: str, body: Any) -> None:
        """Insist until somebody takes it, as a crawler does."""
        while True:
            with suppress(httpx.HTTPError):
                if (await self.client.post(path, json=body)).status_code in {200, 202}:
                    return
            await asyncio.sleep(0.2)

    async def report(self, task_id: str, **fields: Any) -> None:
        await self.post("/outreach_tasks/ingest", {"task": {**TASK, "taskId": task_id, "taskName": task_id, **fields}})

    async def hand_over(self, task_id: str, creators: int) -> None:
        """Hand over creators page by page, each page twice, in any order."""
        pages = [range(first, min(first + PAGE, creators)) for first in range(0, creators, PAGE)] * 2
        self.mesh.driver.chance.shuffle(pages)
        for numbers in pages:
            names = [f"{task_id}-{number}" for number in numbers]
            rows = [creator(platformCreatorId=each, platformCreatorUsername=each) for each in names]
            options = {"taskId": task_id, "contact": True}
            await self.post("/creators/ingest", {"source": "chaos", "rows": rows, "options": options})
            await self.mesh.driver.some_time(0, 0.8)

    async def killing(self) -> None:
        """Kill one worker or publisher after the other, and start it again."""
        while True:
            await self.mesh.driver.some_time(0.3, 2.0)
            victim = self.mesh.driver.chance.choice([*self.mesh.fleet.workers, *self.mesh.fleet.publishers])
            await victim.kill()
            self.kills += 1
            await victim.start()

    async def states(self, task_id: str) -> dict[str, int]:
        found = await self.mesh.truth.rows(
            f"SELECT state, COUNT(*) FROM outreach_contacts WHERE task_id = '{task_id}' GROUP BY state"
        )
        return dict(found)

    async def settled(self, task_id: str, count: int) -> None:
        """Wait until nobody of a task's creators waits or is on the way."""

        async def is_settled() -> bool:
            await asyncio.sleep(0.3)
            states = await self.states(task_id)
            return sum(states.values()) == count and not states.keys() & {"waiting", "queued"}

        try:
            await eventually(is_settled, PATIENCE)
        except TimeoutError:
            raise AssertionError(f"{task_id} {await self.states(task_id)} (seed {self.mesh.seed})") from None

    async def uncertain(self) -> dict[str, str]:
        """Return whose message a kill has hidden, and the keys of their deliveries."""
        found = await self.mesh.truth.rows(
            "SELECT task_key, platform_creator_id FROM chatbot_deliveries WHERE state = 'uncertain'"
        )
        return {whom: key for key, whom in found}

    def said(self) -> Counter[str]:
        """Return how often each creator was really written to."""
        return written_to(self.mesh.fleet.workers, for_outreach=True)

    async def resolve(self) -> int:
        """Have the operator look at the chats, and say of each hidden message whether it is there."""
        hidden, said = await self.uncertain(), self.said()
        for whom, key in hidden.items():
            environment = {**os.environ, "MESH_DATABASE_URL": self.mesh.store.url}
            command = ["mesh", "deliveries", "resolve", key, "--sent" if said[whom] else "--not-sent"]
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", *command, env=environment)
            assert await process.wait() == 0
        return len(hidden)

    async def task(self, task_id: str) -> tuple[str, str, int]:
        (row,) = await self.mesh.truth.rows(
            f"SELECT status, stop_reason, new_creators_real_count FROM outreach_tasks WHERE id = '{task_id}'"
        )
        return tuple(row)


@asynccontextmanager
async def outreach(begin: Begin) -> AsyncIterator[Outreach]:
    mesh = await begin()
    async with httpx.AsyncClient(base_url=mesh.fleet.url, headers=HEADERS, timeout=20, trust_env=False) as client:
        yield Outreach(mesh, client)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("creators", "target"), [(60, 20), pytest.param(1000, 300, marks=pytest.mark.long)], ids=["short", "long"]
)
async def test_a_creator_is_written_to_once_whoever_is_killed_between_deciding_and_counting(
    begin: Begin, creators: int, target: int
) -> None:
    async with outreach(begin) as loop:
        killing = asyncio.create_task(loop.killing())
        try:
            await loop.report(EVERYBODY)
            await loop.report(TARGET, targetNewCreators=target)
            await asyncio.gather(loop.hand_over(EVERYBODY, creators), loop.hand_over(TARGET, creators))
            await loop.settled(EVERYBODY, creators)
        finally:
            killing.cancel()
            with suppress(asyncio.CancelledError):
                await killing
        for role in loop.mesh.fleet.all:
            if not role.is_running:
                await role.launch()
        await asyncio.gather(*(role.until_ready() for role in loop.mesh.fleet.all))
        hidden = 0
        while not await _is_at_target(loop, target):
            hidden += await loop.resolve()
        hidden += await loop.resolve()
        await loop.settled(EVERYBODY, creators)
        outcome = await loop.mesh.verdict("outreach, whoever writes killed", uncertain=0)
        said = loop.said()
        outcome.facts |= {"creators": 2 * creators, "written_to": len(said), "kills": loop.kills, "hidden": hidden}
        assert loop.kills
        assert hidden <= loop.kills * HANDS
        assert set(said.values()) == {1}, [whom for whom, times in said.items() if times > 1]
        for task_id in (EVERYBODY, TARGET):
            written = {whom for whom in said if whom.startswith(task_id)}
            states = await loop.states(task_id)
            status, reason, counted = await loop.task(task_id)
            assert counted == states["sent"] == len(written), (task_id, states, counted, len(written))
            if task_id == TARGET:
                assert (status, reason, counted) == ("completed", "target_reached", target)
            else:
                assert (status, sum(states.values())) == ("running", creators)
                assert states.keys() <= {"sent", "failed"}


async def _is_at_target(loop: Outreach, target: int) -> bool:
    """Wait a while for the task with a target to get there; what a kill has hidden keeps its place until told of."""

    async def is_there() -> bool:
        await asyncio.sleep(0.3)
        return await loop.task(TARGET) == ("completed", "target_reached", target)

    try:
        await eventually(is_there, 15)
    except TimeoutError:
        return False
    return True

"""Pages of marketing events while SQL is away."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.embedded.mariadb import PrivateMariaDB
from tests.build.broker import eventually
from tests.build.world import AUTH, World, ids, item, opened
from tests.services.sql import own_server

PAGE = {"count": 2, "data": [item("LX-1"), item("LX-2")]}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PrivateMariaDB]:
    async with own_server(tmp_path / "sql") as server:
        yield server


@pytest.fixture
async def world(vhost: str, server: PrivateMariaDB) -> AsyncIterator[World]:
    async with opened(vhost, server.url) as world:
        yield world


async def test_nobody_is_told_that_events_are_accepted_before_they_are_and_none_is_lost(
    world: World, server: PrivateMariaDB
) -> None:
    await world.shop()
    await server.stop()
    answer = await world.client.post("/v1/events", content=json.dumps(PAGE), headers=AUTH | {"Prefer": "wait=2"})
    assert (answer.status_code, set(answer.json())) == (202, {"messageId", "statusUrl"}), (
        "safe with the broker, no more"
    )
    waiting = asyncio.create_task(world.post(PAGE))
    await asyncio.sleep(1)
    assert not waiting.done()
    await server.start()
    await world.delivered(4)
    told = await waiting
    if "results" in told:  # it may have been told where to ask instead
        assert {each["result"] for each in told["results"]} == {"duplicate"}
    assert set(ids(world.meta).values()) == set(ids(world.sgtm).values()) == {1}
    assert len(ids(world.meta)) == 2


async def test_what_was_accepted_is_there_after_the_server_was_killed(world: World, server: PrivateMariaDB) -> None:
    told = await world.post(PAGE)
    assert told["accepted"] == 2
    await server.kill()
    await server.start()
    await eventually(lambda: _held(world))
    await world.shop()
    await world.delivered(4)


async def _held(world: World) -> bool:
    rows = await world.execute("SELECT status FROM marketing_events")
    return [row[0] for row in rows] == ["held", "held"]

"""Copies are known while Redis is there, and cost a publish while it is not."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.replies.seen import KEPT, RedisSeen
from mesh.embedded.redis import private_redis


@pytest.fixture
async def seen(tmp_path: Path) -> AsyncIterator[RedisSeen]:
    async with private_redis(tmp_path) as server:
        memory = RedisSeen.at(server.url)
        yield memory
        await memory.close()


async def test_what_was_noted_is_known_for_a_week(seen: RedisSeen) -> None:
    assert not await seen.has("a")
    await seen.note("a")
    assert await seen.has("a")
    assert not await seen.has("b")
    left = timedelta(milliseconds=await seen._redis.pttl("replies:seen:a"))
    assert KEPT - timedelta(minutes=1) < left <= KEPT


async def test_a_redis_that_was_emptied_knows_nothing(seen: RedisSeen) -> None:
    await seen.note("a")
    await seen._redis.flushall()
    assert not await seen.has("a")


async def test_a_redis_that_is_away_is_asked_once_and_said_once() -> None:
    memory = RedisSeen.at("redis://127.0.0.1:1")
    with capture_logs() as lines:
        for _ in range(3):
            await memory.note("a")
            assert not await memory.has("a")
    assert [each["event"] for each in lines] == ["seen_away"]
    await memory.close()


async def test_a_redis_that_hangs_is_not_waited_for() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    memory = RedisSeen.at(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    began = time.perf_counter()
    assert not await memory.has("a")
    assert time.perf_counter() - began < 1  # far more than its patience, for a machine that is busy
    await memory.close()
    server.close()

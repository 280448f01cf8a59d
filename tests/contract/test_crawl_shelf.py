"""Leases and what crawls keep: the same scenarios on files and on a private redis-server."""

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from brokers.verdict import Unavailable
from crawlers.cursors import Cursor, Cursors
from crawlers.errors import AccountBusy, LeaseLost, PuzzleShown
from crawlers.leases import FileLeases, Leases, RedisLeases
from crawlers.pauses import Pauses
from crawlers.shelf import FileShelf, Outdated, RedisShelf, Shelf

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    yield port
    server.kill()
    server.wait()


@pytest.fixture
async def redis(redis_port: int) -> AsyncIterator[Redis]:
    client = Redis.from_url(f"redis://127.0.0.1:{redis_port}/0", socket_timeout=1)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture(params=["files", "redis"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    return RedisShelf(request.getfixturevalue("redis")) if request.param == "redis" else FileShelf(tmp_path)


@pytest.fixture(params=["files", "redis"])
def leases(request: pytest.FixtureRequest, tmp_path: Path) -> Leases:
    return RedisLeases(request.getfixturevalue("redis")) if request.param == "redis" else FileLeases(tmp_path)


async def test_what_is_put_is_there_until_it_expires_or_is_dropped(shelf: Shelf) -> None:
    await shelf.put("a", b"1 2 \x00\xff", DAY)
    await shelf.put("b", b"short", timedelta(milliseconds=1))
    await asyncio.sleep(0.02)
    assert (await shelf.get("a"), await shelf.get("b"), await shelf.get("c")) == (b"1 2 \x00\xff", None, None)
    await shelf.drop("a")
    assert await shelf.get("a") is None


async def test_a_former_holder_writes_nothing_any_more(shelf: Shelf) -> None:
    await shelf.put("a", b"later", DAY, token=1_763_000_000_002)
    with pytest.raises(Outdated):
        await shelf.put("a", b"former", DAY, token=1_763_000_000_001)
    await shelf.put("a", b"same holder", DAY, token=1_763_000_000_002)
    assert await shelf.get("a") == b"same holder"


async def test_a_cursor_is_where_it_was_left(shelf: Shelf) -> None:
    cursors = Cursors(shelf)
    cursor = (await cursors.load("c", NOON)).advanced({"list": 1, "page": 3}, 50)
    await cursors.save(cursor, 5)
    assert await cursors.load("c", NOON + DAY) == cursor == Cursor("c", NOON.isoformat(), {"list": 1, "page": 3}, 1, 50)
    with pytest.raises(Outdated):
        await cursors.save(cursor, 4)
    await cursors.forget("c")
    assert (await cursors.load("c", NOON)).pages == 0


async def test_an_account_rests_until_its_time_or_an_operator_s_word(shelf: Shelf) -> None:
    now = NOON
    pauses = Pauses(shelf, lambda: now)
    await pauses.begin("mx1", PuzzleShown("a puzzle"))
    pause = await pauses.of("mx1")
    assert pause is not None
    assert (pause.kind, pause.until) == ("captcha", NOON + timedelta(hours=2))
    assert await pauses.of("mx2") is None
    await pauses.end("mx1")
    assert await pauses.of("mx1") is None
    await pauses.begin("mx1", PuzzleShown("a puzzle"))
    now += timedelta(hours=2)
    assert await pauses.of("mx1") is None


async def test_an_account_is_held_by_one_at_a_time(leases: Leases) -> None:
    async with leases.hold("mx1") as lease:
        lease.check()
        with pytest.raises(AccountBusy, match="mx1"):
            async with leases.hold("mx1"):
                pass
        async with leases.hold("mx2"):
            pass
    async with leases.hold("mx1") as next_one:
        assert next_one.token > lease.token
    with pytest.raises(LeaseLost):
        lease.check()


async def test_of_many_at_once_one_holds_the_account(leases: Leases) -> None:
    async with AsyncExitStack() as stack:
        tries = [stack.enter_async_context(leases.hold("mx1")) for _ in range(20)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(outcome, AccountBusy) for outcome in outcomes) == 19


async def test_a_lease_is_renewed_while_it_is_held(redis: Redis) -> None:
    leases = RedisLeases(redis, timedelta(milliseconds=300))
    async with leases.hold("mx1") as lease:
        await asyncio.sleep(0.8)
        lease.check()
        with pytest.raises(AccountBusy):
            async with leases.hold("mx1"):
                pass


async def test_a_lease_that_cannot_be_renewed_ends_before_another_can_begin(redis: Redis) -> None:
    leased = timedelta(milliseconds=600)
    leases = RedisLeases(redis, leased)
    async with leases.hold("mx1") as lease:
        await redis.execute_command("CLIENT", "PAUSE", 2000, "WRITE")
        began = time.monotonic()
        async with asyncio.timeout(3):
            await lease.lost.wait()
        assert time.monotonic() - began < leased.total_seconds()
        with pytest.raises(LeaseLost):
            lease.check()
        await redis.execute_command("CLIENT", "UNPAUSE")


async def test_a_redis_that_forgot_everything_ends_the_lease_and_later_tokens_are_greater_still(redis: Redis) -> None:
    leases = RedisLeases(redis, timedelta(milliseconds=300))
    async with leases.hold("mx1") as lease:
        await redis.flushall()
        async with leases.hold("mx1") as next_one:
            assert next_one.token > lease.token
            async with asyncio.timeout(3):
                await lease.lost.wait()
            next_one.check()
    async with leases.hold("mx1"):  # the first one's leaving has not let go of the second one's lease
        pass


async def test_the_driver_s_death_frees_the_account_in_time(redis: Redis) -> None:
    leases = RedisLeases(redis, timedelta(milliseconds=200))
    holding = leases.hold("mx1")
    lease = await holding.__aenter__()
    lease.lost.set()  # it renews no more, as if it had died
    with pytest.raises(AccountBusy) as refusal:
        async with leases.hold("mx1"):
            pass
    assert refusal.value.until > datetime.now(UTC)
    await asyncio.sleep(0.25)
    async with leases.hold("mx1"):
        pass


async def test_a_redis_that_is_away_is_unavailable() -> None:
    gone = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    with pytest.raises(Unavailable):
        async with RedisLeases(gone).hold("mx1"):
            pass
    with pytest.raises(Unavailable):
        await RedisShelf(gone).get("a")
    await gone.aclose()

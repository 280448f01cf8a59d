"""The same scenarios on the fake and on a private redis-server."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from structlog.testing import capture_logs

from adapters.status import RedisStatusBoard
from brokers.status import State, Status, StatusBoard
from brokers.verdict import Unavailable
from tests.fakes.status import FakeStatusBoard
from tests.services.redis import PrivateRedis

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["fake", "redis"])
async def board(request: pytest.FixtureRequest) -> AsyncIterator[StatusBoard]:
    if request.param == "fake":
        yield FakeStatusBoard()
        return
    real = RedisStatusBoard.at(request.getfixturevalue("redis").url)
    await real._redis.flushall()
    yield real
    await real.close()


async def test_a_status_is_read_as_it_was_recorded(board: StatusBoard) -> None:
    told = Status("a", State.DONE, "samples.ingest", {"inserted": 1, "note": "José 🧴"}, "why", NOON)
    await board.record([told])
    assert await board.read("a") == told


async def test_an_unknown_message_has_no_status(board: StatusBoard) -> None:
    assert await board.read("nobody") is None


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [
        (State.ACCEPTED, State.RETRYING, State.RETRYING),
        (State.ACCEPTED, State.DONE, State.DONE),
        (State.RETRYING, State.ACCEPTED, State.RETRYING),
        (State.DONE, State.ACCEPTED, State.DONE),
        (State.DONE, State.RETRYING, State.DONE),
        (State.DONE, State.DEAD, State.DONE),
        (State.DEAD, State.ACCEPTED, State.DEAD),
        (State.DEAD, State.RETRYING, State.DEAD),
        (State.DEAD, State.DONE, State.DONE),
    ],
)
async def test_a_status_never_goes_backwards(board: StatusBoard, first: State, then: State, kept: State) -> None:
    await board.record([Status("a", first)])
    await board.record([Status("a", then)])
    status = await board.read("a")
    assert status is not None
    assert status.state == kept


async def test_the_first_result_stays_when_a_message_is_done_twice(board: StatusBoard) -> None:
    await board.record([Status("a", State.DONE, result=1)])
    await board.record([Status("a", State.DONE, result=None)])
    status = await board.read("a")
    assert status is not None
    assert status.result == 1


async def test_the_newest_reason_of_a_retry_is_kept(board: StatusBoard) -> None:
    await board.record([Status("a", State.RETRYING, reason="once"), Status("a", State.RETRYING, reason="twice")])
    status = await board.read("a")
    assert status is not None
    assert status.reason == "twice"


async def test_thousands_are_recorded_in_one_call(board: StatusBoard) -> None:
    await board.record([Status(str(i), State.DONE, result=i) for i in range(1001)])
    status = await board.read("1000")
    assert status is not None
    assert status.result == 1000


async def test_statuses_are_forgotten_after_a_day(redis: PrivateRedis) -> None:
    board = RedisStatusBoard.at(redis.url)
    await board.record([Status("dated", State.DONE)])
    assert 86_000 < await board._redis.ttl("mesh:status:dated") <= 86_400
    await board.close()


class Clocked(Protocol):
    async def __call__(self) -> object: ...


async def _seconds(work: Clocked) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def test_a_dead_redis_costs_one_warning_and_no_time(tmp_path: Path) -> None:
    board = RedisStatusBoard.at(PrivateRedis(tmp_path).url)
    with capture_logs() as logs:
        await board.record([Status("a", State.DONE)])
        spent = [await _seconds(lambda: board.record([Status("a", State.DONE)])) for _ in range(100)]
        with pytest.raises(Unavailable):
            await board.read("a")
    assert max(spent) < 0.05
    assert [entry["event"] for entry in logs] == ["status_board_away"]
    await board.close()


async def test_a_redis_that_does_not_answer_is_given_up_after_a_moment() -> None:
    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)
        writer.close()

    deaf = await asyncio.start_server(never, "127.0.0.1", 0)
    board = RedisStatusBoard.at(f"redis://127.0.0.1:{deaf.sockets[0].getsockname()[1]}/0")
    assert await _seconds(lambda: board.record([Status("a", State.DONE)])) < 1
    deaf.close()
    await board.close()


async def test_a_redis_that_comes_back_is_used_again(tmp_path: Path) -> None:
    redis = PrivateRedis(tmp_path)
    board = RedisStatusBoard.at(redis.url, cool_down=timedelta(0))
    redis.start()
    await board.record([Status("a", State.ACCEPTED)])
    redis.stop()
    with capture_logs() as logs:
        await board.record([Status("a", State.RETRYING)])
        await board.record([Status("a", State.RETRYING)])
        redis.start()
        await board.record([Status("a", State.DONE)])
        status = await board.read("a")
    assert status is not None
    assert status.state == State.DONE
    assert [entry["event"] for entry in logs] == ["status_board_away", "status_board_back"]
    redis.stop()
    await board.close()

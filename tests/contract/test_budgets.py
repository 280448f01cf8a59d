"""Calls a period, granted to all processes together through a private redis-server, or to one alone in memory."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.budgets import Budgets
from tests.services.redis import PrivateRedis

HOUR = timedelta(hours=1)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    server = PrivateRedis(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["redis", "memory"])
def budgets(request: pytest.FixtureRequest) -> Budgets:
    return Budgets.at(request.getfixturevalue("redis").url if request.param == "redis" else None)


async def test_a_budget_is_granted_until_it_is_spent_and_then_tells_how_long_to_wait(budgets: Budgets) -> None:
    granted = [(await budgets.grant("1", 4, calls=10, period=HOUR)).calls for _ in range(4)]
    assert granted == [4, 4, 2, 0]
    spent = await budgets.grant("1", 1, calls=10, period=HOUR)
    assert spent.calls == 0
    assert timedelta(seconds=1) <= spent.wait <= 2 * HOUR


async def test_each_destination_has_a_budget_of_its_own(budgets: Budgets) -> None:
    assert (await budgets.grant("1", 10, calls=10, period=HOUR)).calls == 10
    assert (await budgets.grant("2", 10, calls=10, period=HOUR)).calls == 10


async def test_a_budget_comes_back_with_time(budgets: Budgets) -> None:
    second = timedelta(seconds=1)
    assert (await budgets.grant("1", 5, calls=5, period=second)).calls == 5
    deadline = time.monotonic() + 10
    while not (await budgets.grant("1", 5, calls=5, period=second)).calls:
        assert time.monotonic() < deadline


async def test_all_processes_share_one_budget(redis: PrivateRedis) -> None:
    processes = [Budgets.at(redis.url) for _ in range(4)]
    granted = [(await each.grant("1", 3, calls=10, period=HOUR)).calls for each in processes]
    assert granted == [3, 3, 3, 1]


@pytest.mark.parametrize("break_it", [PrivateRedis.stop, PrivateRedis.freeze])
async def test_without_redis_deliveries_go_on_within_moments(
    redis: PrivateRedis, break_it: Callable[[PrivateRedis], None]
) -> None:
    budgets = Budgets.at(redis.url)
    await budgets.grant("1", 10, calls=10, period=HOUR)
    break_it(redis)
    began = time.monotonic()
    with capture_logs() as logs:
        assert (await budgets.grant("1", 10, calls=10, period=HOUR)).calls == 10
    assert time.monotonic() - began < 3
    assert [each["event"] for each in logs] == ["budget_unknown"]

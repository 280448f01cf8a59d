"""An account never speaks faster than it may, in whichever minute one looks."""

from bisect import bisect_right
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.replies.pace import Pace

MINUTE = 60


def most_in_a_minute(moments: list[float]) -> int:
    return max((bisect_right(moments, each + MINUTE) - place for place, each in enumerate(moments)), default=0)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=st.lists(st.floats(0, 40), min_size=20, max_size=120))
async def test_no_minute_has_more_than_the_limit(monkeypatch: pytest.MonkeyPatch, gaps: list[float]) -> None:
    now = [1_000_000.0]
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: now[0])
        pace, spoken = Pace.at(None, 5), []
        for gap in gaps:
            now[0] += gap / 8
            if not await pace.turn("biz-1"):
                spoken.append(now[0])
    assert most_in_a_minute(spoken) <= 5


async def test_whoever_waits_as_long_as_told_has_a_turn_and_accounts_do_not_share_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    pace = Pace.at(None, 2)
    assert [bool(await pace.turn("biz-1")) for _ in range(2)] == [False, False]
    wait = await pace.turn("biz-1")
    assert timedelta(seconds=60) < wait <= timedelta(seconds=63)
    assert not await pace.turn("biz-2")
    now[0] += wait.total_seconds() + 0.001
    assert not await pace.turn("biz-1")


async def test_while_redis_is_away_the_process_keeps_the_pace_itself() -> None:
    pace = Pace.at("redis://127.0.0.1:9/0", 2)
    waits = [await pace.turn("biz-1") for _ in range(3)]
    assert [bool(wait) for wait in waits] == [False, False, True]

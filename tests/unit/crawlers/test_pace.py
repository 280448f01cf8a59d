"""How fast accounts move, and when."""

from datetime import UTC, datetime, time
from unittest.mock import patch

import pytest

from crawlers.errors import OutOfHours
from crawlers.pace import Pace, Politeness

#: 2 a.m. in Mexico City.
NIGHT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def __call__(self) -> float:
        return self.at


def pace(politeness: Politeness, clock: Clock, now: datetime = NIGHT) -> Pace:
    return Pace(politeness, "MX", clock=lambda: now, sleep=clock.sleep, monotonic=clock)


async def test_steps_keep_to_the_rate_on_the_whole_and_to_no_rhythm() -> None:
    clock = Clock()
    steps = pace(Politeness(per_minute=30, jitter=0.5), clock)
    for _ in range(201):
        await steps.turn()
    assert clock.at == pytest.approx(400, rel=0.1)
    assert max(clock.slept) > 1.3 * min(clock.slept)


async def test_a_step_that_took_long_is_not_waited_for_again() -> None:
    clock = Clock()
    steps = pace(Politeness(per_minute=60, jitter=0), clock)
    await steps.turn()
    clock.at += 5
    await steps.turn()
    assert clock.slept == []


async def test_no_limit_is_no_wait() -> None:
    clock = Clock()
    steps = pace(Politeness(per_minute=0), clock)
    with patch("random.uniform", side_effect=AssertionError):
        await steps.turn()
    assert clock.slept == []


async def test_nobody_works_at_night_and_it_is_said_when_somebody_will() -> None:
    steps = pace(Politeness(hours={"MX": (time(8), time(22))}), Clock())
    with pytest.raises(OutOfHours) as refusal:
        await steps.turn()
    assert refusal.value.until == datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hour", "opens_at"),
    [
        (3, None),  # 21:00 in Mexico
        (7, None),  # 01:00
        (8, datetime(2026, 3, 3, 2, 0, tzinfo=UTC)),  # 02:00, opens at 20:00
        (15, datetime(2026, 3, 3, 2, 0, tzinfo=UTC)),
    ],
)
def test_hours_may_span_midnight(hour: int, opens_at: datetime | None) -> None:
    politeness = Politeness(hours={"MX": (time(20), time(2))})
    assert politeness.opens_at("mx", datetime(2026, 3, 2, hour, tzinfo=UTC)) == opens_at


def test_a_region_without_hours_works_always() -> None:
    assert Politeness(hours={"ES": (time(9), time(10))}).opens_at("MX", NIGHT) is None


def test_the_evening_s_end_waits_for_the_next_morning_across_a_change_of_clocks() -> None:
    politeness = Politeness(hours={"ES": (time(9), time(21))})
    # Clocks in Madrid go forward in the night to 29 March 2026.
    opens_at = politeness.opens_at("ES", datetime(2026, 3, 28, 22, tzinfo=UTC))
    assert opens_at == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)

"""Quiet hours and days are those of the creator's wall clock, through midnights and clock changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.schedules.politeness import Politeness

NIGHT = Politeness.parse(quiet_hours={"mx": "21:00-09:00", "ES": "01:30-02:30", "US": "13:00-15:00"})
MEXICO, MADRID = ZoneInfo("America/Mexico_City"), ZoneInfo("Europe/Madrid")


def local(zone: ZoneInfo, *moment: int, fold: int = 0) -> datetime:
    return datetime(*moment, tzinfo=zone, fold=fold).astimezone(UTC)  # type: ignore[misc,arg-type]  # year to minute


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ((2026, 1, 12, 20, 59), None),
        ((2026, 1, 12, 21, 0), (2026, 1, 13, 9, 0)),
        ((2026, 1, 13, 0, 30), (2026, 1, 13, 9, 0)),
        ((2026, 1, 13, 8, 59), (2026, 1, 13, 9, 0)),
        ((2026, 1, 13, 9, 0), None),
    ],
)
def test_quiet_hours_span_midnight(now: tuple[int, ...], until: tuple[int, ...] | None) -> None:
    expected = local(MEXICO, *until) if until else None
    assert NIGHT.quiet_until("MX", local(MEXICO, *now)) == expected


def test_a_region_without_quiet_hours_is_never_quiet() -> None:
    assert NIGHT.quiet_until("BR", datetime(2026, 1, 12, 3, tzinfo=UTC)) is None


def test_a_quiet_end_that_the_clock_skips_is_reached_right_after_the_skip() -> None:
    # On 2026-03-29 Madrid's clock goes from 02:00 to 03:00.
    until = NIGHT.quiet_until("ES", local(MADRID, 2026, 3, 29, 1, 45))
    assert until is not None
    assert until.astimezone(MADRID).hour == 3


def test_a_quiet_end_that_the_clock_strikes_twice_is_left_behind_both_times() -> None:
    # On 2026-10-25 Madrid's clock goes from 03:00 back to 02:00.
    assert NIGHT.quiet_until("ES", local(MADRID, 2026, 10, 25, 2, 15)) == local(MADRID, 2026, 10, 25, 2, 30)
    again = NIGHT.quiet_until("ES", local(MADRID, 2026, 10, 25, 2, 15, fold=1))
    assert again == local(MADRID, 2026, 10, 25, 2, 30, fold=1)


def test_the_day_is_the_regions_own() -> None:
    assert NIGHT.local_day("MX", datetime(2026, 1, 13, 5, 59, tzinfo=UTC)) == date(2026, 1, 12)
    assert NIGHT.local_day("nowhere", datetime(2026, 1, 13, 5, 59, tzinfo=UTC)) == date(2026, 1, 13)


def test_the_next_day_opens_when_its_quiet_hours_end() -> None:
    now = local(MEXICO, 2026, 1, 12, 12, 0)
    assert NIGHT.next_opening("MX", now) == local(MEXICO, 2026, 1, 13, 9, 0)
    assert NIGHT.next_opening("US", now) == datetime(2026, 1, 13, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["21:00", "09:00-09:00", "25:00-03:00", "late"])
def test_quiet_hours_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # each has its own words, from the standard library
        Politeness.parse(quiet_hours={"MX": text})


TIMES = st.times().map(lambda moment: moment.strftime("%H:%M"))


@given(
    now=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(["America/Mexico_City", "Europe/Madrid", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
    hours=st.tuples(TIMES, TIMES).filter(lambda pair: pair[0] != pair[1]),
)
def test_a_quiet_moment_always_ends_later_and_within_about_a_day(
    now: datetime, zone: str, hours: tuple[str, str]
) -> None:
    polite = Politeness.parse(quiet_hours={"X": "-".join(hours)}, zones={"X": zone})
    until = polite.quiet_until("X", now)
    assert until is None or now < until <= now + timedelta(hours=25)
    opening = polite.next_opening("X", now)
    assert now < opening
    assert polite.local_day("X", opening) > polite.local_day("X", now)

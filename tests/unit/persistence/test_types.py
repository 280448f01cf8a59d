"""What column types do to values on their way in and out."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.types import TypeEngine

from persistence.tables.types import Clipped, Count, Json, Money, Text, UtcDateTime

DIALECTS: list[Any] = [sqlite.dialect(), mysql.dialect()]  # type: ignore[no-untyped-call]  # SQLAlchemy's


def bound(kind: TypeEngine[Any], value: Any, dialect: Dialect) -> Any:
    process = kind.dialect_impl(dialect).bind_processor(dialect)
    return process(value) if process else value


def read(kind: TypeEngine[Any], value: Any, dialect: Dialect) -> Any:
    process = kind.dialect_impl(dialect).result_processor(dialect, None)
    return process(value) if process else value


@given(st.datetimes(timezones=st.timezones()))
def test_a_moment_is_cut_to_milliseconds_in_utc_whatever_its_zone(moment: datetime) -> None:
    text = bound(UtcDateTime(), moment, DIALECTS[0])
    back = read(UtcDateTime(), text, DIALECTS[0])
    assert timedelta() <= moment - back < timedelta(milliseconds=1)
    assert back.tzinfo is UTC


def test_equal_moments_of_two_zones_are_stored_alike() -> None:
    moment = datetime(2026, 1, 12, tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(hours=-6)))
    assert bound(UtcDateTime(), moment, DIALECTS[1]) == bound(UtcDateTime(), elsewhere, DIALECTS[1])


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
@given(value=st.decimals(min_value=-999_999, max_value=999_999, places=4))
def test_an_amount_is_exact(dialect: Dialect, value: Decimal) -> None:
    assert read(Money(10, 4), bound(Money(10, 4), value, dialect), dialect) == value


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
@pytest.mark.parametrize("value", ["1000000", "-1000000", "999999.99995", "NaN", "Infinity", "1e400"])
def test_an_amount_beyond_its_column_is_refused(dialect: Dialect, value: str) -> None:
    with pytest.raises(ValueError, match="digits before the point"):
        bound(Money(10, 4), Decimal(value), dialect)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_value_comes_back(dialect: Dialect, value: Any) -> None:
    assert read(Json(), bound(Json(), value, dialect), dialect) == value


def test_none_is_sql_null() -> None:
    assert bound(Json(), None, DIALECTS[1]) is None


def test_sqlite_is_given_only_what_the_other_databases_would_take() -> None:
    with pytest.raises(ValueError, match="longer than 3"):
        bound(Text(3), "four", DIALECTS[0])
    with pytest.raises(ValueError, match="32 bits"):
        bound(Count(), 2**31, DIALECTS[0])


def test_a_text_for_people_is_cut() -> None:
    assert [bound(Clipped(3), "four", dialect) for dialect in DIALECTS] == ["fou", "fou"]


@pytest.mark.parametrize("written", ["0e70", "-0e99", "0e-70"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_zero_fits_whatever_its_exponent(written: str, dialect: Dialect) -> None:
    assert Decimal(bound(Money(10, 2), Decimal(written), dialect)) == 0


def test_the_zero_date_is_read_as_long_ago() -> None:
    assert read(UtcDateTime(), "0000-00-00 00:00:00.000", DIALECTS[1]) == datetime.min.replace(tzinfo=UTC)

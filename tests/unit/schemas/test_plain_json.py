"""JSON that every database takes."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.plain_json import MAX_DEPTH, TooDeepError, canonical, clean, is_clean

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=4),
    max_leaves=15,
)


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@given(JSON)
def test_what_is_cleaned_is_clean_and_cleaning_again_changes_nothing(value: Any) -> None:
    cleaned = clean(value)

    assert is_clean(cleaned, canonical(cleaned))
    assert clean(cleaned) == cleaned
    assert orjson.loads(canonical(cleaned)) == cleaned


@pytest.mark.parametrize("value", [{"a": "x\0"}, [float("inf")], {"a": {"b": float("nan")}}, nested(MAX_DEPTH + 1)])
def test_what_a_database_would_refuse_is_not_clean(value: Any) -> None:
    assert not is_clean(value, canonical(value))


@pytest.mark.parametrize("value", [{"a": None}, [1.5, None], nested(MAX_DEPTH), [[] for _ in range(100)], "\\u0041"])
def test_what_a_database_takes_is_clean(value: Any) -> None:
    assert is_clean(value, canonical(value))


def test_what_is_nested_too_deeply_is_refused() -> None:
    assert clean(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    with pytest.raises(TooDeepError):
        clean(nested(MAX_DEPTH + 1))


def test_the_halves_of_a_pair_are_joined() -> None:
    assert clean("\ud83e\uddf4") == "🧴"

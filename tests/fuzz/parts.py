"""What wild bodies are put together from."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.odd import ALIKE, ODD_NUMBERS, ODD_TEXTS, ODDS

ODD = st.sampled_from(ODDS)
ANY_JSON = st.recursive(
    st.one_of(ODD, st.text(max_size=12), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6) | st.sampled_from(ALIKE), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def some(draw: st.DrawFn, fields: Mapping[str, st.SearchStrategy[Any]], most: int = 4) -> dict[str, Any]:
    """Draw an object with a few of these fields."""
    chosen = draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=most))
    return {each: draw(fields[each]) for each in chosen}


ID = st.sampled_from([*ALIKE, "7495000000000000321", 7495, "1", "2", "@lupita", "😀"])
TEXT = st.one_of(st.sampled_from(ODD_TEXTS), st.text(max_size=20))
NUMBER = st.sampled_from(ODD_NUMBERS)

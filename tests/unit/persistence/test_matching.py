import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.replies.matching import cost_of

TEXT = " th p 001 carhartt detroit jacket brown duck canvas blanket lined dress boots "


@pytest.mark.parametrize(
    "words",
    [
        "jacket",
        "jackets",
        "dresses",
        "boot",
        "carhart",
        "carhatrt",
        "caarhartt",
        "detriot",
        "jaket",
        "jackt",
        "duck canvas",
        "lind",
    ],
)
def test_what_is_meant_is_found(words: str) -> None:
    assert cost_of(words.split(), TEXT) is not None


@pytest.mark.parametrize("words", ["buck", "lucky", "002", "jacket spaceship", "bracket", "dusk", "boats", "car x"])
def test_what_only_looks_alike_is_not(words: str) -> None:
    assert cost_of(words.split(), TEXT) is None


def test_the_right_spelling_costs_nothing_and_a_slip_more_than_a_word_cut_short() -> None:
    right, short, slip = (cost_of([word], TEXT) for word in ("carhartt", "carha", "carhatt"))
    assert right == 0
    assert right < (short or 0) < (slip or 0)


@given(st.lists(st.text(alphabet="abcdefghijk019ß漢", min_size=1, max_size=12), max_size=6))
def test_a_text_answers_its_own_words_for_nothing(words: list[str]) -> None:
    assert cost_of(words, f" {' '.join(words)} ") == 0

"""How well a piece's words answer a wish's words, with patience for slips of the keyboard."""

from collections.abc import Sequence
from typing import Final

from rapidfuzz.distance import OSA

#: Words of fewer letters must be right: with one slip "coat" would be "boat", and "red" would be "bed".
_PATIENT_FROM: Final = 5
_MORE_PATIENT_FROM: Final = 8
_PREFIX_FROM: Final = 4
#: A slip costs more than a word that was cut short, so that what was meant exactly comes first.
_PREFIX_COST: Final = 1
_SLIP_COST: Final = 10


def cost_of(wanted: Sequence[str], text: str) -> int | None:
    """Return how far a text is from what was wanted, 0 if every word is in it; None if one has no counterpart.

    A slip is a letter too many, too few, another, or two exchanged: optimal string alignment,
    https://rapidfuzz.github.io/RapidFuzz/Usage/distance/OSA.html
    """
    tokens = text.split()
    costs = [_cost(word, tokens) for word in wanted]
    known = [each for each in costs if each is not None]
    return sum(known) if len(known) == len(costs) else None


def _cost(word: str, tokens: Sequence[str]) -> int | None:
    if word in tokens:
        return 0
    single = _single(word)
    if any(single == _single(token) for token in tokens):
        return 0
    if any(_begins(token, single) for token in tokens):
        return _PREFIX_COST
    slips = min((_slips(single, _single(token)) for token in tokens), default=_none(single))
    return slips * _SLIP_COST if slips < _none(single) else None


def _begins(token: str, word: str) -> bool:
    return len(word) >= _PREFIX_FROM and token.startswith(word)


def _slips(word: str, token: str) -> int:
    """Return how many slips lie between two words, `_none(word)` if more than are forgiven."""
    most = _none(word) - 1
    # Whoever slips seldom slips at the first letter, and other words begin with other ones.
    if not most or not token or word[0] != token[0] or len(token) < _PATIENT_FROM - 1:
        return most + 1
    return OSA.distance(word, token, score_cutoff=most)


def _none(word: str) -> int:
    """Return the first number of slips that is too many for a word."""
    if any(each.isdigit() for each in word) or len(word) < _PATIENT_FROM:
        return 1
    return 2 if len(word) < _MORE_PATIENT_FROM else 3


def _single(word: str) -> str:
    """Return a word without the ending of many: dresses and dress, jackets and jacket."""
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("ies") and len(word) > _PREFIX_FROM:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) >= _PREFIX_FROM else word

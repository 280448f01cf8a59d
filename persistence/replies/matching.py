"""How well a piece's words answer a wish's words, with patience for slips of the keyboard."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

#: Shorter words must be right: with one slip "coat" would be "boot" soon, and "duck" is "dusk".
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
    tokens, singles = _words_of(text)
    costs = [_cost(word, tokens, singles) for word in wanted]
    known = [each for each in costs if each is not None]
    return sum(known) if len(known) == len(costs) else None


@lru_cache(maxsize=4096)
def _words_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a piece's words as they are and without their endings; the same pieces are looked at again and again."""
    tokens = tuple(text.split())
    return tokens, tuple(map(_single, tokens))


def _cost(word: str, tokens: Sequence[str], singles: Sequence[str]) -> int | None:
    if word in tokens:
        return 0
    single = _single(word)
    if single in singles:
        return 0
    if any(_begins(token, single) for token in tokens):
        return _PREFIX_COST
    alike = (each for each in singles if each[0] == single[0])
    slips = [found for each in alike if (found := _slips(single, each)) is not None]
    return min(slips) * _SLIP_COST if slips else None


def _begins(token: str, word: str) -> bool:
    return len(word) >= _PREFIX_FROM and token.startswith(word)


def _slips(word: str, token: str) -> int | None:
    """Return how many slips lie between two words, or None if more than are forgiven."""
    most = _forgiven(max(len(word), len(token)))
    # A number is another number at once. Slips seldom meet a first letter, so words with another are not asked about.
    if not most or any(each.isdigit() for each in word):
        return None
    slips = OSA.distance(word, token, score_cutoff=most)
    return slips if slips <= most else None


def _forgiven(length: int) -> int:
    if length < _PATIENT_FROM:
        return 0
    return 1 if length < _MORE_PATIENT_FROM else 2


def _single(word: str) -> str:
    """Return a word without the ending of many: dresses and dress, jackets and jacket."""
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("ies") and len(word) > _PREFIX_FROM:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) >= _PREFIX_FROM else word

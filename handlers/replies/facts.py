"""Looks at what a model wrote before a customer does: it holds no fact, promise, link or instruction of ours. Pure."""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from schemas.replies.words import clean, words_of

#: One friendly sentence; facts are told beside it.
LONGEST: Final = 140
#: So many words in a row that our instructions have too are no coincidence.
IN_A_ROW: Final = 6

_LINK: Final = re.compile(r"(?i)\b[a-z]{2,}://|\bwww\.|\b[\w-]+\.(?:com|net|org|io|co|ke|me|ly|shop|link|xyz)\b|@\w")
_LINK_TEXT: Final = re.compile(r"(?i)\bhttps://([^\s/?#@:]+)(?:[/?#]\S*)?(?=\s|$)")
_NUMBER_WORDS: Final = re.compile(r"(?i)\b(?:hundred|thousand|million|mia|elfu|kes|ksh|shillings?|bob|percent|%)")
_CLAIMS: Final = re.compile(
    r"(?i)\b(?:in stock|available|sold|reserved|kept|held|holding|ordered|paid|shipped|cancell?ed|confirmed|discount|"
    r"free|price|cost|cheap\w*|sale|offer|refund|deliver\w*|guarantee\w*|promise\w*|password|token|prompt|system|"
    r"instructions?|ai|model)\b"
)
_MARKS: Final = re.compile(r"[*_`#<>\[\]{}|\\]")


def opening_of(draft: str | None, instructions: str, hosts: Collection[str] = ()) -> str:
    """Return a model's sentence as it may be said, or nothing: whatever looks like a fact is left to code."""
    shown = clean(draft or "")
    return "" if why_not(shown, instructions, hosts) else shown


def why_not(shown: str, instructions: str, hosts: Collection[str] = ()) -> str | None:
    """Return why a model's sentence is not said, or None."""
    if not shown or len(shown) > LONGEST:
        return "empty or too long"
    bare = _without_allowed(shown, hosts)
    # Digits of every script are numbers, and every number would be a price, a size or a code.
    if any(each.isnumeric() for each in bare) or _NUMBER_WORDS.search(bare):
        return "names a number"
    for reason, pattern in (("has a link", _LINK), ("makes a claim", _CLAIMS), ("has marks", _MARKS)):
        if pattern.search(bare):
            return reason
    return "repeats instructions" if repeats(shown, instructions) else None


def repeats(text: str, instructions: str) -> bool:
    """Tell whether a text has a run of words from our instructions."""
    return not _runs(text).isdisjoint(_runs_of_instructions(instructions))


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = words_of(text)
    return frozenset(tuple(words[begin : begin + IN_A_ROW]) for begin in range(len(words) - IN_A_ROW + 1))


#: A process has one version of them, or two while it is tried out.
_runs_of_instructions = lru_cache(maxsize=4)(_runs)


def _without_allowed(text: str, hosts: Collection[str]) -> str:
    """Return a text without the links that may be in it: over TLS, to a host that the shop names, and no other."""

    def kept(found: re.Match[str]) -> str:
        host = found[1].rstrip(".,!?").lower()
        return "" if host in {each.lower() for each in hosts} else found[0]

    return _LINK_TEXT.sub(kept, text)

"""How text is folded so that people's spellings meet: one form, no accents, no invisible characters."""

import re
import unicodedata
from typing import Final

_APOSTROPHES: Final = re.compile(r"['\u2019\u02bc`\u00b4]")
_WORD: Final = re.compile(r"[^\W_]+")
#: Unicode's categories of what has no shape: control, format, surrogate, private use, unassigned.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean(text: str) -> str:
    """Return text without what cannot be seen: controls, zero widths and changes of direction; NFKC, spaces single."""
    normal = unicodedata.normalize("NFKC", text)
    # A text of thousands of characters has a few dozen different ones.
    unseen = {ord(each): _gap(kind) for each in set(normal) if (kind := unicodedata.category(each)) in _UNSEEN}
    return " ".join(normal.translate(unseen).split())


def fold(text: str) -> str:
    """Return text as it is compared: clean, without accents, in one case."""
    parts = unicodedata.normalize("NFKD", clean(text))
    accents = dict.fromkeys(ord(each) for each in set(parts) if unicodedata.category(each) == "Mn")
    return clean(parts.translate(accents).casefold())


def words_of(text: str) -> list[str]:
    """Return the folded words of a text in order: letters and digits; "it's" is one word."""
    return _WORD.findall(_APOSTROPHES.sub("", fold(text)))


def padded(words: list[str]) -> str:
    """Return words as one text in which each stands between spaces; every word once, in order."""
    return f" {' '.join(dict.fromkeys(words))} "


def _gap(kind: str) -> str:
    # A newline separates words, a zero width does not.
    return " " if kind == "Cc" else ""

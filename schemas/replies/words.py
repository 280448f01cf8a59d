"""How text is folded so that people's spellings meet: one form, no accents, no invisible characters."""

import re
import unicodedata
from typing import Final

_APOSTROPHES: Final = re.compile(r"['\u2019\u02bc`\u00b4]")
_WORD: Final = re.compile(r"[^\W_]+")


def clean(text: str) -> str:
    """Return text without what cannot be seen: controls, zero widths and changes of direction; NFKC, spaces single."""
    seen = "".join(
        each if (kind := unicodedata.category(each)) not in {"Cf", "Cs", "Co", "Cn"} and kind != "Cc" else _gap(kind)
        for each in unicodedata.normalize("NFKC", text)
    )
    return " ".join(seen.split())


def fold(text: str) -> str:
    """Return text as it is compared: clean, without accents, in one case."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", clean(text)) if unicodedata.category(each) != "Mn")
    return clean(bare.casefold())


def words_of(text: str) -> list[str]:
    """Return the folded words of a text in order: letters and digits; "it's" is one word."""
    return _WORD.findall(_APOSTROPHES.sub("", fold(text)))


def padded(words: list[str]) -> str:
    """Return words as one text in which each stands between spaces; every word once, in order."""
    return f" {' '.join(dict.fromkeys(words))} "


def _gap(kind: str) -> str:
    # A newline separates words, a zero width does not.
    return " " if kind == "Cc" else ""

"""JSON that every database takes: no NUL, no half of a surrogate pair, no number or depth that breaks a reader."""

import math
from typing import Any

import orjson

#: MariaDB's JSON functions stop at 32 levels, and a value is stored up to ten levels down in one of ours.
MAX_DEPTH = 20

#: What a 64-bit reader can hold; beyond it a number is kept as its text.
_INTEGERS = range(-(2**63), 2**64)


class TooDeepError(ValueError):
    """The value is nested more deeply than the databases accept."""

    def __init__(self) -> None:
        super().__init__(f"is nested deeper than {MAX_DEPTH} levels")


def clean_text(text: str) -> str:
    """Drop NUL bytes and replace surrogates that stand alone; everything else stays, in any script."""
    text = text.replace("\0", "")
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def clean(value: Any, levels: int = MAX_DEPTH) -> Any:
    """Return the value with its texts cleaned, endless numbers as null and oversized integers as text."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict | list) and levels <= 0:
        raise TooDeepError
    if isinstance(value, dict):
        return {clean_text(str(name)): clean(part, levels - 1) for name, part in value.items()}
    if isinstance(value, list):
        return [clean(part, levels - 1) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if type(value) is int and value not in _INTEGERS:
        # Python refuses to write out integers of more than 4,300 digits in decimals.
        return str(value) if value.bit_length() < 10_000 else hex(value)  # noqa: PLR2004  # well below 4,300 digits
    return value


def canonical(value: Any) -> bytes:
    """Return the one JSON text of a value: sorted names, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def is_clean(value: Any, text: bytes) -> bool:
    r"""Tell whether a value whose `canonical` text is given may be stored as it is.

    The text already proves that there are no surrogates and no oversized integers. NUL shows as \u0000, an endless
    float as a null, and what opens no more brackets than the depth allowed cannot exceed it.
    """
    if b"\\u0000" in text or (b"null" in text and _has_endless(value)):
        return False
    return text.count(b"{") + text.count(b"[") <= MAX_DEPTH or not _is_deeper(value, MAX_DEPTH)


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels <= 0 or any(_is_deeper(part, levels - 1) for part in value.values())
    if isinstance(value, list):
        return levels <= 0 or any(_is_deeper(part, levels - 1) for part in value)
    return False


def _has_endless(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(_has_endless, value.values()))
    return isinstance(value, list) and any(map(_has_endless, value))

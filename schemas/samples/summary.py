"""What a sample's content summary and AD code say: the questions that reminders depend on."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

LOGISTICS = "logistics"
#: Longer text holds something; reading it all as JSON would let a creator decide how deep we go.
LONGEST_BLANK_CODE = 100
#: The page's own numbering of content tabs is kept in summaries as it came: "1" is video, "2" is live.
VIDEO_TYPES = frozenset({"video", "1"})


def _text(entry: Mapping[str, Any], field: str) -> str:
    value = entry.get(field)
    return "" if value is None else str(value).strip()


def _type(entry: Mapping[str, Any]) -> str:
    return _text(entry, "type").lower()


def _is_content(entry: Mapping[str, Any]) -> bool:
    kind = _type(entry)
    if kind == LOGISTICS:
        return False
    return bool(kind or _text(entry, "promotion_name") or _text(entry, "promotion_time"))


def is_empty(summary: Iterable[Mapping[str, Any]] | None) -> bool:
    """Tell whether the creator has published nothing: only blank and logistics entries, none with a name or time."""
    return not any(_is_content(entry) for entry in summary or ())


def has_video(summary: Iterable[Mapping[str, Any]] | None) -> bool:
    """Tell whether a video is among what the creator published."""
    return any(_type(entry) in VIDEO_TYPES for entry in summary or ())


def has_code(ad_code: Any) -> bool:
    """Tell whether any AD code was submitted; empty text, list or object is none, also as JSON inside a string."""
    if isinstance(ad_code, str):
        text = ad_code.strip()
        looks_like_json = text[:1] in {"[", "{", '"'} or text == "null"
        return has_code(_decoded(text)) if looks_like_json and len(text) <= LONGEST_BLANK_CODE else bool(text)
    if isinstance(ad_code, Mapping):
        return any(has_code(value) for value in ad_code.values())
    if isinstance(ad_code, list | tuple):
        return any(has_code(value) for value in ad_code)
    return ad_code is not None and ad_code is not False


def _decoded(text: str) -> Any:
    """Read JSON inside a string; what is not JSON is a code that merely looks odd."""
    try:
        return json.loads(text)
    except ValueError:
        return True

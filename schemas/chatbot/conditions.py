"""What must be true of a sample for each reminder; asked when a schedule is made and again when it falls due."""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.chatbot.records import Scenario
from schemas.samples.records import Sample

#: The statuses that reminders depend on, as the seller page's tabs are called, compared trimmed and lower-cased.
SHIPPED = "shipped"
CONTENT_PENDING = "content pending"
COMPLETED = "completed"

#: Crawlers write the kind of a promotion as a word or as the page's own number.
VIDEO_TYPES = frozenset({"video", "1"})

#: How an ad code that is not there is written in text.
_BLANK_CODES = frozenset({"", "[]", "{}", "null", '""', '[""]'})


def calls_for(scenario: Scenario, sample: Sample) -> bool:
    """Tell whether the sample, as it stands, still calls for this reminder."""
    match scenario:
        case Scenario.SHIPPED:
            return status_of(sample) == SHIPPED
        case Scenario.CONTENT_PENDING:
            return status_of(sample) == CONTENT_PENDING
        case Scenario.NO_CONTENT_POSTED:
            return status_of(sample) == COMPLETED and not has_content(sample.content_summary)
        case Scenario.MISSING_AD_CODE:
            return has_video(sample.content_summary) and not has_ad_code(sample.ad_code)


def status_of(sample: Sample) -> str:
    """Return the status as the rules compare it."""
    return (sample.status or "").strip().lower()


def has_content(summary: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether the creator has published anything: logistics entries and blanks are not content."""
    for entry in summary:
        kind = _kind(entry)
        if kind == "logistics":
            continue
        if kind or entry.get("promotion_name") or entry.get("promotion_time"):
            return True
    return False


def has_video(summary: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether a video is among the published contents."""
    return any(_kind(entry) in VIDEO_TYPES for entry in summary)


def has_ad_code(value: object) -> bool:
    """Tell whether an ad code was submitted; an empty list or text, however it is written, is none."""
    if value is None or value is False:
        return False
    if isinstance(value, str):
        return value.strip() not in _BLANK_CODES
    if isinstance(value, list):
        return any(has_ad_code(part) for part in value)
    if isinstance(value, dict):
        return any(has_ad_code(part) for part in value.values())
    return True


def _kind(entry: Mapping[str, Any]) -> str:
    return str(entry.get("type") or "").strip().lower()

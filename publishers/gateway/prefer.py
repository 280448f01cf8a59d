"""The Prefer header (RFC 7240): how long the caller would wait, and how much it wants told."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

_PREFERENCE = re.compile(r'\s*([a-z-]+)\s*(?:=\s*"?([a-z0-9]*)"?)?', re.IGNORECASE)

_USUAL = 64  # characters: clients send the same few short preferences over and over


@dataclass(frozen=True, slots=True)
class Preference:
    """What the caller prefers and `applied`, the part of it that we follow; a wait of zero means: answer at once."""

    wait: timedelta
    is_representation_wanted: bool = False
    applied: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The header that tells the caller what was followed."""
        return {"Preference-Applied": self.applied} if self.applied else {}


def preferred(value: str | None, longest: timedelta) -> Preference:
    """Read `respond-async`, `wait=N` and `return=representation`; what is not understood is ignored, as the RFC says.

    The first of two contradicting preferences counts. `respond-async` without `wait` means not to wait at all.
    """
    if not value:
        return Preference(longest)
    return _usual(value, longest) if len(value) <= _USUAL else _read(value, longest)


def _read(value: str, longest: timedelta) -> Preference:
    asked: dict[str, str] = {}
    for part in value.split(","):
        if found := _PREFERENCE.match(part):
            asked.setdefault(found[1].lower(), found[2] or "")
    applied = []
    wait = longest
    if (seconds := asked.get("wait", "")).isdecimal() and len(seconds) < 10:  # noqa: PLR2004 -- 30 years are enough
        wait = min(timedelta(seconds=int(seconds)), longest)
        applied.append(f"wait={wait.total_seconds():.0f}")
    elif "respond-async" in asked:
        wait = timedelta(0)
    if "respond-async" in asked:
        applied.insert(0, "respond-async")
    is_representation_wanted = asked.get("return", "").lower() == "representation"
    if is_representation_wanted:
        applied.append("return=representation")
    return Preference(wait, is_representation_wanted, ", ".join(applied))


_usual = lru_cache(maxsize=256)(_read)

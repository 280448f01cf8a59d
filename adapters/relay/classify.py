"""What an answer means, where a platform does not say more: the classes that HTTP itself has."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from adapters.relay.port import Outcome, Verdict

#: A platform that asks for more than that is told to have an outage; it is asked again earlier.
LONGEST_AFTER = timedelta(hours=6)
#: Where a platform throttles and does not say for how long.
DEFAULT_AFTER = timedelta(seconds=60)
_REASON = 500

TRANSIENT = frozenset({408, 425, 500, 502, 503, 504})
AUTH = frozenset({401, 403, 407})
CONFIG = frozenset({404, 405, 410})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answered: `status` is None where nothing came back, and `problem` says why.

    `is_unknown`: it may have acted before the link broke. `is_ours`: we refused to ask.
    """

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    problem: str | None = None
    is_unknown: bool = False
    is_ours: bool = False

    def json(self) -> Any:
        """Return the body as JSON, or None where it is something else, such as a proxy's page."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def text(self) -> str:
        """The body as text, broken bytes replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_good(self) -> bool:
        """Whether it is any 2xx; many platforms say more in the body."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 -- RFC 9110, 15.3


def outcome_of(answer: Answer, *, batch: int = 1) -> Outcome:
    """Return what an answer means by HTTP alone (RFC 9110) for each event of a call of `batch` events.

    A refusal of one event is for good; a refusal of several only says that one of them is bad.
    """
    status = answer.status
    reason = answer.problem or f"{status}: {answer.text[:_REASON]}"
    if answer.is_ours:
        return Outcome(verdict=Verdict.CONFIG, reason=reason)
    if status is None:
        return Outcome(verdict=Verdict.UNKNOWN if answer.is_unknown else Verdict.TRANSIENT, reason=reason)
    if answer.is_good:
        return Outcome(verdict=Verdict.DELIVERED, status=status)
    return Outcome(verdict=_verdict(status, batch), reason=reason, status=status, after=after(answer))


def _verdict(status: int, batch: int) -> Verdict:
    if status == 429:  # noqa: PLR2004 -- RFC 6585, 4
        return Verdict.THROTTLED
    if status in AUTH:
        return Verdict.AUTH
    if status in CONFIG or 300 <= status < 400:  # noqa: PLR2004 -- RFC 9110, 15.4: we follow nobody
        return Verdict.CONFIG
    # A timeout of a proxy leaves open what happened behind it.
    if status in {500, 502, 504}:
        return Verdict.UNKNOWN
    if status in TRANSIENT or status >= 500:  # noqa: PLR2004 -- RFC 9110, 15.6
        return Verdict.TRANSIENT
    return Verdict.PERMANENT if batch == 1 else Verdict.SPLIT


def after(answer: Answer, now: datetime | None = None) -> timedelta | None:
    """Return the wait that `Retry-After` asks for, in seconds or as a date (RFC 9110, 10.2.3); None where none is."""
    value = answer.headers.get("retry-after") or answer.headers.get("Retry-After")
    if not value:
        return DEFAULT_AFTER if answer.status == 429 else None  # noqa: PLR2004 -- RFC 6585, 4
    try:
        wait = timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        try:
            wait = parsedate_to_datetime(value) - (now or datetime.now(UTC))
        except (TypeError, ValueError):
            return DEFAULT_AFTER
    return min(max(wait, timedelta()), LONGEST_AFTER)

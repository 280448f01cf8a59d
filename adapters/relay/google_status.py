"""What Google's Data Manager API answers: https://developers.google.com/data-manager/api/devguides/concepts/understand-errors.

Reasons: https://developers.google.com/data-manager/api/reference/rest/v1/ErrorReason; details:
https://cloud.google.com/apis/design/errors#error_details.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay.classify import LONGEST_AFTER, Answer, outcome_of
from adapters.relay.port import Outcome, Verdict

_EVENT = re.compile(r"(?:^|\.)events\[(\d+)\]")
#: What is wrong with the account or the conversion action, whatever the event.
_CONFIG = frozenset(
    {
        "DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS",
        "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED",
        "DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS",
        "DESTINATION_ACCOUNT_TYPE_MISMATCH",
        "INVALID_CONVERSION_ACTION_ID",
        "INVALID_CONVERSION_ACTION_TYPE",
        "INVALID_DESTINATION",
        "NOT_ALLOWLISTED",
        "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH",
        "TERMS_AND_CONDITIONS_NOT_SIGNED",
    }
)


def outcomes(answer: Answer, batch: int) -> list[Outcome]:
    """Return what an answer means for each event of a batch.

    One bad event fails all of them: those that are named are for good, the others only have to be sent without them.
    """
    outcome = outcome_of(answer, batch=batch)
    body = answer.json()
    if answer.is_good and not isinstance(body, dict):
        return [replace(outcome, verdict=Verdict.UNKNOWN, reason=f"{answer.status}, but not in JSON")] * batch
    error = body.get("error") if isinstance(body, dict) else None
    if answer.is_good or not isinstance(error, dict):
        return [outcome] * batch
    details = _listed(error.get("details"))
    said = f"{error.get('status')}: {error.get('message')}"[:500]
    outcome = replace(outcome, reason=said, after=_delay(details) or outcome.after)
    violations = [each for one in details for each in _listed(one.get("fieldViolations"))]
    if _reasons(details, violations) & _CONFIG:
        return [replace(outcome, verdict=Verdict.CONFIG, reason=f"{said} {violations}"[:500])] * batch
    if outcome.verdict not in {Verdict.SPLIT, Verdict.PERMANENT}:
        return [outcome] * batch
    bad = _named(violations, batch)
    return [
        replace(outcome, verdict=Verdict.PERMANENT, reason=bad[at]) if at in bad else outcome for at in range(batch)
    ]


def _reasons(details: Sequence[Mapping[str, Any]], violations: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return every reason that an error gives: one in its ErrorInfo, and one a violation."""
    return {str(each["reason"]) for each in (*details, *violations) if each.get("reason")}


def _named(violations: Sequence[Mapping[str, Any]], batch: int) -> dict[int, str]:
    """Return what is wrong with each event that the violations name by its place in the batch."""
    found: dict[int, str] = {}
    for each in violations:
        place = _EVENT.search(str(each.get("field")))
        if place and (at := int(place[1])) < batch:
            found[at] = f"{each.get('field')}: {each.get('reason') or ''} {each.get('description') or ''}"[:500]
    return found


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _delay(details: Sequence[Mapping[str, Any]]) -> timedelta | None:
    """Return how long a RetryInfo asks to wait, which is `"30s"`; None where none is."""
    for each in details:
        if seconds := re.fullmatch(r"(\d+(?:\.\d+)?)s", str(each.get("retryDelay"))):
            return min(timedelta(seconds=float(seconds[1])), LONGEST_AFTER)
    return None

"""What an outcome makes of a delivery, its attempt and its destination."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from adapters.relay.port import Outcome, Verdict
from handlers.relay.sending import Sending
from schemas.relay import selection
from schemas.relay.privacy import hidden, without_addresses
from schemas.relay.records import Attempt, AttemptStatus, Delivery, DeliveryState

#: The waits between attempts double from the first to the longest, each cut to a random part of itself.
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(hours=1)
#: So many failures in a row, and a destination is left alone for a while; then one round tries it.
BREAKER: Final = 5
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=5)
#: An operator must act: no clock ends the pause.
UNTIL_RESUMED: Final = datetime(9999, 1, 1, tzinfo=UTC)
#: Of a delivery whose sender died in mid-call, at a platform that would count it twice.
UNCERTAIN: Final = Outcome(
    verdict=Verdict.PERMANENT, reason=f"its sender died in mid-call: {selection.UNCERTAIN}, and a repeat counts twice"
)

_WAITS = frozenset({Verdict.THROTTLED, Verdict.AUTH, Verdict.CONFIG})
_FAILURES = frozenset({Verdict.TRANSIENT, Verdict.UNKNOWN})
_WRONG = _FAILURES | {Verdict.AUTH, Verdict.CONFIG}
_GONE = frozenset({Verdict.PERMANENT, Verdict.SPLIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """How long a destination is left alone, and why; `failures` are those in a row so far."""

    until: datetime
    reason: str
    failures: int
    needs_operator: bool = False


def settled(sending: Sending, now: datetime) -> Delivery:
    """Return a delivery after a round: delivered, dead, skipped, or waiting for its next attempt."""
    delivery = replace(sending.claimed.delivery, updated_at=now)
    if sending.skipped is not None:
        return replace(delivery, state=DeliveryState.SKIPPED, reason=sending.skipped)
    outcome = sending.outcome or Outcome(verdict=Verdict.UNKNOWN, reason="the sender was stopped")
    if outcome.verdict is Verdict.DELIVERED:
        return replace(delivery, state=DeliveryState.DELIVERED, reason=None, delivered_at=now)
    if outcome.verdict in _GONE:
        return replace(delivery, state=DeliveryState.DEAD, reason=_said(outcome))
    if outcome.verdict in _WAITS:
        delivery = replace(delivery, attempts=delivery.attempts - 1)  # it is not the event's fault
    at = now + _wait(outcome, delivery.attempts)
    if at >= delivery.expires_at:
        return replace(delivery, state=DeliveryState.DEAD, reason=f"past its horizon, last: {_said(outcome)}")
    return replace(delivery, state=DeliveryState.PENDING, next_attempt_at=at, reason=_said(outcome))


def finished(attempt: Attempt, sending: Sending) -> Attempt:
    """Return an attempt with what came of it."""
    outcome, told = sending.outcome, sending.told
    status = AttemptStatus.FAILED
    if outcome is not None and outcome.verdict is Verdict.DELIVERED:
        status = AttemptStatus.SUCCESS
    elif outcome is not None and outcome.verdict is Verdict.THROTTLED:
        status = AttemptStatus.RATE_LIMITED
    elif outcome is not None and outcome.verdict is Verdict.UNKNOWN and told is not None and told.status is None:
        status = AttemptStatus.TIMEOUT
    return replace(
        attempt,
        status=status,
        http_status_code=told.status if told else None,
        request=_kept(sending),
        response_body=without_addresses(told.response) if told else None,
        error_message=sending.skipped or (_said(outcome) if outcome else None),
        duration_ms=round(told.duration.total_seconds() * 1000) if told else None,
    )


def pause_of(sendings: Sequence[Sending], failures: int, now: datetime) -> Pause | None:
    """Return whether a destination is to be left alone after a round, for the worst that any of its events met."""
    by_verdict = {each.outcome.verdict: each.outcome for each in sendings if each.outcome}
    for verdict in (Verdict.AUTH, Verdict.CONFIG):
        if bad := by_verdict.get(verdict):
            reason = f"{verdict.value}: {_said(bad)}"
            return Pause(until=UNTIL_RESUMED, reason=reason, failures=failures, needs_operator=True)
    if throttled := by_verdict.get(Verdict.THROTTLED):
        wait = throttled.after or FIRST_PAUSE
        return Pause(until=now + wait, reason=f"throttled: {_said(throttled)}", failures=failures)
    if failures >= BREAKER:
        wait = min(FIRST_PAUSE * 2 ** min(failures - BREAKER, 16), LONGEST_PAUSE)
        last = next((_said(by_verdict[verdict]) for verdict in _FAILURES if verdict in by_verdict), None)
        return Pause(until=now + wait, reason=f"{failures} failures in a row, last: {last}", failures=failures)
    return None


def has_failed(sendings: Sequence[Sending]) -> bool:
    """Tell whether a round met a failure of the destination and no success."""
    verdicts = {each.outcome.verdict for each in sendings if each.outcome}
    return bool(verdicts & _FAILURES) and Verdict.DELIVERED not in verdicts


def has_succeeded(sendings: Sequence[Sending]) -> bool:
    """Tell whether a destination took anything in a round."""
    return any(each.outcome and each.outcome.verdict is Verdict.DELIVERED for each in sendings)


def use_of(sendings: Sequence[Sending], now: datetime) -> tuple[datetime | None, str | None]:
    """Return when an account was last of use, if it was in this round, and what last went wrong with it, if it did."""
    used_at = now if has_succeeded(sendings) else None
    wrong = next((each.outcome for each in sendings if each.outcome and each.outcome.verdict in _WRONG), None)
    return used_at, _said(wrong) if wrong else None


def _kept(sending: Sending) -> str | None:
    """Return what is kept of what was said: this event's own part of the call, without what names people."""
    if sending.rendered is None:
        return None
    return orjson.dumps(hidden(sending.rendered), default=str).decode()


def _said(outcome: Outcome) -> str | None:
    """Return why, as it may be kept and logged: a platform's words can repeat what it was sent."""
    return without_addresses(outcome.reason) if outcome.reason else None


def _wait(outcome: Outcome, attempts: int) -> timedelta:
    if outcome.after is not None:
        return outcome.after
    if outcome.verdict in _WAITS:
        return timedelta()  # its destination is paused, and it is due when that is over
    longest: timedelta = min(FIRST_WAIT * 2 ** min(max(attempts - 1, 0), 16), LONGEST_WAIT)
    return longest * random.uniform(0.1, 1)  # full jitter, less what would be no wait at all

"""How long a delivery waits after what it met."""

from datetime import timedelta

import pytest

from adapters.relay.port import Outcome, Verdict
from handlers.relay.outcomes import FIRST_WAIT, LONGEST_WAIT, pause_of, settled
from handlers.relay.sending import Sending
from schemas.relay.records import ClaimedDelivery, DeliveryState
from tests.build.records import NOON
from tests.build.relay import delivery, event


def met(outcome: Outcome, attempts: int = 1) -> Sending:
    claimed = ClaimedDelivery(delivery=delivery(1, 1, id=1, attempts=attempts), event=event())
    return Sending(claimed, rendered={}, outcome=outcome)


def waits(attempts: int) -> list[timedelta]:
    sending = met(Outcome(verdict=Verdict.TRANSIENT, reason="503"), attempts)
    return [settled(sending, NOON).next_attempt_at - NOON for _ in range(200)]


@pytest.mark.parametrize("attempts", [1, 2, 3, 6, 9, 10, 14, 60])
def test_the_waits_double_up_to_an_hour_and_are_spread(attempts: int) -> None:
    longest = min(FIRST_WAIT * 2 ** min(attempts - 1, 16), LONGEST_WAIT)
    found = waits(attempts)
    assert longest * 0.1 <= min(found) < longest * 0.4
    assert longest * 0.7 < max(found) <= longest


def test_how_long_a_platform_asks_to_wait_is_waited_to_the_second() -> None:
    for verdict in (Verdict.TRANSIENT, Verdict.UNKNOWN, Verdict.THROTTLED):
        asked = met(Outcome(verdict=verdict, after=timedelta(seconds=120)))
        assert settled(asked, NOON).next_attempt_at == NOON + timedelta(seconds=120)


@pytest.mark.parametrize("verdict", [Verdict.THROTTLED, Verdict.AUTH, Verdict.CONFIG])
def test_what_is_no_fault_of_the_event_costs_it_no_attempt(verdict: Verdict) -> None:
    after = settled(met(Outcome(verdict=verdict, reason="no"), attempts=3), NOON)
    assert (after.attempts, after.state) == (2, DeliveryState.PENDING)


def test_a_destination_that_goes_on_failing_is_left_alone_for_longer_and_longer() -> None:
    failing = [met(Outcome(verdict=Verdict.TRANSIENT, reason="503"))]
    pauses = [pause_of(failing, failures, NOON) for failures in range(12)]
    assert [each is None for each in pauses] == [True] * 5 + [False] * 7
    lengths = [each.until - NOON for each in pauses if each]
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1]) == (timedelta(seconds=5), timedelta(minutes=5))


def test_a_wait_that_would_outlast_the_horizon_is_the_end_with_the_last_reason() -> None:
    late = met(Outcome(verdict=Verdict.THROTTLED, reason="slow", after=timedelta(days=3)))
    dead = settled(late, NOON)
    assert (dead.state, dead.reason) == (DeliveryState.DEAD, "past its horizon, last: slow")

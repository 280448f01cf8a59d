from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from brokers.incoming import Incoming
from brokers.judgement import Park, Retry, judge, stack_hash
from brokers.queue import Retry as Policy
from brokers.verdict import Reject, Retryable
from tests.build.incoming import Ping, a_queue, arrived

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
POLICY = Policy(attempts=5, first=timedelta(seconds=2), longest=timedelta(seconds=10), horizon=timedelta(hours=1))


def message(**headers: Any) -> Incoming:
    return arrived(NOW, queue=a_queue(retry=POLICY), headers=headers)


def test_a_reject_is_parked_at_once_with_its_reason() -> None:
    judgement = judge(Reject("no such region"), message(), NOW)
    assert isinstance(judgement, Park)
    assert (judgement.error_class, judgement.reason) == ("Reject", "no such region")


def test_a_body_that_does_not_fit_names_the_field() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Ping).validate_json(b'{"number": "x"}')
    judgement = judge(caught.value, message(), NOW)
    assert isinstance(judgement, Park)
    assert judgement.reason.startswith("number: ")


@given(attempt=st.integers(1, 4))
def test_the_backoff_grows_exponentially_with_full_jitter_up_to_the_longest(attempt: int) -> None:
    longest = judge(Retryable("busy"), message(**{"x-attempt": attempt}), NOW, uniform=lambda _, high: high)
    shortest = judge(Retryable("busy"), message(**{"x-attempt": attempt}), NOW, uniform=lambda low, _: low)
    assert longest == Retry(timedelta(seconds=min(2 * 2 ** (attempt - 1), 10)), "busy")
    assert shortest == Retry(timedelta(0), "busy")


def test_what_a_vendor_asks_for_is_obeyed_to_the_second() -> None:
    assert judge(Retryable("429", timedelta(seconds=137)), message(), NOW) == Retry(timedelta(seconds=137), "429")


def test_the_last_attempt_parks() -> None:
    assert isinstance(judge(Retryable("busy"), message(**{"x-attempt": 5}), NOW), Park)


def test_nothing_is_retried_past_the_horizon() -> None:
    late = NOW + timedelta(minutes=59, seconds=59)
    assert isinstance(judge(Retryable("busy", timedelta(seconds=30)), message(), late), Park)


def test_a_redrive_begins_a_new_horizon() -> None:
    late = NOW + timedelta(days=3)
    redriven = message(**{"x-redriven-at": late.isoformat()})
    assert isinstance(judge(Retryable("busy", timedelta(seconds=30)), redriven, late), Retry)


def test_a_bug_is_tried_three_more_times_and_then_parked() -> None:
    assert isinstance(judge(KeyError("x"), message(**{"x-attempt": 3}), NOW), Retry)
    parked = judge(KeyError("x"), message(**{"x-attempt": 4}), NOW)
    assert isinstance(parked, Park)
    assert parked.error_class == "KeyError"


def _fails(depth: int) -> Exception:
    try:
        _raise_at(depth)
    except ValueError as error:
        return error
    raise AssertionError


def _raise_at(depth: int) -> None:
    if depth:
        _raise_at(depth - 1)
    raise ValueError(f"at {depth}")


def test_one_cause_has_one_stack_hash_whatever_its_message() -> None:
    assert stack_hash(_fails(0)) == stack_hash(_fails(0))
    assert stack_hash(_fails(0)) != stack_hash(_fails(1))

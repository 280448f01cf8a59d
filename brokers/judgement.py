"""From what a handler raised to what becomes of the message: one pure function."""

import hashlib
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from brokers.incoming import Incoming
from brokers.verdict import Reject, Retryable

BUG_ATTEMPTS = 4  # the first and three more: enough for a bug that depends on timing, few enough for one that does not
REASON_LENGTH = 1000  # an AMQP header table should stay small


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `delay`."""

    delay: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class Park:
    """Keep as a dead letter."""

    error_class: str
    reason: str
    stack_hash: str


Judgement = Retry | Park


def judge(
    error: Exception, message: Incoming, now: datetime, uniform: Callable[[float, float], float] = random.uniform
) -> Judgement:
    """Decide by the error, the attempts made and the age of the message, within its queue's retry policy.

    The delay is exponential with full jitter, as in https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/,
    unless a vendor said when to come back.
    """
    if isinstance(error, Reject | ValidationError):
        return _park(error)
    policy = message.queue.retry
    attempts = policy.attempts if isinstance(error, Retryable) else min(policy.attempts, BUG_ATTEMPTS)
    if message.attempt >= attempts:
        return _park(error)
    asked = error.after if isinstance(error, Retryable) else None
    ceiling = min(policy.first * 2 ** (message.attempt - 1), policy.longest)
    delay = asked if asked is not None else timedelta(seconds=uniform(0, ceiling.total_seconds()))
    if now + delay > message.retry_since + policy.horizon:
        return _park(error)
    return Retry(delay, _reason(error))


def _park(error: Exception) -> Park:
    return Park(type(error).__name__, _reason(error), stack_hash(error))


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problems = (f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors())
        return "; ".join(problems)[:REASON_LENGTH]
    return (str(error) or type(error).__name__)[:REASON_LENGTH]


def stack_hash(error: BaseException) -> str:
    """Return 12 hex digits that are equal for errors raised by the same chain of functions, whatever the line."""
    frames = traceback.extract_tb(error.__traceback__)
    chain = "|".join([type(error).__qualname__, *(f"{_module(frame.filename)}:{frame.name}" for frame in frames)])
    return hashlib.sha256(chain.encode()).hexdigest()[:12]


def _module(path: str) -> str:
    return "/".join(path.split("/")[-2:])

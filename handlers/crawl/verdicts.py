"""What becomes of a command whose crawl did not come to its end."""

from datetime import datetime, timedelta

from brokers.verdict import Reject, Retryable
from crawlers.errors import (
    AccountStopped,
    CannotRead,
    CrawlError,
    LeaseLost,
    NoAccount,
    NotNow,
    StillFailing,
    Throttled,
    TookTooLong,
    TurnOver,
)

#: A command is tried a few hundred times; who waits for an account's driver may wait for hours.
_AT_LEAST = timedelta(minutes=5)
_SOON = timedelta(seconds=1)
_PERSON_NEEDED = (StillFailing, TookTooLong, NoAccount, CannotRead)


def verdict(error: CrawlError, now: datetime) -> Reject | Retryable:
    """Return whether a person is needed, and else when to go on; the cursor is kept either way."""
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, _PERSON_NEEDED):
        return Reject(reason)
    if isinstance(error, TurnOver):
        return Retryable(reason, _SOON)
    if isinstance(error, NotNow):
        return Retryable(reason, max(error.until - now, _AT_LEAST))
    if isinstance(error, AccountStopped | LeaseLost):
        return Retryable(reason, _AT_LEAST)  # another account may go on by then
    if isinstance(error, Throttled):
        return Retryable(reason, max(error.after or _AT_LEAST, _AT_LEAST))
    return Retryable(reason)

"""How a business account stands: whether we may speak for it, and for how long."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.replies.records import Tokens

#: So early an operator is told that an account must be connected again; its owner may have to be found first.
NOTICE: Final = timedelta(days=14)


class AccountState(StrEnum):
    """`ENDING` works and will not for long; `BROKEN` must be connected again; `PAUSED` goes on later by itself."""

    CONNECTED = "connected"
    ENDING = "ending"
    PAUSED = "paused"
    BROKEN = "broken"


def state_of(account: Tokens, now: datetime) -> AccountState:
    """Return how an account stands. An access token that has ended is no trouble: the next reply exchanges it."""
    if account.broken_reason is not None or ends_at(account) <= now:
        return AccountState.BROKEN
    if account.paused_until is not None and account.paused_until > now:
        return AccountState.PAUSED
    return AccountState.ENDING if ends_at(account) <= now + NOTICE else AccountState.CONNECTED


def why(account: Tokens, now: datetime) -> str | None:
    """Return in words why an account does not speak; None where it does."""
    if account.broken_reason is not None:
        return account.broken_reason
    if ends_at(account) <= now:
        return "its tokens have ended"
    if account.paused_until is not None and account.paused_until > now:
        return account.paused_reason or "paused"
    return None


def ends_at(account: Tokens) -> datetime:
    """Return until when an account can be spoken for without its owner."""
    if account.refresh_token is None:
        return account.access_expires_at
    # TikTok may tell no end of a refresh token; then it is found out when it is refused.
    return account.refresh_expires_at or datetime.max.replace(tzinfo=account.access_expires_at.tzinfo)

"""What conversations need of TikTok, and what may become of a call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What became of a call.

    `NOT_SENT` did nothing and may be tried again. `UNCERTAIN` may have reached the customer. `TOKEN` says that the
    access token is not taken any more, `PERMISSION` that the account may not do this, `BLOCKED` that TikTok's rules of
    messaging forbid it. `REFUSED` is for good.
    """

    SENT = "sent"
    NOT_SENT = "not sent"
    UNCERTAIN = "uncertain"
    TOKEN = "token"  # noqa: S105 -- a word, no secret
    PERMISSION = "permission"
    BLOCKED = "blocked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a call; `code` is TikTok's, or HTTP's where it gave none; `after` is how long it asks to wait."""

    kind: Kind
    message_id: str | None = None
    code: str | None = None
    reason: str | None = None
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Something that the business said in a conversation, as TikTok has it."""

    message_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """New tokens of an account; the refresh token replaces the one that was used."""

    business_id: str
    access_token: str
    access_life: timedelta
    refresh_token: str | None
    refresh_life: timedelta | None


class TikTok(Protocol):
    """TikTok's direct messages."""

    async def send(self, token: str, business_id: str, conversation_id: str, text: str) -> Outcome:
        """Say something in a conversation, once; nothing is tried again here."""

    async def recent(self, token: str, business_id: str, conversation_id: str) -> list[Said] | Outcome:
        """Return what the business said lately in a conversation, oldest first, or why that is not known."""

    async def refresh(self, refresh_token: str) -> Grant | Outcome:
        """Exchange a refresh token for new tokens; `NOT_SENT` may be tried again, all else is for good."""

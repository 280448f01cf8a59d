"""What taking in a notification needs to know, and a notification on its way into the ledger."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from schemas.replies.messages import TakeWebhook
from schemas.replies.records import Thread, User, WebhookEvent, WebhookState
from schemas.replies.tiktok import Inbound, Kind

#: Where a person writes; whatever speaks for an account through the API is a program.
_BY_HAND: Final = frozenset({"APP", "WEB"})


@dataclass(frozen=True, slots=True)
class Reception:
    """Whose notifications are ours, and the shop's rules for customers who write.

    Without `business_ids` every account that has a token is ours.
    """

    client_key: str | None = None
    business_ids: Collection[str] = ()
    debounce: timedelta = timedelta(seconds=2)
    a_minute: int = 10
    handoff: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification: what it says, how it came, and the moment of acting on it; `reason` is why it cannot be."""

    heard: Inbound
    said: TakeWebhook
    now: datetime
    reason: str | None = None
    message_id: str = ""
    correlation_id: str | None = None

    @property
    def at(self) -> datetime:
        """When it happened by TikTok's clock; what would be in the future happened when it came."""
        came = self.said.received_at
        return min(self.heard.provider_ts or came, came)

    @property
    def is_by_hand(self) -> bool:
        """Whether a person of the shop wrote it, in TikTok's own app."""
        return self.heard.kind is Kind.ECHO and self.heard.source in _BY_HAND

    @property
    def opens(self) -> bool:
        """Whether it belongs to a conversation that may begin with it."""
        return self.heard.kind is Kind.MESSAGE or self.is_by_hand

    def of(self, business_id: str, kind: Kind) -> "Notice":
        """Return the same of an account, and of the kind, that are known by now."""
        return replace(self, heard=replace(self.heard, business_id=business_id, kind=kind))

    def refused(self, reason: str) -> "Notice":
        """Return it as one that cannot be acted on."""
        return replace(self, reason=reason)

    def new_thread(self) -> Thread:
        """Return its conversation as it is before anything was said."""
        return Thread(
            conversation_id=self.heard.conversation_id,
            business_id=self.heard.business_id,
            user_id=self.heard.user_id,
            created_at=self.now,
            updated_at=self.now,
        )

    def customer(self) -> User:
        """Return who wrote it."""
        name = self.heard.username or None
        return User(tiktok_id=self.heard.user_id, username=name, last_interaction_at=self.at, created_at=self.now)

    def event(self, state: WebhookState, reason: str | None = None) -> WebhookEvent:
        """Return it as it is stored."""
        heard = self.heard
        return WebhookEvent(
            dedup_key=self.said.dedup_key,
            event=heard.event,
            received_at=self.said.received_at,
            raw=self.said.raw,
            state=state,
            business_id=heard.business_id or None,
            conversation_id=heard.conversation_id or None,
            message_id=heard.message_id or None,
            provider_ts=self.at,
            last_error=reason,
        )

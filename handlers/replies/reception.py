"""What taking in a notification needs to know, and a notification on its way into the ledger."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from persistence.uow import Transaction
from schemas.replies.messages import TakeWebhook
from schemas.replies.records import Thread, WebhookEvent, WebhookState
from schemas.replies.tiktok import Inbound, Kind


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
    """A notification: what it says, how it came, and the moment of acting on it."""

    heard: Inbound
    said: TakeWebhook
    now: datetime

    @property
    def at(self) -> datetime:
        """When it happened by TikTok's clock; what would be in the future happened when it came."""
        came = self.said.received_at
        return min(self.heard.provider_ts or came, came)

    def of(self, business_id: str, kind: Kind) -> "Notice":
        """Return the same of an account, and of the kind, that are known by now."""
        return replace(self, heard=replace(self.heard, business_id=business_id, kind=kind))

    def new_thread(self) -> Thread:
        """Return its conversation as it is before anything was said."""
        return Thread(
            conversation_id=self.heard.conversation_id,
            business_id=self.heard.business_id,
            user_id=self.heard.user_id,
            created_at=self.now,
            updated_at=self.now,
        )

    async def store(self, tx: Transaction, state: WebhookState, reason: str | None = None) -> int | None:
        """Store it and return its number; None where it was stored before."""
        heard = self.heard
        return await tx.webhooks.add(
            WebhookEvent(
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
        )

    async def ignored(self, tx: Transaction, reason: str) -> str:
        """Store it as one that needs no answer."""
        return "duplicate" if await self.store(tx, WebhookState.IGNORED, reason) is None else "ignored"

    async def rejected(self, tx: Transaction, reason: str) -> str:
        """Store it as one that cannot be acted on."""
        return "duplicate" if await self.store(tx, WebhookState.REJECTED, reason) is None else "rejected"

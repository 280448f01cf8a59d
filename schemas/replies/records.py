"""The stored shape of customers, conversations and what is said in them; names follow the SQL columns."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Handoff(StrEnum):
    """Who answers in a conversation."""

    BOT = "BOT"
    HUMAN = "HUMAN"


class WebhookState(StrEnum):
    """How far a notification of TikTok's has come.

    `RECEIVED` waits to be answered, `CLAIMED` is being answered under a lease. `IGNORED` needs no answer, `REJECTED`
    is none that we could read or that concerns us; `DEAD` could not be answered and needs an operator.
    """

    RECEIVED = "RECEIVED"
    CLAIMED = "CLAIMED"
    DONE = "DONE"
    IGNORED = "IGNORED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    DEAD = "DEAD"


class Role(StrEnum):
    """Who said something: the customer, the bot, the system, or a person of the shop."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    OPERATOR = "operator"


class ReplyKind(StrEnum):
    """Why something is said; only a `HANDOVER` may take the last message that a window allows."""

    ANSWER = "answer"
    NOTICE = "notice"
    HANDOVER = "handover"
    OPERATOR = "operator"
    WAITING = "waiting"


class ReplyState(StrEnum):
    """How far a reply has come.

    `SENDING` was recorded before the call. `UNCERTAIN` may have reached the customer: it is never sent again by
    itself. `EXPIRED` came too late for its window.
    """

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    UNCERTAIN = "UNCERTAIN"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A customer, as TikTok numbers people; one who `opted_out_at` is written to no more."""

    tiktok_id: str
    username: str | None
    last_interaction_at: datetime
    created_at: datetime
    opted_out_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One conversation between a customer and a business account.

    `last_inbound_at` is the customer's last message by TikTok's clock and never goes back: the window counts from it,
    and `window_sent_count` is what we sent since. `menu_shown_at` is set while the menu is the bot's last word.
    `proposal` is what the customer was asked to confirm. From `answer_at` on, what waits may be answered.
    """

    conversation_id: str
    business_id: str
    user_id: str
    created_at: datetime
    updated_at: datetime
    last_inbound_at: datetime | None = None
    window_sent_count: int = 0
    handoff: Handoff = Handoff.BOT
    handoff_until: datetime | None = None
    menu_shown_at: datetime | None = None
    noticed_at: datetime | None = None
    proposal: dict[str, Any] | None = None
    proposed_at: datetime | None = None
    answer_at: datetime | None = None
    answered_at: datetime | None = None
    paused_until: datetime | None = None
    paused_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """One notification as TikTok sent it; `dedup_key` is the hex SHA-256 of what makes two of them the same.

    `raw` is every byte that was signed. `provider_ts` is TikTok's time of what happened.
    """

    dedup_key: str
    event: str
    received_at: datetime
    raw: bytes
    state: WebhookState
    business_id: str | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    provider_ts: datetime | None = None
    attempts: int = 0
    last_error: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One thing that was said; `reply_id` is the reply that it was, or the one that answered it.

    `provider_message_id` is unique within its conversation only. `kind` is TikTok's type: text, image, sticker…
    """

    conversation_id: str
    role: Role
    provider_ts: datetime
    content: str
    created_at: datetime
    kind: str = "text"
    provider_message_id: str | None = None
    button_id: str | None = None
    intent: str | None = None
    event_id: int | None = None
    reply_id: int | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Something that the business says; one that answers has `reply_to_event` and an `ordinal`, unique together.

    It is sent not before `not_before` and never after `expires_at`, the end of its window. `decided_by` is who worded
    it: router, model, template, operator. `attempts` counts calls; `sending_at` is when the last one began.
    """

    conversation_id: str
    business_id: str
    kind: ReplyKind
    body: str
    not_before: datetime
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    state: ReplyState = ReplyState.PENDING
    reply_to_event: int | None = None
    ordinal: int = 0
    attempts: int = 0
    provider_message_id: str | None = None
    error_code: str | None = None
    reason: str | None = None
    intent: str | None = None
    decided_by: str | None = None
    prompt_version: str | None = None
    sending_at: datetime | None = None
    sent_at: datetime | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What lets us speak for a business account; both tokens are ciphertext as stored.

    `broken_reason` says why an operator must connect the account again. Nothing is sent until `paused_until`.
    """

    business_id: str
    access_token: str
    refresh_token: str | None
    access_expires_at: datetime
    refresh_expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    refreshing_until: datetime | None = None
    broken_reason: str | None = None
    paused_until: datetime | None = None
    paused_reason: str | None = None
    id: int | None = None

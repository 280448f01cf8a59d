"""One conversation as an operator sees it: who speaks, what was said, what waits, what was promised."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel

from persistence.uow import Transaction
from schemas.replies.records import ChatMessage, Handoff, Reply, ReplyKind, ReplyState, Role, Thread, User
from schemas.replies.stock import OrderStatus
from schemas.replies.window import closes_at, is_open


class ConversationShown(BaseModel):
    """A conversation; `handoff` says who speaks now, `open_until` when TikTok takes no more replies."""

    conversation_id: str
    business_id: str
    user_id: str
    username: str | None
    handoff: Handoff
    handoff_until: datetime | None
    last_inbound_at: datetime | None
    is_open: bool
    open_until: datetime | None
    window_sent_count: int
    opted_out_at: datetime | None
    paused_until: datetime | None
    paused_reason: str | None
    created_at: datetime
    updated_at: datetime


class MessageShown(BaseModel):
    """One thing that was said; `at` is TikTok's time, `intent` what it was taken to mean or to answer."""

    role: Role
    at: datetime
    kind: str
    text: str
    button_id: str | None
    intent: str | None
    is_answered: bool


class ReplyShown(BaseModel):
    """Something that the business says, and how far it has come; `reason` says what became of the last call."""

    id: int
    conversation_id: str
    business_id: str
    kind: ReplyKind
    state: ReplyState
    text: str
    attempts: int
    error_code: str | None
    reason: str | None
    decided_by: str | None
    prompt_version: str | None
    not_before: datetime
    expires_at: datetime
    sending_at: datetime | None
    sent_at: datetime | None
    created_at: datetime
    updated_at: datetime


class HoldShown(BaseModel):
    """A piece that is kept for the customer."""

    sku: str
    name: str
    expires_at: datetime


class OrderLine(BaseModel):
    """An order of the customer's."""

    code: str
    status: OrderStatus
    total_amount: int
    currency: str


class ConversationTruth(BaseModel):
    """Everything that is known of a conversation: messages oldest first, replies that did not arrive, promises."""

    conversation: ConversationShown
    messages: list[MessageShown]
    replies: list[ReplyShown]
    holds: list[HoldShown]
    orders: list[OrderLine]


def conversation_shown(thread: Thread, user: User | None, now: datetime) -> ConversationShown:
    """Return a conversation as it is told; a hand-over whose time is over is none, whoever has noticed."""
    is_over = thread.handoff_until is not None and thread.handoff_until <= now
    handoff = Handoff.BOT if is_over else thread.handoff
    plain = {name: getattr(thread, name) for name in ConversationShown.model_fields if hasattr(thread, name)}
    return ConversationShown(
        **plain
        | {
            "username": user.username if user else None,
            "opted_out_at": user.opted_out_at if user else None,
            "handoff": handoff,
            "handoff_until": thread.handoff_until if handoff is Handoff.HUMAN else None,
            "is_open": is_open(thread, now),
            "open_until": closes_at(thread),
        }
    )


def reply_shown(reply: Reply) -> ReplyShown:
    """Return a reply as it is told."""
    plain = {name: getattr(reply, name) for name in ReplyShown.model_fields if hasattr(reply, name)}
    return ReplyShown(**plain, text=reply.body)


async def shown(tx: Transaction, found: Sequence[Thread], now: datetime) -> list[ConversationShown]:
    """Return a page of conversations as they are told."""
    people: Mapping[str, User] = await tx.people.named([each.user_id for each in found])
    return [conversation_shown(each, people.get(each.user_id), now) for each in found]


async def truth(tx: Transaction, thread: Thread, now: datetime, *, limit: int, kept: timedelta) -> ConversationTruth:
    """Return all that is known of a conversation, with its newest messages."""
    (conversation,) = await shown(tx, [thread], now)
    messages = await tx.chat.recent(thread.conversation_id, since=now - kept, limit=limit)
    replies = [each for each in await tx.replies.of(thread.conversation_id, limit) if each.state is not ReplyState.SENT]
    holds = await tx.holds.of_user(thread.user_id, now)
    orders = [each.order for each in await tx.orders.of_user(thread.user_id, limit=limit)]
    return ConversationTruth(
        conversation=conversation,
        messages=[_message(each) for each in messages],
        replies=[reply_shown(each) for each in replies],
        holds=[HoldShown(sku=item.sku, name=item.name, expires_at=hold.expires_at) for hold, item in holds],
        orders=[OrderLine(**{name: getattr(each, name) for name in OrderLine.model_fields}) for each in orders],
    )


def _message(said: ChatMessage) -> MessageShown:
    return MessageShown(
        role=said.role,
        at=said.provider_ts,
        kind=said.kind,
        text=said.content,
        button_id=said.button_id,
        intent=said.intent,
        is_answered=said.role is not Role.USER or said.reply_id is not None,
    )

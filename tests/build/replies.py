"""Builders of conversations, and a shop with stock and customers, at a fixed noon."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files
from itertools import count
from typing import Any, TypeVar

from brokers.verdict import Conflict
from persistence.uow import Transaction, Uow
from schemas.replies.records import (
    ChatMessage,
    Reply,
    ReplyKind,
    Role,
    Thread,
    Tokens,
    User,
    WebhookEvent,
    WebhookState,
)
from schemas.replies.stock import Category, Item, Tier
from schemas.replies.stock_file import read_stock_file
from tests.build.records import NOON

T = TypeVar("T")

BUSINESS = "biz-open-77"
CONVERSATION = "cv+Q2x1=="
CUSTOMER = "usr-900"
#: Losing a race makes the runtime run a handler again at once.
TRIES = 50
_numbers = count(1)


def item(sku: str = "TH-P-001", **values: Any) -> Item:
    made = Item(
        sku=sku,
        name="Carhartt Detroit Jacket",
        description="Brown duck canvas",
        category=Category.CLOTHES,
        tier=Tier.PREMIUM,
        brand="Carhartt",
        price_kes=9500,
        negotiable=True,
        tag_size="L",
        size_system="LABEL",
        measurements={"pit_to_pit": "24in"},
        pit_to_pit=Decimal("24.00"),
        fit_notes="Tag says L but it fits like a M",
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(made, **values)


def seed() -> list[Item]:
    """The forty pieces of the example file."""
    lines = (files("mesh") / "examples" / "stock.csv").read_text().splitlines(keepends=True)
    return read_stock_file(lines, NOON).items


def user(tiktok_id: str = CUSTOMER, **values: Any) -> User:
    made = User(tiktok_id=tiktok_id, username="wanjiru.k", last_interaction_at=NOON, created_at=NOON)
    return replace(made, **values)


def thread(conversation_id: str = CONVERSATION, **values: Any) -> Thread:
    made = Thread(
        conversation_id=conversation_id,
        business_id=BUSINESS,
        user_id=CUSTOMER,
        created_at=NOON,
        updated_at=NOON,
        last_inbound_at=NOON,
    )
    return replace(made, **values)


def webhook(message_id: str | None = None, **values: Any) -> WebhookEvent:
    message_id = message_id or f"mid-{next(_numbers)}"
    conversation = values.get("conversation_id", CONVERSATION)
    made = WebhookEvent(
        dedup_key=sha256(f"{conversation} {message_id}".encode()).hexdigest(),
        event="im_receive_msg",
        business_id=BUSINESS,
        conversation_id=CONVERSATION,
        message_id=message_id,
        provider_ts=NOON,
        received_at=NOON,
        raw=b'{"a": 1}\xff',
        state=WebhookState.RECEIVED,
    )
    return replace(made, **values)


def said(content: str = "Is TH-P-001 still there?", **values: Any) -> ChatMessage:
    made = ChatMessage(conversation_id=CONVERSATION, role=Role.USER, provider_ts=NOON, content=content, created_at=NOON)
    return replace(made, **values)


def reply(body: str = "Yes, it is.", **values: Any) -> Reply:
    made = Reply(
        conversation_id=CONVERSATION,
        business_id=BUSINESS,
        kind=ReplyKind.ANSWER,
        body=body,
        not_before=NOON,
        expires_at=NOON + timedelta(hours=48),
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(made, **values)


def tokens(**values: Any) -> Tokens:
    made = Tokens(
        business_id=BUSINESS,
        access_token="sealed access",
        refresh_token="sealed refresh",
        access_expires_at=NOON + timedelta(days=1),
        refresh_expires_at=NOON + timedelta(days=365),
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(made, **values)


async def shop(uow: Uow, *skus: str, customers: int = 1) -> list[str]:
    """Store pieces and customers, and return the customers' numbers."""
    people = [f"usr-{next(_numbers)}" for _ in range(customers)]
    async with uow() as tx:
        await tx.stock.put([item(sku) for sku in skus])
        await tx.people.seen([user(each) for each in people])
    return people


async def until_done(uow: Uow, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Run a transaction as the runtime does: again for as long as it loses a race."""
    for tries_left in reversed(range(TRIES)):
        try:
            async with uow() as tx:
                return await work(tx)
        except Conflict:
            if not tries_left:
                raise
    raise AssertionError


def later(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)

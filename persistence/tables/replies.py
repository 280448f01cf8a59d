"""The tables of direct messages: customers, conversations, what came in, what is said, and accounts.

No foreign keys to customers: what was ordered survives a customer who is forgotten.
"""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as LongText

from persistence.tables.metadata import OPTIONS, metadata
from persistence.tables.types import Clipped, Count, Exact, Id, Json, Text, UtcDateTime, blob, long_text
from schemas.replies.records import Handoff, ReplyKind, ReplyState, Role, WebhookState

#: SQLite numbers rows by itself only in a column of type INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")


def number() -> Column[int]:
    """Return the column that numbers a table's rows."""
    return Column("id", Number, primary_key=True, autoincrement=True)


def times() -> tuple[Column[object], Column[object]]:
    """Return when a row was written first and last."""
    return Column("created_at", UtcDateTime, nullable=False), Column("updated_at", UtcDateTime, nullable=False)


def one_of(column: str, words: Iterable[str], name: str) -> CheckConstraint:
    """Return the constraint that a column holds one of few words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


users = Table(
    "users",
    metadata,
    Column("tiktok_id", Exact(255), primary_key=True),
    Column("username", Clipped(255)),
    Column("last_interaction_at", UtcDateTime, nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("opted_out_at", UtcDateTime),
    **OPTIONS,
)

threads = Table(
    "threads",
    metadata,
    Column("conversation_id", Exact(255), primary_key=True),
    Column("business_id", Exact(255), nullable=False),
    Column("user_id", Exact(255), nullable=False, index=True),
    Column("last_inbound_at", UtcDateTime),
    Column("window_sent_count", Count, nullable=False, server_default=text("0")),
    Column("handoff", Text(8), nullable=False, server_default=Handoff.BOT.value),
    Column("handoff_until", UtcDateTime),
    Column("menu_shown_at", UtcDateTime),
    Column("noticed_at", UtcDateTime),
    Column("proposal", Json),
    Column("proposed_at", UtcDateTime),
    Column("answer_at", UtcDateTime, index=True),
    Column("answered_at", UtcDateTime),
    Column("paused_until", UtcDateTime),
    Column("paused_reason", Clipped(512)),
    Column("woken_until", UtcDateTime),
    Column("send_woken_until", UtcDateTime),
    *times(),
    one_of("handoff", Handoff, "ck_threads_handoff"),
    Index("ix_threads_handoff", "handoff", "handoff_until"),
    **OPTIONS,
)

webhook_events = Table(
    "webhook_events",
    metadata,
    number(),
    Column("dedup_key", Id(64), nullable=False),
    Column("event", Clipped(64), nullable=False),
    Column("business_id", Exact(255)),
    Column("conversation_id", Exact(255)),
    Column("message_id", Exact(255)),
    Column("provider_ts", UtcDateTime),
    Column("received_at", UtcDateTime, nullable=False, index=True),
    Column("raw", blob(), nullable=False),
    Column("state", Text(16), nullable=False),
    Column("attempts", Count, nullable=False, server_default=text("0")),
    Column("claim_token", Exact(255)),
    Column("claimed_until", UtcDateTime),
    Column("last_error", Clipped(512)),
    UniqueConstraint("dedup_key", name="uq_webhook_event"),
    one_of("state", WebhookState, "ck_webhook_events_state"),
    # What waits in a conversation, and what waits longest of all.
    Index("ix_webhook_events_waiting", "conversation_id", "state"),
    Index("ix_webhook_events_state", "state", "received_at"),
    **OPTIONS,
)

messages = Table(
    "messages",
    metadata,
    number(),
    Column("conversation_id", Exact(255), nullable=False),
    Column("role", Text(16), nullable=False),
    Column("provider_message_id", Exact(255)),
    Column("provider_ts", UtcDateTime, nullable=False),
    Column("kind", Clipped(32), nullable=False),
    Column("content", long_text(), nullable=False),
    Column("button_id", Clipped(64)),
    Column("intent", Text(32)),
    Column("event_id", Number, index=True),
    Column("reply_id", Number),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("conversation_id", "provider_message_id", name="uq_message"),
    one_of("role", Role, "ck_messages_role"),
    Index("ix_messages_thread", "conversation_id", "provider_ts"),
    **OPTIONS,
)

replies = Table(
    "replies",
    metadata,
    number(),
    Column("conversation_id", Exact(255), nullable=False),
    Column("business_id", Exact(255), nullable=False),
    Column("reply_to_event", Number),
    Column("ordinal", Count, nullable=False, server_default=text("0")),
    Column("kind", Text(16), nullable=False),
    Column("body", long_text(), nullable=False),
    Column("state", Text(16), nullable=False),
    Column("attempts", Count, nullable=False, server_default=text("0")),
    Column("not_before", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("provider_message_id", Exact(255)),
    Column("error_code", Clipped(64)),
    Column("reason", Clipped(512)),
    Column("intent", Text(32)),
    Column("decided_by", Text(32)),
    Column("prompt_version", Text(32)),
    Column("claim_token", Exact(255)),
    Column("claimed_until", UtcDateTime),
    Column("sending_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    *times(),
    UniqueConstraint("reply_to_event", "ordinal", name="uq_reply"),
    UniqueConstraint("conversation_id", "provider_message_id", name="uq_reply_sent"),
    one_of("state", ReplyState, "ck_replies_state"),
    one_of("kind", ReplyKind, "ck_replies_kind"),
    Index("ix_replies_thread", "conversation_id", "state"),
    Index("ix_replies_due", "state", "not_before"),
    **OPTIONS,
)

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    number(),
    Column("business_id", Exact(255), nullable=False),
    Column("access_token", LongText, nullable=False),
    Column("refresh_token", LongText),
    Column("access_expires_at", UtcDateTime, nullable=False),
    Column("refresh_expires_at", UtcDateTime),
    Column("refreshing_until", UtcDateTime),
    Column("claim_token", Exact(255)),
    Column("broken_reason", Clipped(512)),
    Column("paused_until", UtcDateTime),
    Column("paused_reason", Clipped(512)),
    *times(),
    UniqueConstraint("business_id", name="uq_oauth_token"),
    **OPTIONS,
)

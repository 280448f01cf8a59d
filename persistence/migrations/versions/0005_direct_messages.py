"""Direct messages: customers, conversations, replies, stock, holds and orders."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from persistence.tables import types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPTIONS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("tiktok_id", types.Exact(255), nullable=False),
        sa.Column("username", types.Clipped(255)),
        sa.Column("last_interaction_at", types.UtcDateTime(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("opted_out_at", types.UtcDateTime()),
        sa.PrimaryKeyConstraint("tiktok_id"),
        **OPTIONS,
    )
    op.create_index("ix_users_last_interaction_at", "users", ["last_interaction_at"])

    op.create_table(
        "threads",
        sa.Column("conversation_id", types.Exact(255), nullable=False),
        sa.Column("business_id", types.Exact(255), nullable=False),
        sa.Column("user_id", types.Exact(255), nullable=False),
        sa.Column("last_inbound_at", types.UtcDateTime()),
        sa.Column("window_sent_count", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("handoff", types.Text(8), server_default="BOT", nullable=False),
        sa.Column("handoff_until", types.UtcDateTime()),
        sa.Column("menu_shown_at", types.UtcDateTime()),
        sa.Column("noticed_at", types.UtcDateTime()),
        sa.Column("proposal", types.Json()),
        sa.Column("proposed_at", types.UtcDateTime()),
        sa.Column("answer_at", types.UtcDateTime()),
        sa.Column("answered_at", types.UtcDateTime()),
        sa.Column("paused_until", types.UtcDateTime()),
        sa.Column("paused_reason", types.Clipped(512)),
        sa.Column("woken_until", types.UtcDateTime()),
        sa.Column("send_woken_until", types.UtcDateTime()),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id"),
        sa.CheckConstraint("handoff IN ('BOT', 'HUMAN')", name="ck_threads_handoff"),
        **OPTIONS,
    )
    op.create_index("ix_threads_answer_at", "threads", ["answer_at"])
    op.create_index("ix_threads_handoff", "threads", ["handoff", "handoff_until"])
    op.create_index("ix_threads_user_id", "threads", ["user_id"])

    op.create_table(
        "webhook_events",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("dedup_key", types.Id(64), nullable=False),
        sa.Column("event", types.Clipped(64), nullable=False),
        sa.Column("business_id", types.Exact(255)),
        sa.Column("conversation_id", types.Exact(255)),
        sa.Column("message_id", types.Exact(255)),
        sa.Column("provider_ts", types.UtcDateTime()),
        sa.Column("received_at", types.UtcDateTime(), nullable=False),
        sa.Column("raw", types.blob(), nullable=False),
        sa.Column("state", types.Text(16), nullable=False),
        sa.Column("attempts", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("claim_token", types.Exact(255)),
        sa.Column("claimed_until", types.UtcDateTime()),
        sa.Column("last_error", types.Clipped(512)),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint(
            "state IN ('RECEIVED', 'CLAIMED', 'DONE', 'IGNORED', 'REJECTED', 'FAILED', 'DEAD')",
            name="ck_webhook_events_state",
        ),
        sa.UniqueConstraint("dedup_key", name="uq_webhook_event"),
        **OPTIONS,
    )
    op.create_index("ix_webhook_events_received_at", "webhook_events", ["received_at"])
    op.create_index("ix_webhook_events_state", "webhook_events", ["state", "received_at"])
    op.create_index("ix_webhook_events_waiting", "webhook_events", ["conversation_id", "state"])

    op.create_table(
        "messages",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("conversation_id", types.Exact(255), nullable=False),
        sa.Column("role", types.Text(16), nullable=False),
        sa.Column("provider_message_id", types.Exact(255)),
        sa.Column("provider_ts", types.UtcDateTime(), nullable=False),
        sa.Column("kind", types.Clipped(32), nullable=False),
        sa.Column("content", types.long_text(), nullable=False),
        sa.Column("button_id", types.Clipped(64)),
        sa.Column("intent", types.Text(32)),
        sa.Column("event_id", NUMBER),
        sa.Column("reply_id", NUMBER),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("role IN ('user', 'assistant', 'system', 'operator')", name="ck_messages_role"),
        sa.UniqueConstraint("conversation_id", "provider_message_id", name="uq_message"),
        **OPTIONS,
    )
    op.create_index("ix_messages_event_id", "messages", ["event_id"])
    op.create_index("ix_messages_thread", "messages", ["conversation_id", "provider_ts"])

    op.create_table(
        "replies",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("conversation_id", types.Exact(255), nullable=False),
        sa.Column("business_id", types.Exact(255), nullable=False),
        sa.Column("reply_to_event", NUMBER),
        sa.Column("ordinal", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("kind", types.Text(16), nullable=False),
        sa.Column("body", types.long_text(), nullable=False),
        sa.Column("state", types.Text(16), nullable=False),
        sa.Column("attempts", types.Count(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", types.UtcDateTime(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(), nullable=False),
        sa.Column("provider_message_id", types.Exact(255)),
        sa.Column("error_code", types.Clipped(64)),
        sa.Column("reason", types.Clipped(512)),
        sa.Column("intent", types.Text(32)),
        sa.Column("decided_by", types.Text(32)),
        sa.Column("prompt_version", types.Text(32)),
        sa.Column("claim_token", types.Exact(255)),
        sa.Column("claimed_until", types.UtcDateTime()),
        sa.Column("sending_at", types.UtcDateTime()),
        sa.Column("sent_at", types.UtcDateTime()),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint(
            "state IN ('PENDING', 'SENDING', 'SENT', 'UNCERTAIN', 'FAILED', 'EXPIRED', 'CANCELLED')",
            name="ck_replies_state",
        ),
        sa.CheckConstraint("kind IN ('answer', 'notice', 'handover', 'operator', 'waiting')", name="ck_replies_kind"),
        sa.UniqueConstraint("reply_to_event", "ordinal", name="uq_reply"),
        sa.UniqueConstraint("conversation_id", "provider_message_id", name="uq_reply_sent"),
        **OPTIONS,
    )
    op.create_index("ix_replies_due", "replies", ["state", "not_before"])
    op.create_index("ix_replies_thread", "replies", ["conversation_id", "state"])

    op.create_table(
        "oauth_tokens",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("business_id", types.Exact(255), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.Text()),
        sa.Column("access_expires_at", types.UtcDateTime(), nullable=False),
        sa.Column("refresh_expires_at", types.UtcDateTime()),
        sa.Column("refreshing_until", types.UtcDateTime()),
        sa.Column("claim_token", types.Exact(255)),
        sa.Column("broken_reason", types.Clipped(512)),
        sa.Column("paused_until", types.UtcDateTime()),
        sa.Column("paused_reason", types.Clipped(512)),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("business_id", name="uq_oauth_token"),
        **OPTIONS,
    )

    op.create_table(
        "inventory",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("sku", types.Exact(100), nullable=False),
        sa.Column("name", types.Text(255), nullable=False),
        sa.Column("description", types.long_text()),
        sa.Column("category", types.Text(20), nullable=False),
        sa.Column("tier", types.Text(20), nullable=False),
        sa.Column("brand", types.Text(100)),
        sa.Column("price_kes", types.Count(), nullable=False),
        sa.Column("negotiable", sa.Boolean(), nullable=False),
        sa.Column("tag_size", types.Text(50), nullable=False),
        sa.Column("size_tokens", types.Text(255), nullable=False),
        sa.Column("size_system", types.Text(16)),
        sa.Column("measurements", types.Json(), nullable=False),
        sa.Column("pit_to_pit", types.Hundredths()),
        sa.Column("shoulder_to_hem", types.Hundredths()),
        sa.Column("waist", types.Hundredths()),
        sa.Column("length", types.Hundredths()),
        sa.Column("sleeve_length", types.Hundredths()),
        sa.Column("us_size", types.Hundredths()),
        sa.Column("uk_size", types.Hundredths()),
        sa.Column("cm", types.Hundredths()),
        sa.Column("fit_notes", types.long_text(), nullable=False),
        sa.Column("status", types.Text(20), server_default="AVAILABLE", nullable=False),
        sa.Column("image_url", types.Text(500)),
        sa.Column("search_text", types.long_text(), nullable=False),
        sa.Column("version", types.Count(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("price_kes >= 0", name="ck_inventory_price"),
        sa.CheckConstraint("tier IN ('BUDGET', 'MID_RANGE', 'PREMIUM')", name="ck_inventory_tier"),
        sa.CheckConstraint("category IN ('CLOTHES', 'SHOES')", name="ck_inventory_category"),
        sa.CheckConstraint("status IN ('AVAILABLE', 'RESERVED', 'SOLD')", name="ck_inventory_status"),
        sa.UniqueConstraint("sku", name="uq_sku"),
        **OPTIONS,
    )
    op.create_index("ix_inventory_brand", "inventory", ["brand"])
    op.create_index("ix_inventory_category", "inventory", ["status", "category", "created_at"])
    op.create_index("ix_inventory_new", "inventory", ["status", "created_at"])

    op.create_table(
        "reservations",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("inventory_id", NUMBER, nullable=False),
        sa.Column("held_inventory_id", NUMBER),
        sa.Column("user_id", types.Exact(255), nullable=False),
        sa.Column("conversation_id", types.Exact(255)),
        sa.Column("state", types.Text(16), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["inventory_id"], ["inventory.id"]),
        sa.CheckConstraint(
            "(state = 'HELD' AND held_inventory_id = inventory_id AND held_inventory_id IS NOT NULL) "
            "OR (state <> 'HELD' AND held_inventory_id IS NULL)",
            name="ck_reservations_held",
        ),
        sa.CheckConstraint("state IN ('HELD', 'CONVERTED', 'RELEASED', 'EXPIRED')", name="ck_reservations_state"),
        sa.UniqueConstraint("held_inventory_id", name="uq_held"),
        **OPTIONS,
    )
    op.create_index("ix_reservations_expiry", "reservations", ["state", "expires_at"])
    op.create_index("ix_reservations_inventory_id", "reservations", ["inventory_id"])
    op.create_index("ix_reservations_user", "reservations", ["user_id", "state"])

    op.create_table(
        "waiting_list",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("inventory_id", NUMBER, nullable=False),
        sa.Column("user_id", types.Exact(255), nullable=False),
        sa.Column("conversation_id", types.Exact(255), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("notified_at", types.UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["inventory_id"], ["inventory.id"]),
        sa.UniqueConstraint("inventory_id", "user_id", name="uq_waiting"),
        **OPTIONS,
    )

    op.create_table(
        "orders",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("code", types.Exact(16), nullable=False),
        sa.Column("user_id", types.Exact(255), nullable=False),
        sa.Column("conversation_id", types.Exact(255)),
        sa.Column("status", types.Text(16), nullable=False),
        sa.Column("tiktok_event_id", types.Exact(255)),
        sa.Column("total_amount", types.Count(), nullable=False),
        sa.Column("currency", types.Id(3), server_default="KES", nullable=False),
        sa.Column("pay_by", types.UtcDateTime(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("total_amount >= 0", name="ck_orders_total"),
        sa.CheckConstraint("status IN ('PENDING', 'PAID', 'SHIPPED', 'CANCELLED')", name="ck_orders_status"),
        sa.UniqueConstraint("code", name="uq_order"),
        **OPTIONS,
    )
    op.create_index("ix_orders_tiktok_event_id", "orders", ["tiktok_event_id"])
    op.create_index("ix_orders_unpaid", "orders", ["status", "pay_by"])
    op.create_index("ix_orders_user_id", "orders", ["user_id"])

    op.create_table(
        "order_items",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("order_id", NUMBER, nullable=False),
        sa.Column("inventory_id", NUMBER, nullable=False),
        sa.Column("live_inventory_id", NUMBER),
        sa.Column("price_at_purchase", types.Count(), nullable=False),
        sa.Column("quantity", types.Count(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["inventory_id"], ["inventory.id"]),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.CheckConstraint("quantity = 1", name="ck_order_items_quantity"),
        sa.CheckConstraint("live_inventory_id IS NULL OR live_inventory_id = inventory_id", name="ck_order_items_live"),
        sa.UniqueConstraint("live_inventory_id", name="uq_ordered"),
        **OPTIONS,
    )
    op.create_index("ix_order_items_inventory_id", "order_items", ["inventory_id"])
    op.create_index("ix_order_items_order_id", "order_items", ["order_id"])

    op.create_table(
        "order_status_history",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("order_id", NUMBER, nullable=False),
        sa.Column("from_status", types.Text(16)),
        sa.Column("to_status", types.Text(16), nullable=False),
        sa.Column("who", types.Clipped(255), nullable=False),
        sa.Column("reason", types.Clipped(512)),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        **OPTIONS,
    )
    op.create_index("ix_order_status_history_order_id", "order_status_history", ["order_id"])


def downgrade() -> None:
    for table in (
        "order_status_history",
        "order_items",
        "orders",
        "waiting_list",
        "reservations",
        "inventory",
        "oauth_tokens",
        "replies",
        "messages",
        "webhook_events",
        "threads",
        "users",
    ):
        op.drop_table(table)

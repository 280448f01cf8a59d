"""The tables of what is for sale, what is kept for whom, and what was ordered.

One piece is promised once: while a hold is HELD, and while an order is not cancelled, its row carries the piece's
number in a column of its own that is unique. Empty values do not collide, so that this is a partial unique index for
databases that have none; checks tie the column to the state.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint, text

from persistence.tables.metadata import OPTIONS, metadata
from persistence.tables.replies import Number, number, one_of, times
from persistence.tables.types import Clipped, Count, Exact, Hundredths, Id, Json, Text, UtcDateTime, long_text
from schemas.replies.stock import MEASURES, Category, HoldState, ItemStatus, OrderStatus, Tier

inventory = Table(
    "inventory",
    metadata,
    number(),
    Column("sku", Exact(100), nullable=False),
    Column("name", Text(255), nullable=False),
    Column("description", long_text()),
    Column("category", Text(20), nullable=False),
    Column("tier", Text(20), nullable=False),
    Column("brand", Text(100), index=True),
    Column("price_kes", Count, nullable=False),
    Column("negotiable", Boolean, nullable=False),
    Column("tag_size", Text(50), nullable=False),
    Column("size_tokens", Text(255), nullable=False),
    Column("size_system", Text(16)),
    Column("measurements", Json, nullable=False),
    *(Column(name, Hundredths) for name in MEASURES),
    Column("fit_notes", long_text(), nullable=False),
    Column("status", Text(20), nullable=False, server_default=ItemStatus.AVAILABLE.value),
    Column("image_url", Text(500)),
    Column("search_text", long_text(), nullable=False),
    Column("version", Count, nullable=False, server_default=text("1")),
    *times(),
    UniqueConstraint("sku", name="uq_sku"),
    one_of("category", Category, "ck_inventory_category"),
    one_of("tier", Tier, "ck_inventory_tier"),
    one_of("status", ItemStatus, "ck_inventory_status"),
    CheckConstraint("price_kes >= 0", name="ck_inventory_price"),
    # The newest of what can be sold, and of one kind of it.
    Index("ix_inventory_new", "status", "created_at"),
    Index("ix_inventory_category", "status", "category", "created_at"),
    **OPTIONS,
)

reservations = Table(
    "reservations",
    metadata,
    number(),
    Column("inventory_id", Number, ForeignKey("inventory.id"), nullable=False, index=True),
    Column("held_inventory_id", Number),
    Column("user_id", Exact(255), nullable=False),
    Column("conversation_id", Exact(255)),
    Column("state", Text(16), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    *times(),
    UniqueConstraint("held_inventory_id", name="uq_held"),
    one_of("state", HoldState, "ck_reservations_state"),
    CheckConstraint(
        "(state = 'HELD' AND held_inventory_id = inventory_id AND held_inventory_id IS NOT NULL) "
        "OR (state <> 'HELD' AND held_inventory_id IS NULL)",
        name="ck_reservations_held",
    ),
    Index("ix_reservations_user", "user_id", "state"),
    Index("ix_reservations_expiry", "state", "expires_at"),
    **OPTIONS,
)

waiting_list = Table(
    "waiting_list",
    metadata,
    number(),
    Column("inventory_id", Number, ForeignKey("inventory.id"), nullable=False),
    Column("user_id", Exact(255), nullable=False),
    Column("conversation_id", Exact(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("notified_at", UtcDateTime),
    UniqueConstraint("inventory_id", "user_id", name="uq_waiting"),
    **OPTIONS,
)

orders = Table(
    "orders",
    metadata,
    number(),
    Column("code", Exact(16), nullable=False),
    Column("user_id", Exact(255), nullable=False, index=True),
    Column("conversation_id", Exact(255)),
    Column("status", Text(16), nullable=False),
    Column("tiktok_event_id", Exact(255), index=True),
    Column("total_amount", Count, nullable=False),
    Column("currency", Id(3), nullable=False, server_default="KES"),
    Column("pay_by", UtcDateTime, nullable=False),
    *times(),
    UniqueConstraint("code", name="uq_order"),
    one_of("status", OrderStatus, "ck_orders_status"),
    CheckConstraint("total_amount >= 0", name="ck_orders_total"),
    Index("ix_orders_unpaid", "status", "pay_by"),
    **OPTIONS,
)

order_items = Table(
    "order_items",
    metadata,
    number(),
    Column("order_id", Number, ForeignKey("orders.id"), nullable=False, index=True),
    Column("inventory_id", Number, ForeignKey("inventory.id"), nullable=False, index=True),
    Column("live_inventory_id", Number),
    Column("price_at_purchase", Count, nullable=False),
    Column("quantity", Count, nullable=False, server_default=text("1")),
    UniqueConstraint("live_inventory_id", name="uq_ordered"),
    CheckConstraint("quantity = 1", name="ck_order_items_quantity"),
    CheckConstraint("live_inventory_id IS NULL OR live_inventory_id = inventory_id", name="ck_order_items_live"),
    **OPTIONS,
)

order_status_history = Table(
    "order_status_history",
    metadata,
    number(),
    Column("order_id", Number, ForeignKey("orders.id"), nullable=False, index=True),
    Column("from_status", Text(16)),
    Column("to_status", Text(16), nullable=False),
    Column("who", Clipped(255), nullable=False),
    Column("reason", Clipped(512)),
    Column("at", UtcDateTime, nullable=False),
    **OPTIONS,
)

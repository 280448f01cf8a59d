"""The table of messages said by committed transactions and not yet confirmed by the broker."""

from sqlalchemy import BigInteger, Column, Integer, Table

from persistence.tables.metadata import OPTIONS, metadata
from persistence.tables.types import Exact, Id, Json, Text, UtcDateTime, blob

outbox = Table(
    "outbox",
    metadata,
    # SQLite numbers rows by itself only in a column of type INTEGER.
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("exchange", Text(255), nullable=False),
    Column("routing_key", Text(255), nullable=False),
    Column("message_id", Exact(255), nullable=False),
    Column("type", Text(255)),
    Column("correlation_id", Text(255)),
    Column("reply_to", Text(255)),
    Column("headers", Json, nullable=False),
    Column("body", blob(), nullable=False),
    Column("timestamp", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("claim_token", Id()),
    Column("claimed_until", UtcDateTime),
    **OPTIONS,
    # Numbers are never given twice, so that "in order of id" stays the order of writing after a purge.
    sqlite_autoincrement=True,
)

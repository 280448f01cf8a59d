"""The table of messages already acted on."""

from sqlalchemy import Column, Table

from persistence.tables.metadata import OPTIONS, metadata
from persistence.tables.types import Exact, UtcDateTime

inbox = Table(
    "inbox",
    metadata,
    Column("message_id", Exact(255), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    **OPTIONS,
)

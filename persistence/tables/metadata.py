"""The one collection that all tables belong to, and what they have in common."""

from typing import Any, Final

from sqlalchemy import Column, MetaData

from persistence.tables.types import OperatorId, UtcDateTime

metadata: Final = MetaData()

#: Every table: four-byte UTF-8 in every text, whatever the server's default; ignored by SQLite.
OPTIONS: Final[dict[str, Any]] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}


def audit() -> list[Column[Any]]:
    """Return the columns that say who wrote a row, and when."""
    return [
        Column("creator_id", OperatorId(), nullable=False),
        Column("creation_time", UtcDateTime, nullable=False),
        Column("last_modifier_id", OperatorId(), nullable=False),
        Column("last_modification_time", UtcDateTime, nullable=False),
    ]

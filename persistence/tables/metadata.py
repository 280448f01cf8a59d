"""The one collection that all tables belong to."""

from typing import Any, Final

from sqlalchemy import MetaData

metadata: Final = MetaData()

#: Every table: four-byte UTF-8 in every text, whatever the server's default; ignored by SQLite.
OPTIONS: Final[dict[str, Any]] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}

"""What the suite's SQL server was called; see sql.py."""

from tests.services.sql import fresh_database
from tests.services.sql import running_sql_server as running_mariadb

__all__ = ["fresh_database", "running_mariadb"]

"""Where database errors become verdicts: nothing above this folder knows an error code."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from brokers.verdict import Conflict, Reject, Unavailable, Verdict

# https://mariadb.com/kb/en/mariadb-error-code-reference/ and https://dev.mysql.com/doc/mysql-errors/8.4/en/
LOST_RACE: Final = frozenset(
    {
        1020,  # the record changed since it was read
        1062,  # duplicate entry in a unique key
        1205,  # lock wait timeout
        1213,  # deadlock
    }
)
BAD_DATA: Final = frozenset(
    {
        1048,  # column cannot be null
        1153,  # statement larger than max_allowed_packet
        1264,  # number out of range
        1265,  # value truncated
        1292,  # not a date or number
        1366,  # not a number, or not text in the column's character set
        1406,  # text longer than its column
        3140,  # not JSON (MySQL)
        3819,  # check constraint (MySQL)
        4025,  # check constraint, JSON included (MariaDB)
    }
)
AWAY: Final = frozenset(
    {
        1021,  # disk full
        1040,  # too many connections
        1044,  # no access to the database
        1045,  # wrong user or password
        1049,  # no such database
        1053,  # shutdown in progress
        1054,  # no such column: the migrations have not run yet
        1114,  # table space full
        1146,  # no such table: the migrations have not run yet
        1158,  # network read error
        1159,  # network read timeout
        1160,  # network write error
        1161,  # network write timeout
        1203,  # too many connections of this user
        1226,  # a resource limit of this user
        1290,  # read only, as on a replica
        1317,  # query interrupted, as in a shutdown
        1792,  # read only transaction
        1836,  # read only
        1927,  # connection killed
        4031,  # disconnected for inactivity
    }
)
CLIENT_SIDE: Final = range(2000, 2100)  # could not connect, gone away, lost during query

# https://www.sqlite.org/rescode.html
SQLITE_LOST_RACE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    }
)
SQLITE_BAD_DATA: Final = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH})
SQLITE_AWAY: Final = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
#: SQLite has one code for every mistake in a statement; these texts are what a database without its migrations says.
SQLITE_NOT_MIGRATED: Final = ("no such table", "no such column", "has no column named")
PRIMARY_CODE: Final = 0xFF  # the low byte of an extended result code is the primary one


@contextmanager
def border() -> Iterator[None]:
    """Translate what a database call raises; an error that says nothing known is a bug and passes as it is."""
    try:
        yield
    except DBAPIError as error:
        if (verdict := verdict_of(error)) is None:
            raise
        raise verdict from error
    except PoolTimeoutError as error:
        raise Unavailable("no database connection became free in time") from error
    except (ConnectionError, TimeoutError, EOFError) as error:
        raise Unavailable(f"database connection failed: {error}") from error
    except (ValueError, OverflowError) as error:
        raise Reject(f"value does not fit its column: {error}") from error


def verdict_of(error: DBAPIError) -> Verdict | None:
    """Return what a driver's error means for the message in hand, or None if it means nothing known."""
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    return _of_mysql(error)


def _of_mysql(error: DBAPIError) -> Verdict | None:
    arguments = getattr(error.orig, "args", ())
    code = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    reason = f"database error {code}: {error.orig}"
    if code in LOST_RACE:
        return Conflict(reason)
    if code in BAD_DATA:
        return Reject(reason)
    if error.connection_invalidated or code in AWAY or code in CLIENT_SIDE:
        return Unavailable(reason)
    return None


def _of_sqlite(error: sqlite3.Error) -> Verdict | None:
    code = getattr(error, "sqlite_errorcode", 0)
    reason = f"database error {code}: {error}"
    if SQLITE_LOST_RACE & {code, code & PRIMARY_CODE}:
        return Conflict(reason)
    if code & PRIMARY_CODE in SQLITE_BAD_DATA:
        return Reject(reason)
    if code & PRIMARY_CODE in SQLITE_AWAY or any(text in str(error) for text in SQLITE_NOT_MIGRATED):
        return Unavailable(reason)
    return None

"""Which verdict each database error becomes."""

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from brokers.verdict import Conflict, Reject, Unavailable, Verdict
from persistence.border import border


def from_server(code: int, *, is_lost: bool = False) -> DBAPIError:
    return DBAPIError("SELECT 1", None, Exception(code, "said the server"), connection_invalidated=is_lost)


def from_sqlite(code: int, text: str = "said SQLite") -> DBAPIError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return DBAPIError("SELECT 1", None, error)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (from_server(1213), Conflict),
        (from_server(1205), Conflict),
        (from_server(1062), Conflict),
        (from_server(1020), Conflict),
        (from_server(1406), Reject),
        (from_server(1264), Reject),
        (from_server(1366), Reject),
        (from_server(1048), Reject),
        (from_server(4025), Reject),
        (from_server(1153, is_lost=True), Reject),
        (from_server(2003), Unavailable),
        (from_server(2013), Unavailable),
        (from_server(1040), Unavailable),
        (from_server(1045), Unavailable),
        (from_server(1053), Unavailable),
        (from_server(1146), Unavailable),
        (from_server(1290), Unavailable),
        (from_server(0, is_lost=True), Unavailable),
        (from_sqlite(sqlite3.SQLITE_BUSY), Conflict),
        (from_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), Conflict),
        (from_sqlite(sqlite3.SQLITE_CONSTRAINT_UNIQUE), Conflict),
        (from_sqlite(sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY), Conflict),
        (from_sqlite(sqlite3.SQLITE_CONSTRAINT_NOTNULL), Reject),
        (from_sqlite(sqlite3.SQLITE_TOOBIG), Reject),
        (from_sqlite(sqlite3.SQLITE_FULL), Unavailable),
        (from_sqlite(sqlite3.SQLITE_READONLY), Unavailable),
        (from_sqlite(sqlite3.SQLITE_IOERR_WRITE), Unavailable),
        (from_sqlite(sqlite3.SQLITE_CANTOPEN), Unavailable),
        (from_sqlite(sqlite3.SQLITE_ERROR, "no such table: inbox"), Unavailable),
        (PoolTimeoutError("all lent"), Unavailable),
        (ConnectionResetError("by peer"), Unavailable),
        (TimeoutError(), Unavailable),
        (ValueError("too long"), Reject),
        (OverflowError("too large"), Reject),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), Reject),
    ],
)
def test_an_error_becomes_its_verdict_and_keeps_its_cause(error: Exception, verdict: type[Verdict]) -> None:
    with pytest.raises(verdict) as raised, border():
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        from_server(1064),  # a mistake in our own SQL
        from_sqlite(sqlite3.SQLITE_ERROR, 'near "SELEC": syntax error'),
        KeyError("name"),
    ],
)
def test_what_nobody_expected_stays_what_it_was(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, border():
        raise error
    assert raised.value is error

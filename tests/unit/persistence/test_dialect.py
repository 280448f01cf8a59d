"""How the dialects spell a bulk write."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table
from sqlalchemy.dialects import mysql, sqlite

from persistence.dialect import Bulk
from persistence.tables.types import Count, Json, Text, UtcDateTime

TABLE = Table("things", MetaData(), *[Column(name, Count) for name in ("id", "key", "seen", "views")])
PATHS = {"id": "id", "key": "inner.key", "seen": "seen", "views": "views"}


def spelled(dialect: str, **options: Any) -> str:
    known: dict[str, Any] = {"sqlite": sqlite.dialect(), "mysql": mysql.dialect(), "mariadb": mysql.dialect()}
    known["mariadb"].is_mariadb = True
    return Bulk(table=TABLE, paths=PATHS, **options).prepare(known[dialect], [])[0]


INSERT = "INSERT INTO things (id, `key`, seen, views) VALUES (%s, %s, %s, %s)"


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("sqlite", 'INSERT INTO things (id, "key", seen, views) VALUES (?, ?, ?, ?)'),
        ("mariadb", INSERT),
        ("mysql", INSERT),
    ],
)
def test_a_plain_insert_quotes_what_is_a_keyword(dialect: str, expected: str) -> None:
    assert spelled(dialect) == expected


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("sqlite", " ON CONFLICT (id) DO NOTHING"),
        ("mariadb", " ON DUPLICATE KEY UPDATE id = things.id"),
        ("mysql", " AS new ON DUPLICATE KEY UPDATE id = things.id"),
    ],
)
def test_a_row_that_is_there_already_may_be_left_alone(dialect: str, expected: str) -> None:
    assert spelled(dialect, key=("id",)).endswith(f"){expected}")


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("sqlite", " ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, views = things.views + excluded.views"),
        ("mariadb", " ON DUPLICATE KEY UPDATE seen = VALUES(seen), views = things.views + VALUES(views)"),
        ("mysql", " AS new ON DUPLICATE KEY UPDATE seen = new.seen, views = things.views + new.views"),
    ],
)
def test_columns_are_replaced_or_added_to(dialect: str, expected: str) -> None:
    assert spelled(dialect, key=("id",), replace=("seen",), add=("views",)).endswith(f"){expected}")


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (
            "sqlite",
            (
                " ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, views = excluded.views"
                " WHERE excluded.seen >= things.seen"
            ),
        ),
        (
            "mariadb",
            (
                " ON DUPLICATE KEY UPDATE views = IF(VALUES(seen) >= things.seen, VALUES(views), things.views),"
                " seen = GREATEST(VALUES(seen), things.seen)"
            ),
        ),
        (
            "mysql",
            (
                " AS new ON DUPLICATE KEY UPDATE views = IF(new.seen >= things.seen, new.views, things.views),"
                " seen = GREATEST(new.seen, things.seen)"
            ),
        ),
    ],
)
def test_the_column_that_says_what_is_newer_changes_last(dialect: str, expected: str) -> None:
    assert spelled(dialect, key=("id",), replace=("seen", "views"), newest="seen").endswith(f"){expected}")


@dataclass
class Inner:
    text: str


@dataclass
class Record:
    inner: Inner
    value: Any
    at: datetime | None


def test_records_become_tuples_with_every_value_as_the_driver_takes_it() -> None:
    table = Table("t", MetaData(), Column("text", Text(9)), Column("value", Json), Column("at", UtcDateTime))
    bulk = Bulk(table=table, paths={"text": "inner.text", "value": "value", "at": "at"})
    at = datetime(2026, 1, 12, 23, 59, 59, 999_999, tzinfo=UTC)
    records = [Record(Inner("é"), {"a": [1]}, at), Record(Inner(""), None, None)]
    assert bulk.prepare(mysql.dialect(), records)[1] == [  # type: ignore[no-untyped-call]  # SQLAlchemy's
        ("é", '{"a":[1]}', "2026-01-12 23:59:59.999000"),
        ("", None, None),
    ]


MERGE = {"key": ("id",), "merge": ("views",), "newest": "seen"}


def test_a_merge_keeps_what_a_newer_row_does_not_say_and_fills_in_from_an_older_one() -> None:
    newer, kept = "excluded.seen >= things.seen", "COALESCE(things.views, excluded.views)"
    assert spelled("sqlite", **MERGE).endswith(
        f" ON CONFLICT (id) DO UPDATE SET views = CASE WHEN {newer} THEN COALESCE(excluded.views, things.views) "
        f"ELSE {kept} END, seen = MAX(excluded.seen, things.seen)"
    )
    assert spelled("mariadb", **MERGE).endswith(
        " ON DUPLICATE KEY UPDATE views = CASE WHEN VALUES(seen) >= things.seen "
        "THEN COALESCE(VALUES(views), things.views) ELSE COALESCE(things.views, VALUES(views)) END, "
        "seen = GREATEST(VALUES(seen), things.seen)"
    )


@pytest.mark.parametrize(
    ("dialect", "new"), [("sqlite", "excluded.{}"), ("mysql", "new.{}"), ("mariadb", "VALUES({})")]
)
def test_what_others_are_compared_with_is_assigned_last(dialect: str, new: str) -> None:
    text = spelled(dialect, key=("id",), merge=("views",), known={"key": "views"}, newest="seen")
    changes = text.rpartition(" SET " if dialect == "sqlite" else " UPDATE ")[2]
    larger = "MAX" if dialect == "sqlite" else "GREATEST"
    flag, newest = new.format("views"), new.format("seen")
    assert changes.endswith(f"views = {larger}({flag}, things.views), seen = {larger}({newest}, things.seen)")

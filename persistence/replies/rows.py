"""Rows of the tables of direct messages as schema values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Column, CursorResult, Row, Select, Table, Update, bindparam, select

from persistence.dialect import Bulk
from persistence.tables import (
    inventory,
    messages,
    oauth_tokens,
    order_items,
    order_status_history,
    orders,
    replies,
    reservations,
    threads,
    users,
    waiting_list,
    webhook_events,
)
from schemas.replies.records import (
    ChatMessage,
    Handoff,
    Reply,
    ReplyKind,
    ReplyState,
    Role,
    Thread,
    Tokens,
    User,
    WebhookEvent,
    WebhookState,
)
from schemas.replies.stock import (
    Category,
    Hold,
    HoldState,
    Item,
    ItemStatus,
    Order,
    OrderItem,
    OrderStatus,
    StatusChange,
    Tier,
    Waiting,
)

T = TypeVar("T")

TABLES: Final[Mapping[type, Table]] = {
    User: users,
    Thread: threads,
    WebhookEvent: webhook_events,
    ChatMessage: messages,
    Reply: replies,
    Tokens: oauth_tokens,
    Item: inventory,
    Hold: reservations,
    Waiting: waiting_list,
    Order: orders,
    OrderItem: order_items,
    StatusChange: order_status_history,
}

#: Columns that are text in SQL and one of few words in a record.
_WORDS: Final[Mapping[type, Mapping[str, Callable[[str], Any]]]] = {
    Thread: {"handoff": Handoff},
    WebhookEvent: {"state": WebhookState},
    ChatMessage: {"role": Role},
    Reply: {"state": ReplyState, "kind": ReplyKind},
    Item: {"category": Category, "tier": Tier, "status": ItemStatus},
    Hold: {"state": HoldState},
    Order: {"status": OrderStatus},
    StatusChange: {"from_status": OrderStatus, "to_status": OrderStatus},
}


def columns_of(kind: type, *, prefix: str = "") -> list[Any]:
    """Return the columns that make a record of a kind, each labelled with a prefix where several kinds are joined."""
    table = TABLES[kind]
    named: list[Column[Any]] = [table.c[each.name] for each in fields(kind)]
    return [column.label(prefix + column.name) for column in named] if prefix else list(named)


@cache
def selected(kind: type) -> Select[Any]:
    """Return the query of every record of a kind, to be narrowed: naming the columns is the dear part of it."""
    return select(*columns_of(kind))


def record_of(kind: type[T], row: Row[Any], *, prefix: str = "") -> T:
    """Return the record that a row holds."""
    values = {each.name: getattr(row, prefix + each.name) for each in fields(kind)}  # type: ignore[arg-type] # a dataclass
    for name, word in _WORDS.get(kind, {}).items():
        if values[name] is not None:
            values[name] = word(values[name])
    return kind(**values)


def made(kind: type[T], values: Sequence[Any]) -> T:
    """Return the record whose columns were read in their order, as `columns_of` names them."""
    names, words = _shape(kind)  # type: ignore[arg-type] # a class has a hash
    given = dict(zip(names, values, strict=True))
    for name, word in words:
        if given[name] is not None:
            given[name] = word(given[name])
    return kind(**given)


@cache
def _shape(kind: type) -> tuple[Sequence[str], Sequence[tuple[str, Callable[[str], Any]]]]:
    return [each.name for each in fields(kind)], list(_WORDS.get(kind, {}).items())


def maybe_record_of(kind: type[T], row: Row[Any], *, prefix: str) -> T | None:
    """Return the record that a row holds beside another, or None where an outer join found nothing."""
    return None if getattr(row, f"{prefix}id") is None else record_of(kind, row, prefix=prefix)


def insert_of(kind: type) -> Bulk:
    """Return what inserts records of a kind; the database numbers them."""
    return Bulk(table=TABLES[kind], paths={each.name: each.name for each in fields(kind) if each.name != "id"})


def values_of(record: Any, *, leave_out: tuple[str, ...] = ("id",)) -> dict[str, Any]:
    """Return a record's columns as they are written."""
    return {each.name: getattr(record, each.name) for each in fields(record) if each.name not in leave_out}


def update_of(kind: type, *, by: str, leave_out: tuple[str, ...]) -> Update:
    """Return the statement that writes all but some columns of a record; `new_values_of` are its values."""
    table = TABLES[kind]
    names = [each.name for each in fields(kind) if each.name not in leave_out]
    found = table.update().where(table.c[by] == bindparam(f"old_{by}"))
    return found.values({name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names})


def new_values_of(record: Any, *, by: str, leave_out: tuple[str, ...]) -> dict[str, Any]:
    """Return a record as the values of its update."""
    values = values_of(record, leave_out=leave_out)
    return {f"old_{by}": getattr(record, by)} | {f"new_{name}": value for name, value in values.items()}


def number_of(inserted: CursorResult[Any]) -> int:
    """Return the number that the database gave to a row."""
    key = inserted.inserted_primary_key
    assert key
    return int(key[0])

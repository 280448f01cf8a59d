"""Column types that behave alike on SQLite, MariaDB and MySQL, so that repositories need not know which it is."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import CHAR, DateTime, Dialect, Integer, LargeBinary, Numeric, String
from sqlalchemy import Text as LongText
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

Processor = Callable[[Any], Any]
INT_RANGE: Final = range(-(2**31), 2**31)
HUNDREDTHS_MAX: Final = 20_000_000


class Text(TypeDecorator[str]):
    """Text of at most `length` characters; SQLite would take any, so the length is checked on the way in."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        """Check on SQLite only: MySQL checks by itself, and this runs for every value."""
        return _checker_of(self.length) if dialect.name == "sqlite" else None


class Clipped(Text):
    """Text for people to read, cut to `length` characters: a long reason must not fail the write that tells it."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002  the signature is SQLAlchemy's
        """Cut."""
        return lambda value: value[: self.length] if value is not None else None


class Exact(Text):
    """Text compared byte by byte: José is not Jose, A is not a, and a trailing space counts."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the collation without padding, which the two servers call differently."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(self.length))
        collation = "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
        return dialect.type_descriptor(
            mysql.VARCHAR(self.length, charset="utf8mb4", collation=collation),
        )


class Id(TypeDecorator[str]):
    """A UUID as text, or a digest: plain ASCII of one length, compared byte by byte."""

    impl = CHAR
    cache_ok = True

    #: One byte a character, where utf8mb4 would reserve four in every index.
    charset = "ascii"

    def __init__(self, length: int = 36) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Say which characters, on MySQL."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(CHAR(self.length))
        return dialect.type_descriptor(
            mysql.CHAR(self.length, charset=self.charset, collation=f"{self.charset}_bin"),
        )

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        """Check the length on SQLite, as `Text` does."""
        return _checker_of(self.length) if dialect.name == "sqlite" else None


class OperatorId(Id):
    """Who wrote a row, as the portal numbers its people: most often a UUID, but any text will do."""

    cache_ok = True
    charset = "utf8mb4"


class Count(TypeDecorator[int]):
    """A whole number of 32 bits; SQLite would take 64, so the range is checked on the way in."""

    impl = Integer
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        """Check on SQLite only."""
        return _checked_count if dialect.name == "sqlite" else None


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC, stored without its zone and cut (not rounded) to milliseconds.

    Every database is given the same text, and the text of a moment is made once: a batch writes few moments many times.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Ask MySQL for the milliseconds it would otherwise drop."""
        return dialect.type_descriptor(DateTime() if dialect.name == "sqlite" else mysql.DATETIME(fsp=3))

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002  the signature is SQLAlchemy's
        """Refuse a naive time, which would mean another moment on every machine."""
        return _utc_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:  # noqa: ARG002  the signature is SQLAlchemy's
        """Say again that it is UTC; SQLite returns the text, the other drivers a time."""
        return _utc_of_text if dialect.name == "sqlite" else _utc_of_time


class Money(TypeDecorator[Decimal]):
    """An exact decimal of `precision` digits, `scale` of them after the point.

    SQLite would keep it as a binary fraction, so there it is text. Excess digits round half up, as MySQL does.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Keep SQLite's numeric affinity away from it."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(self.precision + 2))
        return dialect.type_descriptor(Numeric(self.precision, self.scale))

    def bind_processor(self, dialect: Dialect) -> Processor:
        """Round to the scale and check the range, alike on every database."""
        precision, scale = self.precision, self.scale
        if dialect.name == "sqlite":
            return lambda value: None if value is None else str(_rounded(value, precision, scale))
        return lambda value: None if value is None else _rounded(value, precision, scale)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002  given by SQLAlchemy
        """Read SQLite's text."""
        return Decimal(value) if isinstance(value, str) else value


class Hundredths(TypeDecorator[Decimal]):
    """A small exact decimal of two digits after the point, stored as whole hundredths.

    SQLite compares decimals as text or as binary fractions; whole numbers are compared alike everywhere.
    """

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002  given by SQLAlchemy
        """Round to hundredths and check the range."""
        if value is None:
            return None
        if not value.is_finite() or abs(value) > HUNDREDTHS_MAX:
            raise ValueError(f"{value} does not fit 32 bits of hundredths")
        return int((value * 100).quantize(Decimal(1), ROUND_HALF_UP))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002  given by SQLAlchemy
        """Read hundredths."""
        return None if value is None else Decimal(value) / 100


class Json(TypeDecorator[Any]):
    """Any JSON value; None is SQL NULL and never JSON's null.

    SQLite gives a column named JSON numeric affinity and would turn the text of a number into a number: there it is
    text.
    """

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Keep SQLite's numeric affinity away from it."""
        return dialect.type_descriptor(LongText() if dialect.name == "sqlite" else JSON(none_as_null=True))

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002  the signature is SQLAlchemy's
        """Serialise."""
        return dump_json

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:  # noqa: ARG002  the signature is SQLAlchemy's
        """Parse."""
        return _load_json


class Quotable:
    """Text on its way to the driver of MySQL, which escapes it by `escaped` and not by its own table."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        """Return the text, for drivers that know nothing of this."""
        return self.text


def escaped(value: Quotable, _: Any = None) -> str:
    """Return the literal of a text in a session without NO_BACKSLASH_ESCAPES, in UTF-8.

    There quote and backslash are all that must be escaped, https://dev.mysql.com/doc/refman/8.0/en/string-literals.html.
    The driver's own way looks every character up, which for JSON, full of double quotes, takes twenty times as long.
    """
    return "'" + value.text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class JsonText(TypeDecorator[str]):
    """JSON as it was written, which no database looks into: up to 16 MB where MySQL's default would be 64 KB."""

    impl = LongText
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Say how long, on MySQL."""
        return dialect.type_descriptor(LongText() if dialect.name == "sqlite" else mysql.MEDIUMTEXT())

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        """Have it escaped quickly, on MySQL."""
        return None if dialect.name == "sqlite" else lambda value: Quotable(value) if value is not None else None


def blob() -> TypeEngine[bytes]:
    """Return the type of a message body: up to 4 GB where MySQL's default would be 64 KB."""
    return LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


def long_text() -> TypeEngine[str]:
    """Return text of any length, compared byte by byte by nobody: up to 16 MB where MySQL's default would be 64 KB."""
    return LongText().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


class utc_now_default(FunctionElement[datetime]):  # noqa: N801 -- reads like the function that it is in SQL
    """The moment of writing, for rows that somebody else inserts, whatever time zone their session has."""

    inherit_cache = True


@compiles(utc_now_default)
def _utc_now_mysql(element: Any, compiler: Any, **options: Any) -> str:  # noqa: ARG001 -- the signature is SQLAlchemy's
    return "(UTC_TIMESTAMP(3))"


@compiles(utc_now_default, "sqlite")
def _utc_now_sqlite(element: Any, compiler: Any, **options: Any) -> str:  # noqa: ARG001 -- the signature is SQLAlchemy's
    return "(STRFTIME('%Y-%m-%d %H:%M:%f000', 'now'))"


@lru_cache(maxsize=4096)
def _utc_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(' ', 'milliseconds')}000"  # microseconds, as SQLite tools expect them


def _utc_of_text(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if value is not None else None


def _utc_of_time(value: datetime | str | None) -> datetime | None:
    """Read a driver's time; the zero date, which the driver leaves as text, is as long ago as can be."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return None if value is None else datetime.min.replace(tzinfo=UTC)


@lru_cache(maxsize=16_384)
def _rounded(value: Decimal, precision: int, scale: int) -> Decimal:
    """Round half up; the same few thousand amounts are written over and over."""
    rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP) if _holds(value, precision - scale) else value
    if not _holds(rounded, precision - scale):
        raise ValueError(f"{value} is not a number of {precision - scale} digits before the point")
    return rounded


def _holds(value: Decimal, digits: int) -> bool:
    # A zero may have any exponent: 0e70 is nothing but 0.
    return value.is_finite() and (not value or value.adjusted() < digits)


def dump_json(value: Any) -> str | None:
    """Serialise compactly; integers beyond 64 bits, which orjson refuses, take the slower way."""
    if value is None:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _load_json(value: str | bytes | None) -> Any:
    return None if value is None else json.loads(value)


def _checker_of(length: int) -> Processor:
    def check(value: str | None) -> str | None:
        if value is not None and len(value) > length:
            raise ValueError(f"{value[:20]!r}… is longer than {length} characters")
        return value

    return check


def _checked_count(value: int | None) -> int | None:
    if value is not None and value not in INT_RANGE:
        raise ValueError(f"{value} does not fit 32 bits")
    return value

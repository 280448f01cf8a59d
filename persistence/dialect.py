"""The statements that SQLite and MySQL spell differently: bulk inserts and upserts, compiled once for each dialect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Table

Row = tuple[Any, ...]
Quote = Callable[[str], str]


class _Kind(NamedTuple):
    """What the spelling depends on; whether a server is MariaDB is known once connected."""

    name: str
    is_mariadb: bool


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement's text and, column by column, how a value becomes what the driver takes."""

    text: str
    processors: tuple[Callable[[Any], Any] | None, ...]


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """Writes many records to a table with one statement.

    `paths` says for each column which attribute of a record it takes. Without `key` it is a plain insert. With it,
    a row that already has that unique key is not inserted: its columns in `replace` take the new values (with
    `newest`, only where the new row's value of that column is not smaller), those in `add` are added to.

    Columns in `merge` need `newest`: a new value wins where the new row is not older, and fills in for NULL where it
    is; NULL itself never wins. Columns in `known` have a flag beside them that tells a value from what only stands in
    for one: a value wins over a stand-in, and over a value that is not newer; a newer stand-in follows an older one,
    or, for columns in `weakest`, one that equals the column named there. Columns in `most` take the larger value.

    The parameters bypass SQLAlchemy's row-by-row processing: whole columns go through the types' own processors, and
    the text has the form `INSERT … VALUES (…) ON DUPLICATE KEY UPDATE …` that the MySQL drivers send as multi-row
    statements.
    """

    table: Table
    paths: Mapping[str, str]
    key: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    newest: str | None = None
    merge: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    weakest: Mapping[str, str] = field(default_factory=dict)
    most: tuple[str, ...] = ()
    _compiled: dict[_Kind, _Compiled] = field(default_factory=dict, repr=False, compare=False)

    def prepare(self, dialect: Dialect, records: Sequence[Any]) -> tuple[str, list[Row]]:
        """Return the statement and one tuple a record, for a driver's `executemany`."""
        compiled = self._compiled.get(_kind(dialect)) or self._compile(dialect)
        columns = (
            map(attrgetter(path), records) if process is None else map(process, map(attrgetter(path), records))
            for path, process in zip(self.paths.values(), compiled.processors, strict=True)
        )
        return compiled.text, list(zip(*columns, strict=True))

    def _compile(self, dialect: Dialect) -> _Compiled:
        columns = [self.table.c[name] for name in self.paths]
        processors = tuple(column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns)
        self._compiled[_kind(dialect)] = compiled = _Compiled(self._text(dialect), processors)
        return compiled

    def _text(self, dialect: Dialect) -> str:
        quote = dialect.identifier_preparer.quote
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        names = ", ".join(quote(name) for name in self.paths)
        insert = f"INSERT INTO {self.table.name} ({names}) VALUES ({', '.join([mark] * len(self.paths))})"  # noqa: S608  names of our own columns
        if not self.key:
            return insert
        if dialect.name == "sqlite":
            return insert + (self._merged_on_conflict(quote) if self.merge else self._on_conflict(quote))
        # MariaDB knows only VALUES(column), and MySQL answers it with a warning, which costs a round trip.
        if _kind(dialect).is_mariadb:
            return insert + self._on_duplicate(quote, "VALUES({})")
        return f"{insert} AS new{self._on_duplicate(quote, 'new.{}')}"

    def _on_conflict(self, quote: Quote) -> str:
        new, old = "excluded.{}", f"{self.table.name}.{{}}"
        changes = [f"{name} = {new.format(name)}" for name in map(quote, self.replace)]
        changes += [f"{name} = {old.format(name)} + {new.format(name)}" for name in map(quote, self.add)]
        target = f" ON CONFLICT ({', '.join(map(quote, self.key))}) DO "
        if not changes:
            return f"{target}NOTHING"
        update = f"{target}UPDATE SET {', '.join(changes)}"
        return f"{update} WHERE {new} >= {old}".format(self.newest, self.newest) if self.newest else update

    def _merged_on_conflict(self, quote: Quote) -> str:
        changes = self._merged(quote, "excluded.{}", "MAX")
        return f" ON CONFLICT ({', '.join(map(quote, self.key))}) DO UPDATE SET {', '.join(changes)}"

    def _merged(self, quote: Quote, new: str, larger: str) -> list[str]:
        """Return the assignments of a merge; what others are compared with comes last, for MySQL goes from left."""
        old = f"{self.table.name}.{{}}"
        newest = quote(self.newest or "")
        is_newer = f"{new} >= {old}".format(newest, newest)
        changes = []
        for name in map(quote, self.merge):
            values = (new.format(name), old.format(name))
            fresh, kept = f"COALESCE({values[0]}, {values[1]})", f"COALESCE({values[1]}, {values[0]})"
            changes.append(f"{name} = CASE WHEN {is_newer} THEN {fresh} ELSE {kept} END")
        changes += [
            f"{name} = CASE WHEN {is_newer} THEN {new} ELSE {old} END".format(name, name)
            for name in map(quote, self.replace)
        ]
        for column, flag in self.known.items():
            name, told = quote(column), quote(flag)
            wins = f"{new} AND (NOT {old} OR {is_newer})".format(told, told)
            stand_in = f"COALESCE({new}, {old})"
            if weakest := self.weakest.get(column):
                follows = f"{old} = {old}".format(name, quote(weakest))
            else:
                follows = f"({is_newer} OR {old} IS NULL)".format(name)
            follows = f"NOT {old} AND {follows}".format(told)
            cases = f"WHEN {wins} THEN {new} WHEN {follows} THEN {stand_in}"
            changes.append(f"{name} = CASE {cases} ELSE {old} END".format(*[name] * 4))
        latest = [*(quote(flag) for flag in self.known.values()), *map(quote, self.most), newest]
        return changes + [f"{name} = {larger}({new}, {old})".format(name, name) for name in latest]

    def _on_duplicate(self, quote: Quote, new: str) -> str:
        if self.merge:
            return f" ON DUPLICATE KEY UPDATE {', '.join(self._merged(quote, new, 'GREATEST'))}"
        old = f"{self.table.name}.{{}}"
        replaced = [quote(name) for name in self.replace if name != self.newest]
        if self.newest:
            is_newer = f"{new} >= {old}".format(self.newest, self.newest)
            changes = [f"{name} = IF({is_newer}, {new}, {old})".format(name, name) for name in replaced]
            # MySQL assigns from left to right: what the others are compared with must change last.
            changes.append(f"{self.newest} = GREATEST({new}, {old})".format(self.newest, self.newest))
        else:
            changes = [f"{name} = {new.format(name)}" for name in replaced]
        changes += [f"{name} = {old.format(name)} + {new.format(name)}" for name in map(quote, self.add)]
        nothing = f"{self.key[0]} = {old.format(self.key[0])}"
        return f" ON DUPLICATE KEY UPDATE {', '.join(changes or [nothing])}"


def _kind(dialect: Dialect) -> _Kind:
    return _Kind(dialect.name, is_mariadb=bool(getattr(dialect, "is_mariadb", False)))


def paths_of(table: Table, *, prefix: str = "", leave_out: Sequence[str] = ()) -> dict[str, str]:
    """Map a table's columns to record attributes of the same names, below `prefix` where it is given."""
    return {name: prefix + name for name in table.c.keys() if name not in leave_out}  # noqa: SIM118  a column collection iterates over columns

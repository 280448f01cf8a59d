"""Statements over a list of keys, compiled once for each dialect and filled in by the driver."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BindParameter, Dialect, Select, Update, bindparam
from sqlalchemy.sql.dml import Delete

from persistence.dialect import Row
from persistence.tables.types import Processor

#: Stands for the list in a statement: `column.in_(KEYS)`.
KEYS: Final[BindParameter[Any]] = bindparam("keys", expanding=True)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement's text, the order of its parameters, and how values become what the driver takes and back."""

    text: str
    order: Sequence[str]
    constants: Mapping[str, Any]
    inward: Mapping[str, Processor | None]
    outward: Sequence[Processor | None]


@dataclass(frozen=True)
class Keyed:
    """A statement in which one list of keys varies in length, `KEYS`, besides named values.

    SQLAlchemy makes a named parameter of each key of a list, which takes longer than the database takes to look it up.
    Here the driver is given the keys as they are, and whole columns of the answer go through the types' processors.
    """

    statement: Select[Any] | Update | Delete
    _compiled: dict[str, _Compiled] = field(default_factory=dict, repr=False, compare=False)

    def prepare(self, dialect: Dialect, keys: Collection[Any], values: Mapping[str, Any]) -> tuple[str, Row]:
        """Return the text and the parameters for a driver."""
        compiled = self._of(dialect)
        parameters: list[Any] = []
        for name in compiled.order:
            process = compiled.inward[name]
            given = keys if name == KEYS.key else (values[name] if name in values else compiled.constants[name],)
            parameters += given if process is None else map(process, given)
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        return compiled.text.replace("__[POSTCOMPILE_keys]", ", ".join([mark] * len(keys))), tuple(parameters)

    def read(self, dialect: Dialect, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Return the rows as the columns' types have them."""
        if not rows:
            return []
        columns = zip(self._of(dialect).outward, zip(*rows, strict=True), strict=True)
        return list(zip(*(_through(process, column) for process, column in columns), strict=True))

    def _of(self, dialect: Dialect) -> _Compiled:
        kind = f"{dialect.name} {getattr(dialect, 'is_mariadb', False)}"
        return self._compiled.get(kind) or self._compiled.setdefault(kind, self._compile(dialect))

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled = self.statement.compile(dialect=dialect)
        order = tuple(compiled.positiontup or ())
        types = {name: compiled.binds[name].type.dialect_impl(dialect) for name in order}
        columns = self.statement.selected_columns if isinstance(self.statement, Select) else ()
        return _Compiled(
            text=str(compiled),
            order=order,
            constants=compiled.params,
            inward={name: each.bind_processor(dialect) for name, each in types.items()},
            outward=[each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns],
        )


def _through(process: Processor | None, column: Sequence[Any]) -> Sequence[Any]:
    return column if process is None else [process(each) for each in column]

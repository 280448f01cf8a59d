"""Statements that are compiled once for each dialect and filled in by the driver; a list of keys may vary in length."""

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
    """A statement's text, the order of its parameters, and how values become what the driver takes and back.

    What never varies stands in `constants` as the driver takes it; `lists` vary in length.
    """

    text: str
    order: Sequence[str]
    lists: Collection[str]
    constants: Mapping[str, Row]
    inward: Mapping[str, Processor | None]
    outward: Sequence[Processor | None]


@dataclass(frozen=True)
class Keyed:
    """A statement with named values (`bindparam`) and lists that vary in length, of which one may be long: `KEYS`.

    SQLAlchemy finds out anew for each statement which one it is, and makes a named parameter of each key of a list:
    that takes longer than the database takes to answer. Here the driver is given text and values as they are, and whole
    columns of the answer go through the types' processors.
    """

    statement: Select[Any] | Update | Delete
    _compiled: dict[str, _Compiled] = field(default_factory=dict, repr=False, compare=False)

    def prepare(self, dialect: Dialect, keys: Collection[Any], values: Mapping[str, Any]) -> tuple[str, Row]:
        """Return the text and the parameters for a driver."""
        compiled = self._of(dialect)
        text, parameters, given = compiled.text, list[Any](), {**values, KEYS.key: keys}
        for name in compiled.order:
            if name in compiled.constants:
                parameters += compiled.constants[name]
                continue
            process, value = compiled.inward[name], given[name]
            if name in compiled.lists:
                text = _with_marks(text, name, len(value), dialect)
                parameters += value if process is None else map(process, value)
            else:
                parameters.append(value if process is None else process(value))
        return text, tuple(parameters)

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
        text, order = str(compiled), tuple(compiled.positiontup or ())
        inward = {name: compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order}
        constants: dict[str, Row] = {}
        for name in set(order):
            bind = compiled.binds[name]
            if bind.required:
                continue
            value = compiled.params[name]
            given = tuple(value) if bind.expanding else (value,)
            constants[name] = tuple(_through(inward[name], given))
            if bind.expanding:
                text = _with_marks(text, name, len(given), dialect)
        columns = self.statement.selected_columns if isinstance(self.statement, Select) else ()
        return _Compiled(
            text=text,
            order=order,
            lists={name for name in order if compiled.binds[name].expanding},
            constants=constants,
            inward=inward,
            outward=[each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns],
        )


def _with_marks(text: str, name: str, count: int, dialect: Dialect) -> str:
    """Return a statement with a mark for each value of a list."""
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    return text.replace(f"__[POSTCOMPILE_{name}]", ", ".join([mark] * count))


def _through(process: Processor | None, column: Sequence[Any]) -> Sequence[Any]:
    return column if process is None else [process(each) for each in column]

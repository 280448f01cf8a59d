"""What every page of rows has around them: who sent it, for whom, and with which options."""

from functools import lru_cache
from typing import Annotated, Any
from uuid import NAMESPACE_DNS, UUID, uuid5

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
)

from schemas.base import ForeignCommand, Value
from schemas.plain_json import canonical, clean

#: Who is said to have written a row when the publisher names nobody.
NOBODY = "00000000-0000-0000-0000-000000000000"

#: Each row is judged and told by itself, and all of them in one transaction.
MAX_ROWS = 20_000

#: Options are kept beside every row of the crawl.
MAX_OPTIONS_BYTES = 16_000

#: The width of the columns that hold the id of an outreach task.
TASK_ID_LENGTH = 64

#: An operator's name that is hashed to a UUID; longer text names nobody.
_LONGEST_OPERATOR = 1000


@lru_cache(maxsize=1024)
def operator_of(value: str | None) -> str | None:
    """Return the operator as an upper-case UUID: as written, or derived from any other text (UUIDv5, DNS namespace)."""
    if value is None or not (text := value.replace("\0", "").strip()):
        return None
    try:
        return str(UUID(text)).upper()
    except ValueError:
        return str(uuid5(NAMESPACE_DNS, text)).upper()


def _source(value: str) -> str:
    text = value.replace("\0", "").strip()
    if not text:
        raise ValueError("is empty")
    return text


def _options(value: dict[str, Any] | None) -> dict[str, Any] | None:
    cleaned: dict[str, Any] | None = clean(value)
    if len(canonical(cleaned)) > MAX_OPTIONS_BYTES:
        raise ValueError(f"is larger than {MAX_OPTIONS_BYTES} bytes")
    return cleaned


Source = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_source)]
OperatorId = Annotated[str | None, Field(max_length=_LONGEST_OPERATOR), AfterValidator(operator_of)]
Options = Annotated[dict[str, Any] | None, AfterValidator(_options)]


class Page(ForeignCommand):
    """Rows as their publisher saw them; each is judged by itself, so one bad row spoils no other."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    source: Source
    operator_id: OperatorId = None
    options: Options = None
    rows: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_ROWS)]

    def option(self, *spellings: str) -> Any:
        """Return the first option that is given under one of these spellings, None for none."""
        options = self.options or {}
        return next((options[name] for name in spellings if options.get(name) is not None), None)


class RejectedRow(Value):
    """A row that was not stored: its place in the request, the field as sent, and what is wrong with it."""

    index: int
    field: str
    reason: str


class PageResult(Value):
    """What became of the rows of one page: `inserted` counts those that were logged.

    `skipped` counts rows that name nobody, and `rejected` tells those that cannot be read; neither is said of none.
    """

    inserted: int
    skipped: int = 0
    rejected: list[RejectedRow] = Field(default_factory=list)

    @model_serializer(mode="wrap")
    def _without_what_is_none(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = dump(self)
        return {
            name: value for name, value in dumped.items() if name not in {"skipped", "rejected", "ignored"} or value
        }

"""What crawlers say about samples, and what they are answered."""

from functools import lru_cache
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
)

from schemas.base import ForeignCommand, Value
from schemas.ingestion import RejectedRow
from schemas.plain_json import canonical, clean

#: A crawl's page has 200; each is judged and told by itself, and all of them in one transaction.
MAX_ROWS = 20_000

#: Options are kept beside every row of the crawl.
MAX_OPTIONS_BYTES = 16_000

#: The width of the audit columns that hold the operator.
_OPERATOR_LENGTH = 36


@lru_cache(maxsize=1024)
def _operator(value: str | None) -> str | None:
    """Upper-case a UUID however it is written; keep any other short text as it came."""
    if value is None or not (text := value.replace("\0", "").strip()):
        return None
    try:
        return str(UUID(text)).upper()
    except ValueError:
        pass  # Not every portal numbers its operators with UUIDs.
    if len(text) > _OPERATOR_LENGTH:
        raise ValueError(f"is longer than {_OPERATOR_LENGTH} characters")
    return text


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


class IngestSamples(ForeignCommand):
    """Take in sample rows as a crawler saw them; each row is judged by itself, so one bad row spoils no other."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    key: ClassVar[str] = "samples.ingest"

    source: Source
    operator_id: Annotated[str | None, AfterValidator(_operator)] = None
    options: Annotated[dict[str, Any] | None, AfterValidator(_options)] = None
    rows: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_ROWS)]


class IngestResult(Value):
    """What became of the rows of one request: `inserted` counts rows accepted, `products` distinct product ids."""

    inserted: int
    products: int
    rejected: list[RejectedRow] = Field(default_factory=list)

    @model_serializer(mode="wrap")
    def _without_an_empty_list(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = dump(self)
        if not self.rejected:
            del dumped["rejected"]
        return dumped

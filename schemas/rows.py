"""What every row of a crawl goes through first: made storable, bounded, and refused by field and reason."""

from typing import Any

from schemas import plain_json

#: Well above a page's longest row, and small enough to be logged.
MAX_ROW_BYTES = 512_000


class RowError(ValueError):
    """A row cannot be stored: `field` is spelled as it was sent, `reason` goes on from it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field[:64]  # the longest of ours has 29; an unknown one may be a page of text
        self.reason = reason


def plain(raw: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return the row as every database can store it, and its canonical JSON."""
    try:
        canonical = plain_json.canonical(raw)
    except TypeError:  # Lone surrogates, numbers beyond 64 bits or endless nesting.
        canonical = b""
    if not canonical or not plain_json.is_clean(raw, canonical):
        raw = {plain_json.clean_text(str(name)): _cleaned(name, value) for name, value in raw.items()}
        canonical = plain_json.canonical(raw)
    if len(canonical) > MAX_ROW_BYTES:
        largest = max(raw, key=lambda name: len(plain_json.canonical(raw[name])))
        raise RowError(largest, f"makes the row larger than {MAX_ROW_BYTES} bytes")
    return raw, canonical


def _cleaned(name: str, value: Any) -> Any:
    try:
        return plain_json.clean(value)
    except plain_json.TooDeepError as error:
        raise RowError(plain_json.clean_text(name), str(error)) from error

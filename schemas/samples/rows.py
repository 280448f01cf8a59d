"""One row of a crawl: read leniently, refused by field and reason."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from schemas import plain_json
from schemas.rows import RowError, plain
from schemas.samples.fields import FIELDS, Part
from schemas.samples.records import SampleKey

#: Where samples come from when a row does not say.
DEFAULT_REGION = "MX"

#: A snapshot is repeated beside each of its events; a page's own is a few kilobytes in all.
MAX_LOGISTICS_BYTES = 256_000

#: The width of the narrowest column of usernames, that of contents.
_CONTENT_USERNAME = 64

_CREATOR_KEY = 255
_UUID_LENGTH, _UUID_HYPHENS = 36, 4


class Promotion(NamedTuple):
    """A published video or live and its metrics; `type` as written, the amount with its digits as written."""

    type: str | None = None
    type_number: str | None = None
    promotion_name: str | None = None
    promotion_time: str | None = None
    promotion_view_count: int | None = None
    promotion_like_count: int | None = None
    promotion_comment_count: int | None = None
    promotion_order_count: int | None = None
    promotion_order_total_amount: Decimal | None = None


@dataclass(slots=True, kw_only=True)
class SampleRow:
    """What one row says of one sample.

    `columns` holds the optional columns of `Sample` that the row mentions and no others: absent keeps what is stored,
    None clears it. `fingerprint` is the hex SHA-256 of the row's canonical JSON, `extra` what we have no field for.
    """

    key: SampleKey
    columns: dict[str, Any]
    promotion: Promotion
    logistics: dict[str, Any] | None
    extracted_at: datetime | None
    extra: dict[str, Any] | None
    fingerprint: str


def parse_row(raw: dict[str, Any], operator_id: str | None = None) -> SampleRow:
    """Read one row, or raise `RowError`; depends on nothing but its arguments.

    `operator_id` is needed because crawlers also send the operator as the row's `creatorId`.
    """
    row, canonical = plain(raw)
    parts = _read(row)
    other = parts[Part.OTHER]
    columns = _with_creator(parts[Part.SAMPLE], other, operator_id)
    promotion = Promotion(**parts[Part.PROMOTION])
    _check_widths(columns, promotion)
    return SampleRow(
        key=_key(columns, other),
        columns=columns,
        promotion=promotion,
        logistics=_bounded(other.get("logistics_snapshot")),
        extracted_at=other.get("extracted_time"),
        extra=parts[Part.UNKNOWN] or None,
        fingerprint=sha256(canonical).hexdigest(),
    )


def _read(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Sort the row's values by what they are about, each one read; indexed by `Part`."""
    parts: list[dict[str, Any]] = [{}, {}, {}, {}, {}]
    unknown = parts[Part.UNKNOWN]
    known = FIELDS.get
    name = ""
    try:
        for name, value in row.items():
            if field := known(name):
                part, column, read = field
                parts[part][column] = read(value)
            else:
                unknown[name] = value
    except ValueError as error:
        raise RowError(name, str(error)) from error
    return parts


def _with_creator(columns: dict[str, Any], other: dict[str, Any], operator_id: str | None) -> dict[str, Any]:
    """Fill the creator's columns from the fields that older crawlers use."""
    for column, legacy in (
        ("platform_creator_display_name", "creator_name"),
        ("platform_creator_username", "creator_username"),
    ):
        if legacy in other and not columns.get(column):
            columns[column] = other[legacy]
    creator_id = other.get("creator_id")
    if creator_id and not columns.get("platform_creator_id") and not _is_operator(creator_id, operator_id):
        columns["platform_creator_id"] = creator_id
    return columns


def _is_operator(creator_id: str, operator_id: str | None) -> bool:
    looks_like_uuid = len(creator_id) == _UUID_LENGTH and creator_id.count("-") == _UUID_HYPHENS
    return looks_like_uuid or (operator_id is not None and creator_id.lower() == operator_id.lower())


def _check_widths(columns: dict[str, Any], promotion: Promotion) -> None:
    """Check what a single field's reader cannot see."""
    if len(columns.get("platform_creator_id") or "") > 32:  # noqa: PLR2004  the column's width, for creatorId's sake
        raise RowError("creatorId", "is longer than 32 characters")
    if promotion.type and len(columns.get("platform_creator_username") or "") > _CONTENT_USERNAME:
        raise RowError("platformCreatorUsername", f"is longer than {_CONTENT_USERNAME} characters")


def _key(columns: dict[str, Any], other: dict[str, Any]) -> SampleKey:
    product_id = other.get("platform_product_id")
    if not product_id:
        raise RowError("platformProductId", "is missing")
    creator_key = (
        columns.get("platform_creator_id")
        or (columns.get("platform_creator_username") or "").removeprefix("@").strip().lower()
        or columns.get("platform_creator_display_name")
    )
    if not creator_key:
        raise RowError("platformCreatorId", "is missing, and so are the creator's username and display name")
    if len(creator_key) > _CREATOR_KEY:  # Lower-casing can lengthen text.
        raise RowError("platformCreatorUsername", f"is longer than {_CREATOR_KEY} characters")
    region = other.get("region") or DEFAULT_REGION
    return SampleKey(region, product_id, columns.get("platform_campaign_id") or "", creator_key)


def _bounded(snapshot: dict[str, Any] | None) -> dict[str, Any] | None:
    if snapshot is None:
        return None
    timeline = snapshot.get("timeline")
    events = len(timeline) if isinstance(timeline, list) else 1
    if len(plain_json.canonical(snapshot)) * events > MAX_LOGISTICS_BYTES:
        raise RowError(to_camel("logistics_snapshot"), "is too large to be repeated beside each of its events")
    return snapshot

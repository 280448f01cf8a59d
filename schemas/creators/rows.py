"""One row of a crawl of creators, campaigns or products: read leniently, refused by field and reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.creators.fields import CAMPAIGN, CREATOR, PRODUCT, Field, Kind
from schemas.rows import RowError, plain

#: Where creators, campaigns and products are from that do not say.
DEFAULT_PLATFORM = "tiktok"
#: Where campaigns and products are sold that do not say.
DEFAULT_REGION = "MX"

_CURRENCIES = {"FR": "EU", "ES": "EU", "EU": "EU", "MX": "MXN", "MEX": "MXN"}


@dataclass(slots=True)
class Row:
    """What a row says: values by column, None and blank left out; `extra` is what has no column or cannot be read.

    `unread` tells of the latter what is wrong with each.
    """

    columns: dict[str, Any]
    extra: dict[str, Any] | None
    unread: dict[str, str]


def parse_creator(raw: dict[str, Any]) -> Row | None:
    """Read a row about a creator, or raise `RowError`; None for one that names nobody.

    Of the names that it lacks, others stand in: the display name for the username, and the id for both. `has_…` tells
    which of them the page really said.
    """
    row = _read(raw, CREATOR)
    columns = row.columns
    creator_id = columns.pop("creator_id", None)
    if not columns.setdefault("platform_creator_id", creator_id):
        return None
    username = columns.pop("creator_username", None)
    columns["platform_creator_username"] = columns.get("platform_creator_username") or username
    name = columns.pop("creator_name", None)
    columns["platform_creator_display_name"] = columns.get("platform_creator_display_name") or name
    _with_stand_ins(columns)
    return row


def _with_stand_ins(columns: dict[str, Any]) -> None:
    username, name = columns["platform_creator_username"], columns["platform_creator_display_name"]
    username = username.removeprefix("@").strip() if username else None
    currency = columns.get("currency")
    columns["has_username"] = bool(username)
    columns["has_display_name"] = bool(name)
    columns["has_currency"] = currency is not None
    columns["platform_creator_username"] = username or name or columns["platform_creator_id"]
    columns["platform_creator_display_name"] = name or columns["platform_creator_username"]
    columns["currency"] = currency or _CURRENCIES.get(columns.get("region") or "")
    columns.setdefault("platform", DEFAULT_PLATFORM)


def parse_campaign(raw: dict[str, Any]) -> Row | None:
    """Read a row about a campaign, or raise `RowError`; None for one that names none."""
    return _placed(_read(raw, CAMPAIGN), "platform_campaign_id")


def parse_product(raw: dict[str, Any]) -> Row | None:
    """Read a row about a product of a campaign, or raise `RowError`; None for one that lacks either id."""
    return _placed(_read(raw, PRODUCT), "platform_campaign_id", "platform_product_id")


def _placed(row: Row, *keys: str) -> Row | None:
    if not all(row.columns.get(key) for key in keys):
        return None
    row.columns.setdefault("platform", DEFAULT_PLATFORM)
    row.columns["has_region"] = "region" in row.columns
    row.columns.setdefault("region", DEFAULT_REGION)
    return row


def _read(raw: dict[str, Any], fields: Mapping[str, Field]) -> Row:
    """Sort the row's values by column, each one read; of two spellings the one that says something counts."""
    row, _ = plain(raw)
    columns: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    unread: dict[str, str] = {}
    known = fields.get
    for name, value in row.items():
        field = known(name)
        if field is None:
            extra[name] = value
        elif value is not None and value != "":
            column, read, kind = field
            try:
                found = read(value)
            except ValueError as error:
                if kind is Kind.KEY:
                    raise RowError(name, str(error)) from error
                extra[name] = value
                unread[name] = str(error)
                continue
            if found is not None:
                columns[column] = found
    return Row(columns, extra or None, unread)

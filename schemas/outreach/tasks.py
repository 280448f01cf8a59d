"""What somebody says of an outreach task: only the fields that are mentioned, each read leniently or left out."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from schemas.numbers import integer
from schemas.outreach.crawling import bands_of
from schemas.outreach.messages import IgnoredField
from schemas.outreach.records import Strategy, TaskStatus
from schemas.plain_json import canonical
from schemas.readers import count, prose, text, whole_milliseconds
from schemas.zones import zone_of

#: Longest text of a message to a creator, its subject included.
MAX_TEXT = 20_000
#: More entries of a list of filters or products are a mistake.
MAX_LIST = 500

#: Characters of a product's id.
MAX_ID = 64

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d_%H%M%S")
_RUN_TIME = re.compile(r"\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*min)?\s*(?:(\d+)\s*s)?\s*", re.IGNORECASE)
_EARLIEST_YEAR, _LATEST_YEAR = 2000, 9998


#: Times of a plan, which may be taken back.
PLANNED = frozenset({"plan_execute_time", "plan_stop_time"})


class _Field(NamedTuple):
    column: str
    read: Callable[[Any], Any]


@dataclass(slots=True)
class TaskFields:
    """What is said of a task, by column; moments without a zone are still to be read in the task's region.

    `cleared` are the planned times that were taken back.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    ignored: list[IgnoredField] = field(default_factory=list)
    cleared: set[str] = field(default_factory=set)


def parse_task(raw: Mapping[str, Any]) -> TaskFields:
    """Read what a task's publisher mentions; a field that is null, or cannot be read, is not mentioned.

    An unreadable field is told and left out, so that a mistaken time never starts a task at once. A planned time that
    is null is taken back.
    """
    fields = TaskFields()
    for name, value in raw.items():
        known = _FIELDS.get(name)
        if known is None:
            continue
        if value is None:
            fields.cleared |= {known.column} & PLANNED
            continue
        try:
            found = known.read(value)
        except ValueError as error:
            fields.ignored.append(IgnoredField(field=name[:64], reason=str(error)))
            continue
        if found is not None:
            fields.columns[known.column] = found
            if reason := _UNUSED.get(known.column, _used)(found):
                fields.ignored.append(IgnoredField(field=name[:64], reason=reason))
    fields.cleared -= fields.columns.keys()
    return fields


def _used(_: Any) -> str | None:
    return None


def _bands(kept: dict[str, Any]) -> str | None:
    return None if bands_of(kept) else "is kept, but nothing can be searched by it"


#: Whether a field that is kept is of no use here, and why.
_UNUSED: dict[str, Callable[[Any], str | None]] = {
    "fans_gender": _bands,
    "gmv_range": _bands,
    "sales_range": _bands,
}


def placed(moment: datetime, region: str | None) -> datetime:
    """Return a moment in UTC; one without a zone is a wall clock's of the region."""
    aware = moment.replace(tzinfo=zone_of(region)) if moment.tzinfo is None else moment
    return whole_milliseconds(aware.astimezone(UTC))


def _moment(value: Any) -> datetime | None:
    written = str(value).strip()
    if not written:
        return None
    read = _in_a_format(written)
    if read is None or not _EARLIEST_YEAR <= read.year <= _LATEST_YEAR:
        raise ValueError("is no moment that can be read")
    return read


def _in_a_format(written: str) -> datetime | None:
    for each in _FORMATS:
        try:
            return datetime.strptime(written, each)  # noqa: DTZ007  the zone is the region's, and not known here
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def _seconds(value: Any) -> int | None:
    """Read "00h10min00s" or a number of seconds; nothing at all is no time."""
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value) or None
    found = _RUN_TIME.fullmatch(str(value))
    if found is None or not any(found.groups()):
        raise ValueError("is no length of time")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return count(hours * 3600 + minutes * 60 + seconds) or None


def _amount(value: Any) -> int | None:
    read = count(value)
    if read is not None and read < 0:
        raise ValueError("is negative")
    return read


def _status(value: Any) -> TaskStatus | None:
    written = re.sub(r"[\s-]+", "_", str(value).strip().lower())
    if not written:
        return None
    found = TaskStatus("cancelled" if written == "canceled" else written)
    if found not in list(TaskStatus):
        raise ValueError(f"is none of {', '.join(TaskStatus)}")
    return found


def _strategy(value: Any) -> int:
    read = integer(str(value).strip() if isinstance(value, str) else int(value) if isinstance(value, bool) else value)
    if read not in list(Strategy):
        raise ValueError("is none of 0 (whoever may be), 1 (first contact only) and 2 (follow-up only)")
    return int(read)


def _list(value: Any) -> list[str] | None:
    """Read a list of texts, which may be a JSON text or parted by commas."""
    if isinstance(value, str):
        value = _parsed(value) if value.lstrip().startswith("[") else value.split(",")
    if not isinstance(value, list | tuple):
        raise ValueError("is no list")  # noqa: TRY004  every reader says ValueError
    if len(value) > MAX_LIST:
        raise ValueError(f"has more than {MAX_LIST} entries")
    return [each for each in (_word(part) for part in value) if each]


def products(value: Any) -> list[str]:
    """Read a list of products by their ids."""
    found = _list(value) or []
    if any(len(each) > MAX_ID for each in found):
        raise ValueError(f"has an entry of more than {MAX_ID} characters, which is no product's id")
    return found


def _parsed(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        raise ValueError("is no list") from None


def _word(value: Any) -> str:
    if isinstance(value, dict):
        told = next((value[name] for name in ("id", "productId", "product_id", "name") if value.get(name)), None)
        return str(told).strip() if told is not None else canonical(value).decode()
    return str(value).strip() if value is not None else ""


def _words(value: Any) -> str | None:
    return prose(1024)(value)


def _raw(value: Any) -> dict[str, Any] | None:
    """Keep an object; anything else is kept as it was said, under `raw`."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str | list) and not value:
        return None
    return {"raw": value if isinstance(value, str | list) else str(value)}


def _message(value: Any) -> str | None:
    """Read a text, or an object with subject and body, as the JSON text that it is stored as."""
    if isinstance(value, str):
        if not value.strip():
            return None
        value = {"body": value}
    if not isinstance(value, dict):
        raise ValueError("is neither a text nor an object")  # noqa: TRY004  every reader says ValueError
    written = canonical(value).decode()
    if len(written) > MAX_TEXT:
        raise ValueError(f"is longer than {MAX_TEXT} characters")
    return written


def _known(*named: tuple[str, str, Callable[[Any], Any]]) -> dict[str, _Field]:
    return {spelling: _Field(column, read) for name, column, read in named for spelling in (name, to_camel(name))}


_FIELDS = _known(
    ("platform", "platform", text(16)),
    ("task_name", "task_name", prose(255)),
    ("campaign_id", "platform_campaign_id", text(64)),
    ("campaign_name", "platform_campaign_name", prose(512)),
    ("product_id", "platform_product_id", text(64)),
    ("product_name", "platform_product_name", prose(1024)),
    ("product_list", "product_list", products),
    ("region", "region", text(32)),
    ("brand", "brand", prose(255)),
    ("brand_name", "brand", prose(255)),
    ("only_first", "message_send_strategy", _strategy),
    ("task_type", "task_type", text(32)),
    ("status", "status", _status),
    ("message", "message", prose(512)),
    ("account_email", "accound_email", text(255)),
    ("search_keywords", "search_keywords", _words),
    ("product_category", "product_categories", _list),
    ("fans_age_range", "fans_age_range", _list),
    ("fans_gender", "fans_gender", _raw),
    ("content_type", "content_types", _list),
    ("gmv", "gmv_range", _raw),
    ("sales", "sales_range", _raw),
    ("min_fans", "min_fans", _amount),
    ("min_avg_views", "min_avg_views", _amount),
    ("avg_views", "min_avg_views", _amount),
    ("min_engagement_rate", "min_engagement_rate", _amount),
    ("email_first", "first_message", _message),
    ("email_later", "second_message", _message),
    ("email_first_body", "first_message", _message),
    ("email_later_body", "second_message", _message),
    ("target_new_creators", "new_creators_expect_count", _amount),
    ("max_creators", "max_creators", _amount),
    ("run_at_time", "plan_execute_time", _moment),
    ("run_end_time", "plan_stop_time", _moment),
    ("started_at", "real_start_at", _moment),
    ("finished_at", "real_end_at", _moment),
    ("created_at", "creation_time", _moment),
    ("run_time", "spend_time", _seconds),
    ("new_creators", "new_creators_real_count", _amount),
)

"""When a row that a publisher has claimed may be taken by another."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, Column, ColumnElement, bindparam, or_

#: No lease lasts longer: one that seems to was given by a clock that has been set back since, maybe by hours.
LONGEST: Final = timedelta(minutes=10)


Moment = datetime | BindParameter[Any]


def is_free(claimed_until: Column[Any], now: Moment, unreal: Moment | None = None) -> ColumnElement[bool]:
    """Tell of a row whether nobody holds it: it was never claimed, or its lease is over or cannot be real.

    Of a statement that is compiled once, both moments are named, and `moments` are their values.
    """
    latest = now + LONGEST if isinstance(now, datetime) else unreal
    return or_(claimed_until.is_(None), claimed_until <= now, claimed_until > latest)


NOW: Final[BindParameter[Any]] = bindparam("now")
UNREAL: Final[BindParameter[Any]] = bindparam("unreal")


def moments(now: datetime) -> dict[str, datetime]:
    """Return the values of `NOW` and `UNREAL`."""
    return {"now": now, "unreal": now + LONGEST}

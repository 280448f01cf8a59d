"""When a row that a publisher has claimed may be taken by another."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, or_

#: No lease lasts longer: one that seems to was given by a clock that has been set back since, maybe by hours.
LONGEST: Final = timedelta(minutes=10)


def is_free(claimed_until: Column[Any], now: datetime) -> ColumnElement[bool]:
    """Tell of a row whether nobody holds it: it was never claimed, or its lease is over or cannot be real."""
    return or_(claimed_until.is_(None), claimed_until <= now, claimed_until > now + LONGEST)

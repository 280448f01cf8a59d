"""Which clock people look at in each region."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Where most creators of a region live; regions of several zones are read at their largest one.
ZONES: Mapping[str, str] = {
    "BR": "America/Sao_Paulo",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "EU": "Europe/Paris",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "ID": "Asia/Jakarta",
    "IE": "Europe/Dublin",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "MEX": "America/Mexico_City",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "PH": "Asia/Manila",
    "SG": "Asia/Singapore",
    "TH": "Asia/Bangkok",
    "UK": "Europe/London",
    "US": "America/New_York",
    "VN": "Asia/Ho_Chi_Minh",
}


@lru_cache(maxsize=256)
def zone_of(region: str | None) -> tzinfo:
    """Return the zone of a region's wall clocks; one that is not known is read in UTC."""
    name = ZONES.get((region or "").strip().upper())
    return ZoneInfo(name) if name else UTC

"""When a creator may be written to: quiet hours and local days by region, and how many messages a day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.zones import ZONES


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours of the wall clock in which nobody is written to; they may span midnight.

    The same time twice is a ValueError, for it would be always or never.
    """

    begin: time
    end: time

    def __post_init__(self) -> None:
        if self.begin == self.end:
            raise ValueError(f"quiet hours begin when they end, at {self.begin}")

    @classmethod
    def parse(cls, text: str) -> "QuietHours":
        """Read "21:00-09:00"."""
        begin, _, end = text.partition("-")
        return cls(time.fromisoformat(begin.strip()), time.fromisoformat(end.strip()))

    def covers(self, moment: time) -> bool:
        """Tell whether a time of the wall clock is within; the end is not."""
        if self.begin < self.end:
            return self.begin <= moment < self.end
        return moment >= self.begin or moment < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Politeness:
    """What we impose on ourselves; a `daily_cap` of 0 is none. A region without a zone is read in UTC."""

    quiet_hours: Mapping[str, QuietHours] = field(default_factory=dict)
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    daily_cap: int = 10

    @classmethod
    def parse(
        cls,
        *,
        quiet_hours: Mapping[str, str] | None = None,
        zones: Mapping[str, str] | None = None,
        daily_cap: int = 10,
    ) -> "Politeness":
        """Read the settings' texts, by region: quiet hours like "21:00-09:00", and zones beside the known ones."""
        return cls(
            quiet_hours={region.upper(): QuietHours.parse(text) for region, text in (quiet_hours or {}).items()},
            zones={region.upper(): ZoneInfo(name) for region, name in {**ZONES, **(zones or {})}.items()},
            daily_cap=daily_cap,
        )

    def local_day(self, region: str, now: datetime) -> date:
        """Return the date in the region."""
        return now.astimezone(self._zone(region)).date()

    def quiet_until(self, region: str, now: datetime) -> datetime | None:
        """Return when the region's quiet hours end, or None outside them."""
        hours = self.quiet_hours.get(region)
        if hours is None:
            return None
        zone = self._zone(region)
        local = now.astimezone(zone)
        if not hours.covers(local.time()):
            return None
        # An hour that the clock strikes twice ends the quiet at the first stroke that is still to come.
        ends = (
            datetime.combine(day, hours.end, zone).replace(fold=fold).astimezone(UTC)
            for day in (local.date(), local.date() + timedelta(days=1))
            for fold in (0, 1)
        )
        return next(end for end in ends if end > now)

    def next_opening(self, region: str, now: datetime) -> datetime:
        """Return the first moment of the region's next day that is not quiet."""
        tomorrow = self.local_day(region, now) + timedelta(days=1)
        midnight = datetime.combine(tomorrow, time(), self._zone(region)).astimezone(UTC)
        return self.quiet_until(region, midnight) or midnight

    def _zone(self, region: str) -> ZoneInfo:
        return self.zones.get(region, _UTC)


_UTC = ZoneInfo("UTC")

"""What is to happen with a due schedule, and what each outcome makes of its row; pure rules."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from publishers.schedules.politeness import Politeness
from schemas.chatbot.conditions import calls_for
from schemas.chatbot.records import DueSchedule, Reminded, Schedule

#: A reminder that comes less often than this is none, and its next time may lie beyond the calendar.
LONGEST_INTERVAL_DAYS = 3650

#: As long as the columns that keep them.
NOTE_LENGTH = 255
REASON_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Send:
    """It is due, true and possible."""

    region: str
    sample: Reminded
    platform_creator_id: str


@dataclass(frozen=True, slots=True)
class Deactivate:
    """What it would say is no longer true."""

    note: str


@dataclass(frozen=True, slots=True)
class Park:
    """It cannot be sent until an operator has seen to it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postpone:
    """It is true, but this is not the hour."""

    until: datetime
    note: str


Judgement = Send | Deactivate | Park | Postpone


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Decides on due schedules; `regions` are those that somebody can write to, in upper case."""

    politeness: Politeness = field(default_factory=Politeness.parse)
    regions: frozenset[str] = frozenset({"MX"})
    default_region: str = "MX"

    def judge(self, due: DueSchedule, now: datetime) -> Judgement:
        """Return what is to happen with a due schedule, the daily cap aside."""
        sample, scenario = due.sample, due.schedule.scenario
        if sample is None:
            return Park("the sample no longer exists")
        region = (due.schedule.region or sample.region or self.default_region).strip().upper()
        if reason := _nonsense(due.schedule) or self._unreachable(region):
            return Park(reason)
        if not calls_for(scenario, sample):
            return Deactivate(f"{scenario} is no longer true of the sample (status {sample.status!r})")
        if not (creator := (sample.platform_creator_id or "").strip()):
            return Park("the sample has no platform_creator_id")
        if until := self.politeness.quiet_until(region, now):
            return Postpone(until, f"quiet hours in {region}")
        return Send(region, sample, creator)

    def _unreachable(self, region: str) -> str | None:
        return None if region in self.regions else f"nobody writes to creators in region {region}"


def _nonsense(schedule: Schedule) -> str | None:
    """Say what is wrong with a row that no code of ours would write, None if nothing is."""
    if not schedule.scenario.is_known:
        return f"nobody knows the scenario {schedule.scenario.value!r}"
    if schedule.run_count < 0:
        return f"run_count is negative: {schedule.run_count}"
    if schedule.interval_days is not None and not 0 <= schedule.interval_days <= LONGEST_INTERVAL_DAYS:
        return f"interval_days is not between 0 and {LONGEST_INTERVAL_DAYS}: {schedule.interval_days}"
    return None


def applied(judgement: Deactivate | Park | Postpone, schedule: Schedule, now: datetime) -> Schedule:
    """Return the schedule as a judgement leaves it; no run is counted."""
    match judgement:
        case Deactivate(note):
            return replace(schedule, active=False, note=note[:NOTE_LENGTH], updated_at=now)
        case Park(reason):
            return replace(schedule, parked_at=now, parked_reason=reason[:REASON_LENGTH], updated_at=now)
        case Postpone(until, note):
            return replace(schedule, next_run_time=until, note=note[:NOTE_LENGTH], updated_at=now)


def counted(schedule: Schedule, now: datetime) -> Schedule:
    """Return the schedule after a confirmed run: one more counted, the next an interval away, inactive at the cap."""
    runs = schedule.run_count + 1
    return replace(
        schedule,
        run_count=runs,
        last_run_time=now,
        # Without an interval there is nothing to repeat; were runs left over, a day keeps them from a burst.
        next_run_time=now + timedelta(days=schedule.interval_days or 1),
        active=runs < schedule.max_runs,
        note=None,
        updated_at=now,
    )

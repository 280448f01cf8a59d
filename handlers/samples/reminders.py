"""Which reminders a change of a sample starts, resumes or ends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from handlers.samples.identities import random_id
from handlers.samples.merging import Change
from schemas.chatbot.conditions import calls_for, status_of
from schemas.chatbot.records import Scenario, Schedule
from schemas.samples.records import Sample


@dataclass(frozen=True, slots=True)
class Rule:
    """How often a reminder is sent: `max_runs` times, `interval_days` apart."""

    scenario: Scenario
    interval_days: int | None
    max_runs: int


#: Sent when a known sample comes to a status, once in its life.
ONE_SHOTS: Final = (
    Rule(Scenario.SHIPPED, None, 1),
    Rule(Scenario.CONTENT_PENDING, None, 1),
)

#: Sent for as long as something is missing: at once, then three more times.
REPEATED: Final = (
    Rule(Scenario.NO_CONTENT_POSTED, 5, 4),
    Rule(Scenario.MISSING_AD_CODE, 3, 4),
)


class Wish(NamedTuple):
    """That a reminder of a sample be active, or no longer; a new sample has no schedules to look for."""

    sample: Sample
    rule: Rule
    is_wanted: bool
    is_new: bool


def wishes_of(change: Change) -> list[Wish]:
    """Return what a change asks of the schedules; a sample seen for the first time has come to no status yet."""
    if not change.is_news:
        return []
    before, after, arrivals = change.before, change.after, _arrivals(change)
    wishes = [
        Wish(after, rule, is_wanted=True, is_new=before is None)
        for rule in ONE_SHOTS
        if any(calls_for(rule.scenario, arrived) for arrived in arrivals)
    ]
    for rule in REPEATED:
        is_wanted = calls_for(rule.scenario, after)
        if is_wanted or (before is not None and calls_for(rule.scenario, before)):
            wishes.append(Wish(after, rule, is_wanted=is_wanted, is_new=before is None))
    return wishes


def _arrivals(change: Change) -> list[Sample]:
    """Return the sample as it was each time it came to another status."""
    return [
        step.after
        for step in change.steps
        if step.before is not None
        and step.before.status != step.after.status
        and status_of(step.before) != status_of(step.after)
    ]


def granted(wishes: Iterable[Wish], stored: Mapping[tuple[str, Scenario], Schedule], now: datetime) -> list[Schedule]:
    """Return the schedules to store, in order of sample and scenario; those that stay as they are are left out."""
    schedules = (_granted(wish, stored.get((wish.sample.id, wish.rule.scenario)), now) for wish in wishes)
    changed = [schedule for schedule in schedules if schedule is not None]
    return sorted(changed, key=lambda schedule: (schedule.sample_id, schedule.scenario))


def _granted(wish: Wish, stored: Schedule | None, now: datetime) -> Schedule | None:
    if stored is None:
        return _started(wish.sample, wish.rule, now) if wish.is_wanted else None
    if stored.parked_at is not None:
        return None  # An operator will look at it; news of the sample must not hide why it waits.
    if wish.is_wanted:
        return _resumed(stored, wish.rule, now)
    if not stored.active:
        return None
    return replace(stored, active=False, note="no longer called for", updated_at=now)


def _started(sample: Sample, rule: Rule, now: datetime) -> Schedule:
    return Schedule(
        id=random_id(),
        sample_id=sample.id,
        scenario=rule.scenario,
        region=sample.region,
        interval_days=rule.interval_days,
        max_runs=rule.max_runs,
        run_count=0,
        next_run_time=now,
        last_run_time=None,
        active=True,
        created_at=now,
        updated_at=now,
    )


def _resumed(stored: Schedule, rule: Rule, now: datetime) -> Schedule | None:
    """Activate a schedule that has runs left, never earlier than its rhythm allows; None if nothing changes."""
    max_runs = max(stored.max_runs, rule.max_runs)
    interval_days = rule.interval_days if stored.interval_days is None else stored.interval_days
    wanted = replace(stored, max_runs=max_runs, interval_days=interval_days)
    if not stored.active and stored.run_count < max_runs:
        earliest = now
        if stored.last_run_time is not None and interval_days is not None:
            earliest = max(now, stored.last_run_time + timedelta(days=interval_days))
        wanted = replace(wanted, active=True, next_run_time=earliest, note=None)
    return None if wanted == stored else replace(wanted, updated_at=now)

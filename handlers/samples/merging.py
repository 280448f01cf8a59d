"""How observations become the state of a sample: the newest wins, absent keeps, null clears."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from handlers.samples.identities import random_id
from handlers.samples.observations import Observation
from handlers.samples.summary import united
from schemas.samples.records import Sample

_NAMES = tuple(each.name for each in fields(Sample))
_values = attrgetter(*_NAMES)
_writers: dict[str, Callable[[Sample, Any], None]] = {name: getattr(Sample, name).__set__ for name in _NAMES}


@dataclass(slots=True, kw_only=True)
class Step:
    """One observation and the sample before and after it; the same before and after if it came too late."""

    observation: Observation
    before: Sample | None
    after: Sample

    @property
    def is_stale(self) -> bool:
        """Whether something newer was known already."""
        return self.before is self.after


@dataclass(slots=True, kw_only=True)
class Change:
    """What a group of messages did to one sample: one step an observation, never none."""

    steps: list[Step]

    @property
    def before(self) -> Sample | None:
        """The sample as stored until now, None if it is new."""
        return self.steps[0].before

    @property
    def after(self) -> Sample:
        """The sample as it is to be stored."""
        return self.steps[-1].after

    @property
    def is_news(self) -> bool:
        """Whether there is anything to store."""
        return self.before is not self.after


def fold(stored: Sample | None, observations: Iterable[Observation], now: datetime) -> Change:
    """Apply observations of one sample, given in order of time, to what is stored of it."""
    steps: list[Step] = []
    current = stored
    for observation in observations:
        before, current = current, _after(current, observation, now)
        steps.append(Step(observation=observation, before=before, after=current))
    return Change(steps=steps)


def evolved(sample: Sample, changes: dict[str, Any]) -> Sample:
    """Return a copy of the sample with some columns changed.

    `dataclasses.replace` does the same through a frozen constructor, which costs three times as much; this runs twice
    a row. Writing to the slots is safe as long as nobody else has seen the copy.
    """
    copy = object.__new__(Sample)
    for write, value in zip(_writers.values(), _values(sample), strict=True):
        write(copy, value)
    for name, value in changes.items():
        _writers[name](copy, value)
    return copy


def _after(current: Sample | None, observation: Observation, now: datetime) -> Sample:
    if current is None:
        return _first(observation, now)
    if observation.observed_at < current.observed_at:
        return current
    summary = observation.summary
    if observation.is_timed and observation.observed_at == current.observed_at:
        summary = united([current.content_summary, summary])  # another page of the same crawl
    return evolved(
        current,
        {
            **observation.columns,
            "content_summary": summary,
            "observed_at": observation.observed_at,
            "last_modifier_id": observation.crawl.operator_id,
            "last_modification_time": now,
        },
    )


def _first(observation: Observation, now: datetime) -> Sample:
    key, operator_id = observation.key, observation.crawl.operator_id
    return Sample(
        id=random_id(),
        region=key.region,
        platform_product_id=key.platform_product_id,
        campaign_key=key.campaign_key,
        creator_key=key.creator_key,
        observed_at=observation.observed_at,
        content_summary=observation.summary,
        creator_id=operator_id,
        creation_time=now,
        last_modifier_id=operator_id,
        last_modification_time=now,
        **observation.columns,
    )

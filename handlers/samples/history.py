"""The history of crawls: one log a row, whatever came of it."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from handlers.samples.identities import log_id
from handlers.samples.merging import Step, evolved
from handlers.samples.observations import SeenRow
from handlers.samples.summary import summary_of, united
from schemas.plain_json import canonical
from schemas.samples.records import Sample, SampleCrawlLog

#: What one message may log of one sample's summary over all its rows; above it, each row logs its own part alone.
LOGGED_SUMMARY_BYTES = 1_000_000


def crawl_logs(steps: Iterable[Step], logged: Collection[str], now: datetime) -> list[SampleCrawlLog]:
    """Return one log a row; `logged` are the fingerprints that the day has seen before this group."""
    known = set(logged)
    logs: list[SampleCrawlLog] = []
    for step in steps:
        for seen, sample in zip(step.observation.rows, _as_logged(step, now), strict=True):
            logs.append(_crawl_log(step, seen, sample, now, is_replay=seen.row.fingerprint in known))
            known.add(seen.row.fingerprint)
    return logs


def _crawl_log(step: Step, seen: SeenRow, sample: Sample, now: datetime, *, is_replay: bool) -> SampleCrawlLog:
    crawl, crawl_date = step.observation.crawl, now.date()
    return SampleCrawlLog(
        id=log_id("sample", crawl.message_id, crawl_date, seen.index),
        sample=sample,
        message_id=crawl.message_id,
        row_index=seen.index,
        fingerprint=seen.row.fingerprint,
        is_replay=is_replay,
        crawl_date=crawl_date,
        source=crawl.source,
        options=crawl.options,
        extra=seen.row.extra,
    )


def _as_logged(step: Step, now: datetime) -> list[Sample]:
    """Return the sample as each row of an observation saw it: the crawl's summary and operator, the row's columns."""
    rows, summary = step.observation.rows, step.observation.summary
    if len(rows) == 1:
        return [_logged_alone(step, now)]
    audit = _audit(step, now)
    is_small = len(canonical(summary)) * len(rows) <= LOGGED_SUMMARY_BYTES
    return [
        evolved(
            step.after,
            {
                **audit,
                **seen.row.columns,
                "observed_at": seen.observed_at,
                "content_summary": summary if is_small else united([summary_of(seen.row)]),
            },
        )
        for seen in rows
    ]


def _logged_alone(step: Step, now: datetime) -> Sample:
    if step.before is None:
        return step.after
    observation = step.observation
    seen = {"observed_at": observation.observed_at, "content_summary": observation.summary}
    if step.is_stale:
        seen |= observation.columns
    return evolved(step.after, _audit(step, now) | seen)


def _audit(step: Step, now: datetime) -> dict[str, Any]:
    operator_id = step.observation.crawl.operator_id
    return {
        "creator_id": operator_id,
        "creation_time": now,
        "last_modifier_id": operator_id,
        "last_modification_time": now,
    }

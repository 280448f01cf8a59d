"""How what somebody says of a task becomes what is stored: only what is mentioned changes, the newest report wins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from schemas.ingestion import NOBODY
from schemas.outreach.crawling import region_of
from schemas.outreach.messages import IgnoredField
from schemas.outreach.records import OVER, OutreachTask, StopReason, TaskStatus
from schemas.outreach.statuses import told
from schemas.outreach.tasks import TaskFields, placed
from schemas.zones import ZONES, zone_of

#: What is written once.
_IMMUTABLE = frozenset({"creation_time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Who says something of a task, and when."""

    source: str | None
    operator_id: str | None
    observed_at: datetime
    now: datetime


def merged(
    task_id: str, stored: OutreachTask | None, fields: TaskFields, report: Report
) -> tuple[OutreachTask, list[IgnoredField]]:
    """Return the task with what is mentioned, and the fields that were not applied.

    A report older than the last one only fills in what is not known. Who made the task, and when, stays. Counts never
    go back, for they decide how many more are written to.
    """
    columns = _in_utc(fields.columns, stored)
    ignored = [*fields.ignored, *_without_a_clock(columns)]
    if stored is None:
        return _reported(_first(task_id, columns, report)), ignored
    columns = {name: value for name, value in columns.items() if name not in _IMMUTABLE}
    if report.observed_at < stored.observed_at:
        older = {name for name in columns if getattr(stored, name) is not None}
        ignored += [IgnoredField(field=name, reason="is older than what is known") for name in sorted(older)]
        columns = {name: value for name, value in columns.items() if name not in older}
    else:
        columns |= dict.fromkeys(fields.cleared)
    columns = {**_moved(stored, columns), **columns}
    if (wanted := columns.get("status")) is not None and (reason := told(stored.status, wanted)):
        del columns["status"]
        ignored.append(IgnoredField(field="status", reason=reason))
    if (count := columns.get("new_creators_real_count")) is not None:
        columns["new_creators_real_count"] = max(count, stored.new_creators_real_count)
    after = replace(
        stored,
        **columns,
        source=report.source or stored.source,
        observed_at=max(report.observed_at, stored.observed_at),
        last_modifier_id=report.operator_id or stored.last_modifier_id,
        last_modification_time=report.now,
    )
    return (_reported(after) if after.status is not stored.status else after), ignored


def _first(task_id: str, columns: Mapping[str, Any], report: Report) -> OutreachTask:
    operator_id = report.operator_id or NOBODY
    return OutreachTask(
        **{
            "platform": "tiktok",
            "task_name": "",
            "task_type": "Connect",
            "status": TaskStatus.PENDING,
            "creation_time": report.now,
            **columns,
        },
        id=task_id,
        source=report.source,
        observed_at=report.observed_at,
        creator_id=operator_id,
        last_modifier_id=operator_id,
        last_modification_time=report.now,
    )


def _reported(task: OutreachTask) -> OutreachTask:
    """Note on a task that somebody reported as over, or as running, what its new status means."""
    if task.status in OVER:
        reason = StopReason.CANCELLED if task.status is TaskStatus.CANCELLED else StopReason.REPORTED
        return replace(task, stop_reason=reason, real_end_at=task.real_end_at or task.last_modification_time)
    if task.status is TaskStatus.RUNNING:
        return replace(task, stop_reason=None, real_start_at=task.real_start_at or task.last_modification_time)
    return replace(task, stop_reason=None)


def _in_utc(columns: Mapping[str, Any], stored: OutreachTask | None) -> dict[str, Any]:
    """Read the wall clocks of a report in the task's region, as the report names it or as it is known."""
    region = region_of(columns.get("region") or (stored.region if stored else None))
    return {name: placed(value, region) if isinstance(value, datetime) else value for name, value in columns.items()}


def _moved(stored: OutreachTask, columns: Mapping[str, Any]) -> dict[str, datetime]:
    """Return the plan of a task whose region a report corrects: the same wall clocks, of the other region."""
    before, after = (zone_of(region_of(each)) for each in (stored.region, columns.get("region") or stored.region))
    if before == after:
        return {}
    plan = {name: getattr(stored, name) for name in ("plan_execute_time", "plan_stop_time")}
    return {
        name: moment.astimezone(before).replace(tzinfo=after).astimezone(UTC) for name, moment in plan.items() if moment
    }


def _without_a_clock(columns: Mapping[str, Any]) -> list[IgnoredField]:
    if "region" not in columns or region_of(columns["region"]) in ZONES:
        return []
    return [IgnoredField(field="region", reason="has no known clock: times are read in UTC")]

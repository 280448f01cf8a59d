"""Only what is said of a task changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers.outreach.merging import Report, merged
from schemas.outreach.records import OutreachTask, TaskStatus
from schemas.outreach.tasks import parse_task
from tests.build.outreach import NOON, stored_task


def told(stored: OutreachTask | None, *, at: datetime = NOON, **fields: Any) -> OutreachTask:
    report = Report(source="portal", operator_id="me", observed_at=at, now=at)
    return merged("T-1", stored, parse_task(fields), report)[0]


def test_a_partial_report_erases_nothing() -> None:
    stored = stored_task(task_name="Aurela", plan_execute_time=NOON, second_message='{"body":"b"}', max_creators=9)
    after = told(stored, status="completed", newCreators=3, taskName=None)
    assert (after.status, after.new_creators_real_count) == (TaskStatus.COMPLETED, 3)
    assert (after.task_name, after.plan_execute_time, after.max_creators) == ("Aurela", NOON, 9)
    assert after.second_message == '{"body":"b"}'


def test_who_made_it_and_when_stays() -> None:
    stored = stored_task(creation_time=NOON - timedelta(days=1))
    after = told(stored, createdAt="2020-01-01 00:00:00")
    assert (after.creation_time, after.creator_id) == (stored.creation_time, "operator")
    assert after.last_modifier_id == "me"


def test_a_new_task_has_what_the_table_needs() -> None:
    after = told(None)
    assert (after.platform, after.task_name, after.task_type, after.status) == ("tiktok", "", "Connect", "pending")
    assert (after.message_send_strategy, after.new_creators_real_count) == (0, 0)


def test_a_time_without_a_zone_is_a_wall_clocks_of_the_region() -> None:
    assert told(None, region="MX", runAtTime="2026-01-12 15:00:00").plan_execute_time == datetime(
        2026, 1, 12, 21, 0, tzinfo=UTC
    )
    assert told(None, region="fr", runAtTime="2026/07/01 00:30:00").plan_execute_time == datetime(
        2026, 6, 30, 22, 30, tzinfo=UTC
    )
    assert told(None, runAtTime="20260112_150000").plan_execute_time == datetime(2026, 1, 12, 21, 0, tzinfo=UTC)


def test_a_time_with_a_zone_is_what_it_says() -> None:
    after = told(None, region="MX", runAtTime="2026-01-12T15:00:00+01:00")
    assert after.plan_execute_time == datetime(2026, 1, 12, 14, 0, tzinfo=UTC)


def test_a_report_that_names_no_region_is_read_in_the_one_that_is_known() -> None:
    after = told(stored_task(region="MX"), runEndTime="2026-01-12 18:00:00")
    assert after.plan_stop_time == datetime(2026, 1, 13, 0, 0, tzinfo=UTC)


def test_a_time_that_nobody_can_read_is_told_and_starts_nothing() -> None:
    report = Report(source=None, operator_id=None, observed_at=NOON, now=NOON)
    after, ignored = merged("T-1", None, parse_task({"runAtTime": "soon"}), report)
    assert after.plan_execute_time is None
    assert [(each.field, each.reason) for each in ignored] == [("runAtTime", "is no moment that can be read")]


def test_an_older_report_only_fills_in() -> None:
    stored = stored_task(brand="Aurela", max_creators=None)
    after = told(stored, at=NOON - timedelta(minutes=1), brand="Nube", maxCreators=7, status="completed")
    assert (after.brand, after.max_creators, after.status) == ("Aurela", 7, TaskStatus.RUNNING)
    assert after.observed_at == NOON


def test_a_count_never_goes_back() -> None:
    assert told(stored_task(new_creators_real_count=30), newCreators=12).new_creators_real_count == 30
    assert told(stored_task(new_creators_real_count=3), newCreators=12).new_creators_real_count == 12


def test_a_report_does_not_undo_what_an_operator_decided() -> None:
    report = Report(source=None, operator_id=None, observed_at=NOON, now=NOON)
    for status in (TaskStatus.CANCELLED, TaskStatus.PAUSED, TaskStatus.COMPLETED):
        after, ignored = merged("T-1", stored_task(status=status), parse_task({"status": "running"}), report)
        assert after.status is status
        assert [each.field for each in ignored] == ["status"]


def test_a_paused_task_may_be_reported_as_over() -> None:
    assert told(stored_task(status=TaskStatus.PAUSED), status="canceled").status is TaskStatus.CANCELLED


def test_a_task_reported_as_running_has_begun() -> None:
    assert told(None, status="running").real_start_at == NOON
    at = "2026-01-12T15:00:04Z"
    assert told(None, status="running", startedAt=at).real_start_at == datetime(2026, 1, 12, 15, 0, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall_clock", "utc"),
    [
        ("2026-03-29 02:30:00", "2026-03-29T01:30"),  # does not exist: the clock goes from 2 to 3
        ("2026-03-29 03:30:00", "2026-03-29T01:30"),
        ("2026-10-25 02:30:00", "2026-10-25T00:30"),  # comes twice: the first
        ("2026-10-25 03:30:00", "2026-10-25T02:30"),
    ],
)
def test_a_night_in_which_the_clock_changes_has_every_time(wall_clock: str, utc: str) -> None:
    after = told(None, region="FR", runAtTime="2026-03-28 12:00:00", runEndTime=wall_clock)
    assert after.plan_stop_time == datetime.fromisoformat(f"{utc}:00+00:00")


def test_a_region_that_comes_later_moves_the_plan_to_its_clock() -> None:
    stored = told(None, runAtTime="2026-01-12 10:00:00", runEndTime="2026-07-12 10:00:00")
    assert stored.plan_execute_time == datetime(2026, 1, 12, 16, 0, tzinfo=UTC)
    after = told(stored, region="FR")
    assert after.plan_execute_time == datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
    assert after.plan_stop_time == datetime(2026, 7, 12, 8, 0, tzinfo=UTC)
    assert told(stored, region="MX").plan_execute_time == stored.plan_execute_time
    named = told(stored, region="FR", runAtTime="2026-01-12 11:00:00")
    assert named.plan_execute_time == datetime(2026, 1, 12, 10, 0, tzinfo=UTC)
    assert told(after, at=NOON - timedelta(days=1), region="MX").plan_execute_time == after.plan_execute_time


def test_a_region_without_a_known_clock_is_told() -> None:
    report = Report(source=None, operator_id=None, observed_at=NOON, now=NOON)
    after, ignored = merged("T-1", None, parse_task({"region": "XX", "runAtTime": "2026-01-12 10:00:00"}), report)
    assert [(each.field, each.reason) for each in ignored] == [("region", "has no known clock: times are read in UTC")]
    assert (after.region, after.plan_execute_time) == ("XX", datetime(2026, 1, 12, 10, 0, tzinfo=UTC))


def test_what_an_older_report_says_in_vain_is_told() -> None:
    report = Report(source=None, operator_id=None, observed_at=NOON - timedelta(minutes=1), now=NOON)
    after, ignored = merged("T-1", stored_task(), parse_task({"brand": "Nube", "maxCreators": 3}), report)
    assert [(each.field, each.reason) for each in ignored] == [("brand", "is older than what is known")]
    assert (after.brand, after.max_creators) == ("Aurela", 3)

"""How a task goes from one status to another, and when its creators may be written to."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.outreach.messages import Action
from schemas.outreach.records import OVER, StopReason, TaskStatus
from schemas.outreach.statuses import WINDOW, Gate, concluded, controlled, leave_of, room_of, started, stopped, told
from tests.build.outreach import NOON, stored_task

S = TaskStatus
LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        (S.PENDING, Action.START, S.RUNNING),
        (S.NOT_STARTED, Action.START, S.RUNNING),
        (S.PAUSED, Action.START, S.RUNNING),
        (S.COMPLETED, Action.START, S.RUNNING),
        (S.TIMEOUT, Action.START, S.RUNNING),
        (S.RUNNING, Action.START, S.RUNNING),
        (S.CANCELLED, Action.START, S.CANCELLED),
        (S.RUNNING, Action.PAUSE, S.PAUSED),
        (S.PENDING, Action.PAUSE, S.PAUSED),
        (S.COMPLETED, Action.PAUSE, S.COMPLETED),
        (S.RUNNING, Action.RESUME, S.RUNNING),
        (S.COMPLETED, Action.RESUME, S.COMPLETED),
        (S.RUNNING, Action.CANCEL, S.CANCELLED),
        (S.PAUSED, Action.CANCEL, S.CANCELLED),
        (S.PENDING, Action.CANCEL, S.CANCELLED),
        (S.COMPLETED, Action.CANCEL, S.COMPLETED),
        (S.RUNNING, Action.END, S.RUNNING),
    ],
)
def test_an_action_does_what_its_word_says(before: TaskStatus, action: Action, after: TaskStatus) -> None:
    task = stored_task(status=before)
    changed = controlled(task, action, LATER)
    assert changed.status is after
    assert (changed is task) == (before is after and action is not Action.END)


def test_a_paused_task_goes_on_as_what_it_was() -> None:
    paused = controlled(stored_task(real_start_at=NOON), Action.PAUSE, NOON, "holidays")
    assert paused.message == "holidays"
    assert controlled(paused, Action.RESUME, NOON).status is S.RUNNING
    never_ran = controlled(stored_task(status=S.PENDING), Action.PAUSE, NOON)
    assert controlled(never_ran, Action.RESUME, NOON).status is S.PENDING


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({}, Gate.OPEN),
        ({"status": S.PENDING}, Gate.WAIT),
        ({"status": S.NOT_STARTED}, Gate.WAIT),
        ({"status": S.PAUSED}, Gate.WAIT),
        ({"status": S.CANCELLED}, Gate.CLOSED),
        ({"status": S.FAILED}, Gate.CLOSED),
        ({"status": S.TIMEOUT}, Gate.CLOSED),
        ({"status": S.COMPLETED, "stop_reason": StopReason.TARGET}, Gate.CLOSED),
        ({"status": S.COMPLETED, "stop_reason": StopReason.HANDED_OVER}, Gate.OPEN),
        ({"status": S.COMPLETED, "stop_reason": StopReason.REPORTED}, Gate.OPEN),
        ({"plan_stop_time": NOON}, Gate.CLOSED),
        ({"plan_stop_time": LATER}, Gate.OPEN),
        ({"status": S.PAUSED, "plan_stop_time": NOON}, Gate.CLOSED),
        ({"new_creators_expect_count": 5, "new_creators_real_count": 5}, Gate.CLOSED),
        ({"new_creators_expect_count": 5, "new_creators_real_count": 4}, Gate.OPEN),
        ({"new_creators_expect_count": 0, "new_creators_real_count": 4}, Gate.OPEN),
    ],
)
def test_creators_are_written_to_only_while_their_task_runs(changes: dict[str, Any], gate: Gate) -> None:
    assert leave_of(stored_task(**changes), NOON).gate is gate


def test_what_is_on_its_way_counts_towards_the_target() -> None:
    task = stored_task(new_creators_expect_count=10, new_creators_real_count=4)
    assert room_of(task, queued=2, uncertain=1) == 3
    assert room_of(task, queued=6, uncertain=0) == 0
    assert room_of(task, queued=9, uncertain=9) == 0


def test_a_few_are_on_their_way_at_once_however_many_are_wanted() -> None:
    assert room_of(stored_task(), queued=0, uncertain=3) == WINDOW
    assert room_of(stored_task(), queued=WINDOW, uncertain=0) == 0


@pytest.mark.parametrize(
    ("changes", "is_quiet", "reason"),
    [
        ({"new_creators_expect_count": 2, "new_creators_real_count": 2}, False, StopReason.TARGET),
        ({"max_creators": 2, "creators_seen": 2}, True, StopReason.MAXIMUM),
        ({"max_creators": 2, "creators_seen": 2}, False, None),
        ({"handed_over_at": NOON}, True, StopReason.HANDED_OVER),
        ({"handed_over_at": NOON}, False, None),
        ({"handed_over_at": LATER}, True, None),
        ({}, True, None),
    ],
)
def test_a_task_ends_when_it_has_what_it_wants(
    changes: dict[str, Any], is_quiet: bool, reason: StopReason | None
) -> None:
    after = concluded(stored_task(**changes), LATER, is_quiet=is_quiet)
    assert after.stop_reason == reason
    assert after.status is (S.COMPLETED if reason else S.RUNNING)


def test_an_end_says_why_and_how_long_it_took() -> None:
    after = stopped(stored_task(real_start_at=NOON), S.TIMEOUT, StopReason.TIME, LATER)
    assert (after.message, after.real_end_at, after.spend_time) == ("run_end_time_reached", LATER, 3600)
    odd = stopped(stored_task(real_start_at=NOON.replace(year=9998)), S.TIMEOUT, StopReason.TIME, LATER)
    assert odd.spend_time == 0
    again = started(after, LATER)
    assert (again.message, again.stop_reason, again.real_end_at) == (None, None, None)
    assert started(stored_task(plan_stop_time=NOON), LATER).plan_stop_time is None
    assert started(stored_task(plan_stop_time=LATER), NOON).plan_stop_time == LATER


@pytest.mark.parametrize("current", sorted(OVER))
def test_what_is_over_stays_over_whatever_is_reported(current: TaskStatus) -> None:
    assert all(told(current, wanted) for wanted in TaskStatus if wanted is not current)


def test_a_report_never_takes_a_running_task_back_to_before_it_ran() -> None:
    assert told(S.RUNNING, S.PENDING)
    assert told(S.RUNNING, S.COMPLETED) is None
    assert told(S.PENDING, S.RUNNING) is None

"""How outreach tasks begin, wait and end on every database, with no more creators written to than wanted."""

import asyncio

import pytest

from brokers.verdict import Reject, Retryable
from handlers.outreach import control_outreach, count_progress, ingest_outreach_task
from persistence.engine import Database
from publishers.outreach import ASK_AGAIN
from publishers.schedules.politeness import Politeness
from schemas.outreach.records import TaskStatus
from schemas.outreach.statuses import GRACE, WINDOW
from tests.build.outreach import control, delivered, progress, task
from tests.build.outreach_mesh import OutreachMesh, persevering


@pytest.fixture
def mesh(database: Database) -> OutreachMesh:
    return OutreachMesh(database)


async def test_a_task_stops_at_its_target_with_not_one_too_many(mesh: OutreachMesh) -> None:
    await mesh.report(targetNewCreators=3)
    mesh.sender.fails = lambda each: Reject("no chat") if each.platform_creator_id == "2" else None
    await mesh.hand_over(*(str(number) for number in range(1, 9)))
    await mesh.carry()
    assert mesh.written_to == ["1", "3", "4"]
    after = await mesh.task()
    assert (after.status, after.message, after.new_creators_real_count) == ("completed", "target_reached", 3)
    assert await mesh.states() == {"sent": 3, "failed": 1, "skipped": 4}
    await mesh.hand_over("99")
    await mesh.carry()
    assert len(mesh.written_to) == 3


async def test_a_task_stops_at_its_maximum_of_creators(mesh: OutreachMesh) -> None:
    await mesh.report(maxCreators=2)
    await mesh.hand_over("1", "2", "3")
    await mesh.carry()
    after = await mesh.task()
    assert sorted(mesh.written_to) == ["1", "2"]
    assert (after.status, after.message, after.creators_seen) == ("completed", "max_creators_reached", 2)


async def test_a_task_ends_at_its_end_time_and_writes_to_nobody_after_it(mesh: OutreachMesh) -> None:
    await mesh.report(runEndTime="2026-01-12 12:30:00")  # 18:30 UTC in Mexico City
    await mesh.control("pause")
    await mesh.hand_over("1")
    assert await mesh.poll() == 0
    mesh.clock.forward(minutes=31)
    assert await mesh.poll() == 1
    after = await mesh.task()
    assert (after.status, after.message, after.real_end_at) == ("timeout", "run_end_time_reached", mesh.clock())
    assert await mesh.states() == {"skipped": 1}
    await mesh.hand_over("2")
    await mesh.carry()
    assert mesh.written_to == []


async def test_a_task_begins_at_its_time_in_its_region_once(mesh: OutreachMesh) -> None:
    await mesh.report(status="pending", runAtTime="2026-01-12 13:00:00", searchKeywords="soap")  # 19:00 UTC
    await mesh.hand_over("1")
    assert await mesh.poll() == 0
    mesh.clock.forward(minutes=59, seconds=59)
    assert await mesh.poll() == 0
    mesh.clock.forward(seconds=1)
    begun = await asyncio.gather(*(persevering(mesh.poll) for _ in range(4)))
    assert sum(begun) == 1
    await mesh.carry()
    assert [(each.task_id, each.keywords) for each in mesh.crawls] == [("T-1", ["soap"])]
    assert (await mesh.task()).status is TaskStatus.RUNNING
    assert mesh.written_to == ["1"]


async def test_midnight_belongs_to_the_region(mesh: OutreachMesh) -> None:
    await mesh.report("FR", region="FR", status="pending", runAtTime="2026-01-13")  # 23:00 UTC
    await mesh.report("MX", region="MX", status="pending", runAtTime="2026-01-13")  # 06:00 UTC on the 13th
    mesh.clock.forward(hours=5)
    await mesh.poll()
    await mesh.carry()
    assert [each.task_id for each in mesh.crawls] == ["FR"]
    mesh.clock.forward(hours=7)
    await mesh.poll()
    await mesh.carry()
    assert [each.task_id for each in mesh.crawls] == ["FR", "MX"]


async def test_a_task_that_names_no_time_waits_for_a_person(mesh: OutreachMesh) -> None:
    await mesh.report(status="pending")
    assert await mesh.poll() == 0
    await mesh.control("start", crawl=True)
    await mesh.carry()
    assert [each.task_id for each in mesh.crawls] == ["T-1"]


async def test_whoever_a_paused_task_finds_is_written_to_when_it_goes_on(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.control("pause")
    await mesh.hand_over("1", "2")
    await mesh.carry()
    await mesh.poll()
    await mesh.carry()
    assert (mesh.written_to, await mesh.states()) == ([], {"waiting": 2})
    await mesh.report(status="running", brand="Aurela")
    await mesh.carry()
    assert mesh.written_to == []
    await mesh.control("resume")
    await mesh.carry()
    assert sorted(mesh.written_to) == ["1", "2"]


async def test_nobody_is_written_to_in_the_quiet_hours_of_the_region(mesh: OutreachMesh) -> None:
    mesh.politeness = Politeness.parse(quiet_hours={"MX": "11:00-13:00"})  # 17:00 to 19:00 UTC
    await mesh.report(region="mx")
    await mesh.hand_over("1")
    await mesh.carry()
    assert (mesh.written_to, await mesh.states()) == ([], {"waiting": 1})
    mesh.clock.forward(hours=1)
    await mesh.poll()
    await mesh.carry()
    assert mesh.written_to == ["1"]


async def test_a_cancelled_task_writes_to_nobody_who_waits(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.control("pause")
    await mesh.hand_over("1")
    await mesh.control("cancel", reason="wrong brand")
    await mesh.control("start")
    await mesh.carry()
    after = await mesh.task()
    assert (after.status, after.message) == ("cancelled", "wrong brand")
    assert (mesh.written_to, await mesh.states()) == ([], {"skipped": 1})


async def test_only_a_few_are_on_their_way_at_once_and_all_arrive(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over(*(str(number) for number in range(50)))
    assert await mesh.states() == {"queued": WINDOW, "waiting": 50 - WINDOW}
    await mesh.carry()
    assert await mesh.states() == {"sent": 50}
    assert len(set(mesh.written_to)) == len(mesh.written_to) == 50


async def test_the_end_of_a_crawl_leaves_nobody_out(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over("1", "2")
    await mesh.control("end")
    await mesh.carry()
    await mesh.poll()
    assert (await mesh.task()).status is TaskStatus.RUNNING
    mesh.clock.forward(seconds=GRACE.total_seconds())
    await mesh.poll()
    after = await mesh.task()
    assert (after.status, after.message) == ("completed", "all_creators_done")
    await mesh.hand_over("3")  # was overtaken by the end
    await mesh.carry()
    assert sorted(mesh.written_to) == ["1", "2", "3"]
    assert (await mesh.task()).new_creators_real_count == 3


async def test_a_task_that_ran_out_can_be_run_again(mesh: OutreachMesh) -> None:
    await mesh.report(runEndTime="2026-01-12 12:30:00")
    mesh.clock.forward(hours=1)
    await mesh.poll()
    await mesh.control("start")
    assert await mesh.poll() == 0
    await mesh.hand_over("1")
    await mesh.carry()
    assert mesh.written_to == ["1"]


async def test_a_report_is_applied_once_and_answered_alike(mesh: OutreachMesh) -> None:
    message = delivered(task(taskId=..., newCreators=1))
    first = await ingest_outreach_task(message, mesh.uow, mesh.clock)
    again = await ingest_outreach_task(message, mesh.uow, mesh.clock)
    assert first == again
    assert (await mesh.task(first.task_id)).new_creators_real_count == 1


async def test_progress_is_counted_once_and_ends_a_task(mesh: OutreachMesh) -> None:
    await mesh.report(targetNewCreators=3)
    message = delivered(progress(2))
    for _ in range(2):
        told = await count_progress(message, mesh.uow, mesh.clock)
        assert told.new_creators_real_count == 2
    await asyncio.gather(
        *(persevering(lambda: count_progress(delivered(progress()), mesh.uow, mesh.clock)) for _ in range(5))
    )
    after = await mesh.task()
    assert (after.new_creators_real_count, after.status, after.message) == (7, "completed", "target_reached")
    with pytest.raises(Reject, match="Outreach task not found"):
        await count_progress(delivered(progress(task_id="T-9")), mesh.uow, mesh.clock)


async def test_an_action_on_a_task_that_is_not_known_yet_is_tried_again(mesh: OutreachMesh) -> None:
    with pytest.raises(Retryable):
        await mesh.control("start", "T-9")


async def test_an_action_delivered_twice_acts_once(mesh: OutreachMesh) -> None:
    await mesh.report()
    pause = delivered(control("pause"))
    await control_outreach(pause, mesh.uow, mesh.clock)
    await mesh.control("resume")
    await control_outreach(pause, mesh.uow, mesh.clock)
    assert (await mesh.task()).status is TaskStatus.RUNNING


async def test_creators_who_wait_are_asked_about_now_and_then_and_not_all_the_time(mesh: OutreachMesh) -> None:
    await mesh.report(targetNewCreators=1)
    await mesh.hand_over("1", "2")
    await mesh.said()
    await mesh.poll()
    assert [message.key for message in await mesh.said()] == ["outreach.contacts.decide"]
    await mesh.poll()
    assert await mesh.said() == []
    mesh.clock.forward(seconds=ASK_AGAIN.total_seconds())
    await mesh.poll()
    assert len(await mesh.said()) == 1

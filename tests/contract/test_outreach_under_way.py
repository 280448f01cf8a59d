"""Outreach tasks that are edited, reported, blocked and ended while they run, on every database."""

import asyncio
from dataclasses import asdict

import pytest

from brokers.verdict import Reject
from handlers.chatbot import send_chat_messages
from handlers.outreach import count_progress, decide_contacts, ingest_outreach_task, on_chat_outcome
from persistence.engine import Database
from persistence.tables import outreach_tasks
from schemas.chatbot.messages import SendChatMessages
from schemas.chatbot.records import DeliveryState
from schemas.outreach.messages import IngestOutreachTask
from schemas.outreach.records import TaskStatus
from schemas.outreach.statuses import GRACE, WINDOW
from tests.build.outreach import REPORTED_IN_FULL, delivered, found, outcome, progress, stored_task, task
from tests.build.outreach_mesh import OutreachMesh, persevering


@pytest.fixture
def mesh(database: Database) -> OutreachMesh:
    return OutreachMesh(database)


async def test_a_task_that_was_reported_as_finished_and_running_at_once_times_out(mesh: OutreachMesh) -> None:
    await ingest_outreach_task(delivered(IngestOutreachTask.model_validate(REPORTED_IN_FULL)), mesh.uow, mesh.clock)
    await mesh.hand_over("1", task_id="F-1")
    await mesh.poll()
    await mesh.carry()
    after = await mesh.task("F-1")
    assert (after.status, after.message, after.stop_reason) == ("timeout", "run_end_time_reached", after.message)
    assert after.real_end_at is not None
    assert after.real_end_at.isoformat() == "2025-01-01T17:00:00+00:00"
    assert mesh.written_to == []


@pytest.mark.parametrize("is_one_message", [True, False])
async def test_one_new_task_reported_twenty_times_at_once_is_one_task(mesh: OutreachMesh, is_one_message: bool) -> None:
    reports = [delivered(task(newCreators=1), message_id="one" if is_one_message else None) for _ in range(20)]
    told = await asyncio.gather(
        *(persevering(lambda each=each: ingest_outreach_task(each, mesh.uow, mesh.clock)) for each in reports)  # type: ignore[misc]
    )
    assert {(each.task_id, len(each.ignored)) for each in told} == {("T-1", 0)}
    assert (await mesh.task()).new_creators_real_count == 1


async def test_a_target_may_be_raised_and_lowered_under_way(mesh: OutreachMesh) -> None:
    await mesh.report(targetNewCreators=1)
    await mesh.hand_over(*"12345")
    await mesh.report(targetNewCreators=2)
    assert await mesh.states() == {"queued": 1, "waiting": 4}
    first = await mesh.said()
    await mesh.report(targetNewCreators=1)
    for message in first:
        await mesh.deliver(message)
    await mesh.carry()
    assert len(mesh.written_to) == 1
    assert (await mesh.task()).status is TaskStatus.COMPLETED


async def test_an_end_that_is_moved_away_in_time_is_none(mesh: OutreachMesh) -> None:
    await mesh.report(runEndTime="2026-01-12 11:00:00")
    await mesh.report(runEndTime="2026-01-13 11:00:00")
    await mesh.poll()
    await mesh.hand_over("1")
    await mesh.carry()
    assert mesh.written_to == ["1"]
    await mesh.report(runEndTime="2026-01-12 11:00:00")
    await mesh.poll()
    await mesh.report(runEndTime="2026-01-13 11:00:00")
    assert (await mesh.task()).status is TaskStatus.TIMEOUT


async def test_an_edited_task_writes_what_it_says_now(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over("1")
    await mesh.report(emailFirstBody="Otra vez", region="FR")
    await mesh.hand_over("2")
    await mesh.carry()
    assert mesh.sender.texts == ["Hola, ¿colaboramos?", "Otra vez"]
    assert [each.region for each in mesh.sender.sent] == ["MX", "FR"]


async def test_a_crawl_that_failed_ends_its_task_as_failed_once_everybody_is_done(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over("1")
    await mesh.control("end", reason="no account")
    assert (await mesh.task()).status is TaskStatus.RUNNING
    await mesh.carry()
    after = await mesh.task()
    assert (after.status, after.message, after.stop_reason) == ("failed", "no account", "crawl_failed")
    await mesh.hand_over("2")  # was overtaken by the end
    await mesh.carry()
    assert mesh.written_to == ["1", "2"]


async def test_a_crawl_that_failed_before_it_found_anybody_ends_its_task_at_once(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.control("end", reason="no account")
    after = await mesh.task()
    assert (after.status, after.message) == ("failed", "no account")
    await mesh.control("start", crawl=True)
    assert (await mesh.task()).status is TaskStatus.RUNNING


async def test_whoever_another_task_writes_to_keeps_nobody_else_waiting(mesh: OutreachMesh) -> None:
    names = [str(number) for number in range(WINDOW)]
    await mesh.report("T-1")
    await mesh.hand_over(*names)
    held = await mesh.said()
    await mesh.report("T-2", brand="Nube")
    await mesh.hand_over(*names, "free", task_id="T-2")
    await mesh.carry()
    assert mesh.written_to == ["free"]
    for message in held:
        await mesh.deliver(message)
    mesh.clock.forward(minutes=1)
    await mesh.poll()
    await mesh.carry()
    assert await mesh.states("T-2") == {"sent": WINDOW + 1}


async def test_a_hundred_who_are_all_skipped_are_skipped_at_once(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.control("pause")
    await mesh.hand_over(*(str(number) for number in range(50)), reply=True)
    await mesh.control("resume")
    await mesh.carry()
    assert await mesh.states() == {"skipped": 50}


async def test_a_task_that_was_made_for_a_creator_ends_with_them(mesh: OutreachMesh) -> None:
    told = {"email_first_body": "Hola", "region": "MX"}
    await mesh.hand_over("1", task_id=None, taskId="B-1", taskMetadata=told)
    await mesh.carry()
    mesh.clock.forward(seconds=GRACE.total_seconds())
    await mesh.poll()
    after = await mesh.task("B-1")
    assert (mesh.written_to, after.status, after.message) == (["1"], "completed", "all_creators_done")


async def test_a_paused_task_that_is_started_searches_once_and_keeps_its_end(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.control("end")
    await mesh.control("pause")
    await mesh.control("start", crawl=True)
    await mesh.carry()
    mesh.clock.forward(seconds=GRACE.total_seconds())
    await mesh.poll()
    assert (mesh.crawls, (await mesh.task()).status) == ([], "completed")
    await mesh.control("start", crawl=True)
    await mesh.carry()
    assert len(mesh.crawls) == 1


async def test_a_task_that_has_what_it_wants_searches_for_nobody(mesh: OutreachMesh) -> None:
    await mesh.report(targetNewCreators=1, newCreators=1)
    assert (await mesh.task()).status is TaskStatus.COMPLETED
    await mesh.control("start", crawl=True)
    await mesh.carry()
    assert (mesh.crawls, (await mesh.task()).status) == ([], "completed")


async def test_tasks_that_wait_for_their_creators_hide_none_that_is_done(mesh: OutreachMesh) -> None:
    for number in range(51):
        await mesh.report(f"T-{number:02}")
        await mesh.control("end", f"T-{number:02}")
        if number < 50:
            await mesh.hand_over(f"c{number}", task_id=f"T-{number:02}")
    mesh.clock.forward(seconds=GRACE.total_seconds())
    assert await mesh.poll() == 1
    assert (await mesh.task("T-50")).status is TaskStatus.COMPLETED


async def test_decisions_outcomes_and_progress_at_once_never_exceed_a_target(mesh: OutreachMesh) -> None:
    await mesh.report(targetNewCreators=10)
    names = [str(number) for number in range(30)]
    mesh.sender.fails = lambda each: Reject("no chat") if int(each.platform_creator_id) % 4 == 0 else None

    async def decide(name: str) -> None:
        await decide_contacts([delivered(found(name))], mesh.uow, mesh.clock, mesh.politeness)

    async def tell(name: str) -> None:
        told = outcome(name, DeliveryState.FAILED, reason="no chat")
        await on_chat_outcome([delivered(told)], mesh.uow, mesh.clock)

    work = [lambda each=each: decide(each) for each in names]  # type: ignore[misc]
    work += [lambda each=each: tell(each) for each in names[:3]]  # type: ignore[misc]
    work += [lambda: count_progress(delivered(progress(2)), mesh.uow, mesh.clock), mesh.poll]
    await asyncio.gather(*(persevering(each) for each in work))
    while messages := await mesh.said():
        await asyncio.gather(*(persevering(lambda each=each: mesh.deliver(each)) for each in messages))  # type: ignore[misc]
    after = await mesh.task()
    assert len(mesh.written_to) == len(set(mesh.written_to))
    assert (len(mesh.written_to), after.new_creators_real_count, after.status) == (8, 10, "completed")


async def test_a_creator_with_wild_metadata_is_decided_like_any_other(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over("1", taskMetadata={"brand": ["x"], "product_list": 5, "region": {}})
    told = {"brand": ["x"], "region": {}, "email_first_body": "Hola"}
    await mesh.hand_over("2", task_id="T-9", taskMetadata=told, brandName="Nube")
    await mesh.carry()
    assert mesh.written_to == ["1", "2"]


async def test_a_later_text_that_came_with_a_creator_serves_a_task_without_one(mesh: OutreachMesh) -> None:
    await mesh.report(emailLaterBody=..., brand=...)
    await mesh.hand_over("1", connect=True, taskMetadata={"email_first": "no", "email_later": "¿Y bien?"})
    await mesh.carry()
    assert mesh.sender.texts == ["¿Y bien?"]


async def test_a_task_for_first_contacts_stays_one_whatever_came_with_its_creators(mesh: OutreachMesh) -> None:
    await mesh.report(onlyFirst=1)
    await mesh.hand_over("1", connect=True, onlyFirst=0)
    await mesh.carry()
    assert (mesh.written_to, await mesh.states()) == ([], {"skipped": 1})


async def test_a_reminder_in_the_chat_makes_the_next_message_a_later_one(mesh: OutreachMesh) -> None:
    batch = [{"platformCreatorId": "1", "sampleId": "S", "scenario": "shipped", "run": 1, "messages": ["Va"]}]
    reminder = delivered(SendChatMessages.model_validate(batch))
    await send_chat_messages(reminder, mesh.uow, mesh.sender, mesh.clock, mesh.unrecorded)
    await mesh.report(brand=...)
    await mesh.hand_over("1")
    await mesh.carry()
    assert mesh.sender.texts == ["Va", "¿Seguimos?"]


async def test_whoever_was_found_beyond_a_lowered_maximum_is_skipped(mesh: OutreachMesh) -> None:
    await mesh.report(targetNewCreators=1)
    await mesh.hand_over(*"12345")
    await mesh.report(maxCreators=2)
    assert await mesh.states() == {"queued": 1, "waiting": 1, "skipped": 3}
    await mesh.report(targetNewCreators=9)
    await mesh.carry()
    after = await mesh.task()
    assert (mesh.written_to, after.status, after.message) == (["1", "2"], "completed", "max_creators_reached")


async def test_a_status_of_somebody_else_rests_and_breaks_no_list(mesh: OutreachMesh) -> None:
    await mesh.report()
    async with mesh.uow() as tx:
        await tx._session.execute(outreach_tasks.update().values(status="archived"))
    await mesh.hand_over("1")
    await mesh.carry()
    async with mesh.uow() as tx:
        assert [str(each.status) for each in await tx.outreach_tasks.listed(None, 9)] == ["archived"]
    assert (mesh.written_to, await mesh.states()) == ([], {"waiting": 1})
    await mesh.control("start")
    await mesh.carry()
    assert mesh.written_to == ["1"]


async def test_a_row_of_somebody_else_needs_no_moment_of_observation(mesh: OutreachMesh) -> None:
    row = {name: value for name, value in asdict(stored_task(id="P-1")).items() if value is not None}
    async with mesh.uow() as tx:
        del row["observed_at"]
        await tx._session.execute(outreach_tasks.insert().values(row))
    assert (await mesh.task("P-1")).observed_at is not None

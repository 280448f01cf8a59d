"""Outreach from report to outcome on every database: a creator is written to once, and no more of them than wanted."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from brokers.delivery import Delivery
from brokers.outgoing import Outgoing
from brokers.verdict import Conflict, Reject, Retryable
from handlers.chatbot import Unrecorded, send_chat_messages
from handlers.creators import ingest_creators
from handlers.outreach import (
    control_outreach,
    count_progress,
    decide_contacts,
    ingest_outreach_task,
    on_chat_outcome,
)
from persistence.engine import Database
from publishers.outreach import ASK_AGAIN, OutreachPoller
from publishers.schedules.politeness import Politeness
from schemas.chatbot.messages import SendChatMessages
from schemas.chatbot.records import DeliveryState
from schemas.crawl.messages import CrawlCreators
from schemas.outreach.messages import ChatOutcome, DecideContacts
from schemas.outreach.records import Contact, ContactState, OutreachTask, TaskStatus
from schemas.outreach.statuses import GRACE, WINDOW
from tests.build.outreach import NOON, control, creator, delivered, found, outcome, progress, task
from tests.build.outreach import creators as page
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender


async def persevering(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run a handler as the runtime does: one that lost a race runs again at once."""
    for _ in range(30):
        try:
            return await work()
        except Conflict:
            await asyncio.sleep(random.random() / 50)
    raise AssertionError("lost thirty races in a row")


class Mesh:
    """The handlers on one database, the outbox carried by hand, and a chat that keeps what it was told."""

    def __init__(self, database: Database) -> None:
        self.database, self.uow = database, database.uow
        self.clock, self.sender = FakeClock(NOON), FakeSender()
        self.unrecorded, self.politeness = Unrecorded(), Politeness()
        self.crawls: list[CrawlCreators] = []

    async def report(self, task_id: str = "T-1", **fields: Any) -> Any:
        return await ingest_outreach_task(delivered(task(task_id, **fields), at=self.clock()), self.uow, self.clock)

    async def hand_over(self, *creator_ids: str, **fields: Any) -> None:
        await decide_contacts([delivered(found(*creator_ids, **fields))], self.uow, self.clock, self.politeness)

    async def control(self, action: str, task_id: str = "T-1", **fields: Any) -> None:
        await control_outreach(delivered(control(action, task_id, **fields)), self.uow, self.clock)

    async def poll(self) -> int:
        return await OutreachPoller(self.uow, self.clock).pass_once()

    async def said(self) -> list[Outgoing]:
        """Take what waits in the outbox."""
        async with self.uow() as tx:
            lease = timedelta(seconds=1)
            rows = await tx.outbox.claim(limit=1000, token="t" * 36, lease=lease, now=self.clock())
            await tx.outbox.delete([row.id for row in rows], token="t" * 36)
        return [row.message for row in rows]

    async def carry(self) -> None:
        """Deliver what was said until nothing more is, each message alone."""
        while messages := await self.said():
            for message in messages:
                await self.deliver(message)

    async def deliver(self, message: Outgoing) -> None:
        if message.key == "chatbot.sample.batch":
            await self.chat(message)
        elif message.key.startswith("chatbot.outcome"):
            heard = delivered(ChatOutcome.model_validate_json(message.body), message_id=message.message_id)
            await on_chat_outcome([heard], self.uow, self.clock)
        elif message.key == "outreach.contacts.decide":
            handed = delivered(DecideContacts.model_validate_json(message.body), message_id=message.message_id)
            await decide_contacts([handed], self.uow, self.clock, self.politeness)
        else:
            self.crawls.append(CrawlCreators.model_validate_json(message.body))

    async def chat(self, message: Outgoing, attempt: int = 1) -> None:
        batch = SendChatMessages.model_validate_json(message.body)
        delivery: Delivery[SendChatMessages] = delivered(batch, message_id=message.message_id, attempt=attempt)
        with contextlib.suppress(Retryable, Reject):
            await send_chat_messages(delivery, self.uow, self.sender, self.clock, self.unrecorded)

    async def task(self, task_id: str = "T-1") -> OutreachTask:
        async with self.uow() as tx:
            return (await tx.outreach_tasks.find([task_id]))[task_id]

    async def contacts(self, task_id: str = "T-1") -> dict[str, Contact]:
        async with self.uow() as tx:
            return {each.platform_creator_id: each for each in await tx.contacts.listed(task_id, None, 1000)}

    async def states(self, task_id: str = "T-1") -> dict[str, int]:
        async with self.uow() as tx:
            return {str(state): count for state, count in (await tx.contacts.tally([task_id]))[task_id].items()}

    @property
    def written_to(self) -> list[str]:
        return [task.platform_creator_id for task in self.sender.sent]


@pytest.fixture
def mesh(database: Database) -> Mesh:
    return Mesh(database)


async def test_from_the_search_to_the_counter(mesh: Mesh) -> None:
    await mesh.report(productList=["P-1"])
    options = {"taskId": "T-1", "contact": True, "accountName": "MX1"}
    crawl = delivered(page(creator(), creator(platformCreatorId="8"), options=options))
    await ingest_creators([crawl], mesh.uow, mesh.clock)
    await mesh.carry()
    assert sorted(mesh.written_to) == ["7341000000000000777", "8"]
    first = mesh.sender.sent[0]
    assert (first.account_name, first.region, first.outreach_task_id) == ("MX1", "MX", "T-1")
    assert [(each.type, each.content) for each in first.messages] == [
        ("text", "Hola, ¿colaboramos?"),
        ("product_card", "P-1"),
    ]
    assert (await mesh.task()).new_creators_real_count == 2
    contact = (await mesh.contacts())["8"]
    assert (contact.state, contact.decision, contact.sent_at) == ("sent", "first", NOON)


async def test_a_creator_is_written_to_once_per_task_however_often_they_are_handed_over(mesh: Mesh) -> None:
    await mesh.report()
    await mesh.hand_over("1", "1")
    await mesh.hand_over("1")
    chats = [message for message in await mesh.said() if message.key == "chatbot.sample.batch"]
    assert len(chats) == 1
    for message in chats * 3:
        await mesh.deliver(message)
    await mesh.hand_over("1")
    await mesh.carry()
    assert mesh.written_to == ["1"]
    assert (await mesh.task()).new_creators_real_count == 1


async def test_creators_handed_over_many_times_at_once_are_each_written_to_once(mesh: Mesh) -> None:
    await mesh.report()
    await asyncio.gather(*(persevering(lambda: mesh.hand_over("1", "2", "3")) for _ in range(10)))
    await mesh.carry()
    assert sorted(mesh.written_to) == ["1", "2", "3"]
    assert (await mesh.task()).creators_seen == 3


async def test_two_tasks_of_one_brand_that_find_a_creator_at_once_write_one_message(mesh: Mesh) -> None:
    for task_id in ("T-1", "T-2", "T-3"):
        await mesh.report(task_id)
    tasks = [f"T-{1 + number % 3}" for number in range(6)]
    await asyncio.gather(*(persevering(lambda each=each: mesh.hand_over("1", task_id=each)) for each in tasks))  # type: ignore[misc]
    await mesh.carry()
    mesh.clock.forward(minutes=1)
    await mesh.poll()
    await mesh.carry()
    assert mesh.written_to == ["1"]
    decided = [(await mesh.contacts(each))["1"].state for each in ("T-1", "T-2", "T-3")]
    assert sorted(decided) == ["sent", "skipped", "skipped"]


async def test_another_brand_writes_the_later_text_to_who_was_written_to_before(mesh: Mesh) -> None:
    await mesh.report("T-1")
    await mesh.report("T-2", brand="Nube")
    for task_id in ("T-1", "T-2"):
        await mesh.hand_over("1", task_id=task_id)
        await mesh.carry()
    assert mesh.sender.texts == ["Hola, ¿colaboramos?", "¿Seguimos?"]


async def test_a_reply_that_a_crawl_saw_keeps_everybody_away(mesh: Mesh) -> None:
    await mesh.report()
    await ingest_creators([delivered(page(creator(platformCreatorId="1", reply=True)))], mesh.uow, mesh.clock)
    await mesh.hand_over("1")
    await mesh.hand_over("2", reply="yes")
    await mesh.carry()
    assert mesh.written_to == []
    assert {each.reason for each in (await mesh.contacts()).values()} == {"has replied"}
    assert (await mesh.task()).new_creators_real_count == 0


async def test_a_skipped_creator_gets_no_product_cards_and_counts_for_nothing(mesh: Mesh) -> None:
    await mesh.report(onlyFirst=2, productList=["P-1"])
    await mesh.hand_over("1")
    await mesh.carry()
    assert mesh.sender.sent == []
    assert (await mesh.task()).new_creators_real_count == 0
    assert await mesh.states() == {"skipped": 1}


async def test_a_task_stops_at_its_target_with_not_one_too_many(mesh: Mesh) -> None:
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


async def test_a_task_stops_at_its_maximum_of_creators(mesh: Mesh) -> None:
    await mesh.report(maxCreators=2)
    await mesh.hand_over("1", "2", "3")
    await mesh.carry()
    after = await mesh.task()
    assert sorted(mesh.written_to) == ["1", "2"]
    assert (after.status, after.message, after.creators_seen) == ("completed", "max_creators_reached", 2)


async def test_a_task_ends_at_its_end_time_and_writes_to_nobody_after_it(mesh: Mesh) -> None:
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


async def test_a_task_begins_at_its_time_in_its_region_once(mesh: Mesh) -> None:
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


async def test_midnight_belongs_to_the_region(mesh: Mesh) -> None:
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


async def test_a_task_that_names_no_time_waits_for_a_person(mesh: Mesh) -> None:
    await mesh.report(status="pending")
    assert await mesh.poll() == 0
    await mesh.control("start", crawl=True)
    await mesh.carry()
    assert [each.task_id for each in mesh.crawls] == ["T-1"]


async def test_whoever_a_paused_task_finds_is_written_to_when_it_goes_on(mesh: Mesh) -> None:
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


async def test_nobody_is_written_to_in_the_quiet_hours_of_the_region(mesh: Mesh) -> None:
    mesh.politeness = Politeness.parse(quiet_hours={"MX": "11:00-13:00"})  # 17:00 to 19:00 UTC
    await mesh.report(region="mx")
    await mesh.hand_over("1")
    await mesh.carry()
    assert (mesh.written_to, await mesh.states()) == ([], {"waiting": 1})
    mesh.clock.forward(hours=1)
    await mesh.poll()
    await mesh.carry()
    assert mesh.written_to == ["1"]


async def test_a_cancelled_task_writes_to_nobody_who_waits(mesh: Mesh) -> None:
    await mesh.report()
    await mesh.control("pause")
    await mesh.hand_over("1")
    await mesh.control("cancel", reason="wrong brand")
    await mesh.control("start")
    await mesh.carry()
    after = await mesh.task()
    assert (after.status, after.message) == ("cancelled", "wrong brand")
    assert (mesh.written_to, await mesh.states()) == ([], {"skipped": 1})


async def test_only_a_few_are_on_their_way_at_once_and_all_arrive(mesh: Mesh) -> None:
    await mesh.report()
    await mesh.hand_over(*(str(number) for number in range(50)))
    assert await mesh.states() == {"queued": WINDOW, "waiting": 50 - WINDOW}
    await mesh.carry()
    assert await mesh.states() == {"sent": 50}
    assert len(set(mesh.written_to)) == len(mesh.written_to) == 50


async def test_the_end_of_a_crawl_leaves_nobody_out(mesh: Mesh) -> None:
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


async def test_a_task_that_ran_out_can_be_run_again(mesh: Mesh) -> None:
    await mesh.report(runEndTime="2026-01-12 12:30:00")
    mesh.clock.forward(hours=1)
    await mesh.poll()
    await mesh.control("start")
    assert await mesh.poll() == 0
    await mesh.hand_over("1")
    await mesh.carry()
    assert mesh.written_to == ["1"]


async def test_a_creator_whose_chat_is_not_available_is_a_failure_once(mesh: Mesh) -> None:
    await mesh.report()
    mesh.sender.fails = lambda _: Reject("the chat is not available")
    await mesh.hand_over("1")
    await mesh.carry()
    contact = (await mesh.contacts())["1"]
    assert (contact.state, contact.reason) == ("failed", "the chat is not available")
    await mesh.poll()
    mesh.clock.forward(hours=1)
    await mesh.poll()
    assert await mesh.said() == []


async def test_a_failure_that_is_tried_again_keeps_its_place(mesh: Mesh) -> None:
    await mesh.report(targetNewCreators=1)
    mesh.sender.fails = lambda _: Retryable("no input box")
    await mesh.hand_over("1", "2")
    (message,) = await mesh.said()
    await mesh.chat(message)
    await mesh.carry()
    assert await mesh.states() == {"queued": 1, "waiting": 1}
    await mesh.chat(message, attempt=8)
    await mesh.carry()
    states = await mesh.contacts()
    assert (states["1"].state, states["2"].state) == ("failed", "queued")


async def test_an_outcome_counts_once_and_a_late_failure_undoes_nothing(mesh: Mesh) -> None:
    await mesh.report()
    await mesh.hand_over("1")
    for state in (DeliveryState.UNCERTAIN, DeliveryState.SENT, DeliveryState.SENT, DeliveryState.FAILED):
        await on_chat_outcome([delivered(outcome("1", state))], mesh.uow, mesh.clock)
    assert (await mesh.contacts())["1"].state is ContactState.SENT
    assert (await mesh.task()).new_creators_real_count == 1
    strangers = [delivered(outcome("77")), delivered(outcome("1", outreach_task_id="T-9"))]
    await on_chat_outcome(strangers, mesh.uow, mesh.clock)


async def test_a_send_that_a_crash_hid_is_uncertain_and_holds_its_place(mesh: Mesh) -> None:
    await mesh.report(targetNewCreators=1)
    await mesh.hand_over("1", "2")
    (message,) = await mesh.said()
    mesh.sender.fails = lambda _: KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        await mesh.deliver(message)
    mesh.sender.fails = lambda _: None
    await mesh.deliver(message)
    await mesh.carry()
    assert mesh.written_to == []
    assert await mesh.states() == {"uncertain": 1, "waiting": 1}


async def test_a_task_without_a_text_says_so_of_each_creator(mesh: Mesh) -> None:
    await mesh.report(emailFirstBody=..., emailLaterBody=...)
    await mesh.hand_over("1")
    await mesh.carry()
    contact = (await mesh.contacts())["1"]
    assert (contact.state, contact.reason) == ("failed", "the task has no text for a first message")
    assert (await mesh.task()).new_creators_real_count == 0


async def test_a_task_that_nobody_reported_is_made_of_what_came_with_its_creators(mesh: Mesh) -> None:
    told = {"brand": {"name": "Aurela", "only_first": 1}, "email_first": {"subject": "Aurela", "email_body": "Hola"}}
    await mesh.hand_over("1", task_id="T-9", taskMetadata=told)
    await mesh.hand_over("1", task_id=None, taskId="own", taskMetadata=told, onlyFirst=0)
    await mesh.carry()
    assert mesh.sender.texts == ["Aurela\n\nHola"]
    made = await mesh.task("T-9")
    assert (made.brand, made.message_send_strategy, made.status) == ("Aurela", 1, "running")
    with pytest.raises(Retryable, match="not known"):
        await mesh.hand_over("1", task_id="T-10")


async def test_a_report_is_applied_once_and_answered_alike(mesh: Mesh) -> None:
    message = delivered(task(taskId=..., newCreators=1))
    first = await ingest_outreach_task(message, mesh.uow, mesh.clock)
    again = await ingest_outreach_task(message, mesh.uow, mesh.clock)
    assert first == again
    assert (await mesh.task(first.task_id)).new_creators_real_count == 1


async def test_progress_is_counted_once_and_ends_a_task(mesh: Mesh) -> None:
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


async def test_an_action_on_a_task_that_is_not_known_yet_is_tried_again(mesh: Mesh) -> None:
    with pytest.raises(Retryable):
        await mesh.control("start", "T-9")


async def test_an_action_delivered_twice_acts_once(mesh: Mesh) -> None:
    await mesh.report()
    pause = delivered(control("pause"))
    await control_outreach(pause, mesh.uow, mesh.clock)
    await mesh.control("resume")
    await control_outreach(pause, mesh.uow, mesh.clock)
    assert (await mesh.task()).status is TaskStatus.RUNNING


async def test_creators_who_wait_are_asked_about_now_and_then_and_not_all_the_time(mesh: Mesh) -> None:
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

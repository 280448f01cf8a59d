"""Outreach from report to outcome on every database: a creator is written to once, and only who may be."""

import asyncio

import pytest

from brokers.verdict import Reject, Retryable
from handlers.creators import ingest_creators
from handlers.outreach import on_chat_outcome
from persistence.engine import Database
from schemas.chatbot.records import DeliveryState
from schemas.outreach.records import ContactState
from tests.build.outreach import NOON, creator, delivered, outcome
from tests.build.outreach import creators as page
from tests.build.outreach_mesh import OutreachMesh, persevering


@pytest.fixture
def mesh(database: Database) -> OutreachMesh:
    return OutreachMesh(database)


async def test_from_the_search_to_the_counter(mesh: OutreachMesh) -> None:
    await mesh.report(productList=["P-1"])
    options = {"taskId": "T-1", "contact": True, "accountName": "MX1"}
    crawl = delivered(page(creator(), creator(platformCreatorId="8", platformCreatorUsername="eva"), options=options))
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


async def test_a_creator_is_written_to_once_per_task_however_often_they_are_handed_over(mesh: OutreachMesh) -> None:
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


async def test_creators_handed_over_many_times_at_once_are_each_written_to_once(mesh: OutreachMesh) -> None:
    await mesh.report()
    await asyncio.gather(*(persevering(lambda: mesh.hand_over("1", "2", "3")) for _ in range(10)))
    await mesh.carry()
    assert sorted(mesh.written_to) == ["1", "2", "3"]
    assert (await mesh.task()).creators_seen == 3


async def test_two_tasks_of_one_brand_that_find_a_creator_at_once_write_one_message(mesh: OutreachMesh) -> None:
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


async def test_another_brand_writes_the_later_text_to_who_was_written_to_before(mesh: OutreachMesh) -> None:
    await mesh.report("T-1")
    await mesh.report("T-2", brand="Nube")
    for task_id in ("T-1", "T-2"):
        await mesh.hand_over("1", task_id=task_id)
        await mesh.carry()
    assert mesh.sender.texts == ["Hola, ¿colaboramos?", "¿Seguimos?"]


async def test_a_reply_that_a_crawl_saw_keeps_everybody_away(mesh: OutreachMesh) -> None:
    await mesh.report()
    await ingest_creators([delivered(page(creator(platformCreatorId="1", reply=True)))], mesh.uow, mesh.clock)
    await mesh.hand_over("1")
    await mesh.hand_over("2", reply="yes")
    await mesh.carry()
    assert mesh.written_to == []
    assert {each.reason for each in (await mesh.contacts()).values()} == {"has replied"}
    assert (await mesh.task()).new_creators_real_count == 0


async def test_a_skipped_creator_gets_no_product_cards_and_counts_for_nothing(mesh: OutreachMesh) -> None:
    await mesh.report(onlyFirst=2, productList=["P-1"])
    await mesh.hand_over("1")
    await mesh.carry()
    assert mesh.sender.sent == []
    assert (await mesh.task()).new_creators_real_count == 0
    assert await mesh.states() == {"skipped": 1}


async def test_a_creator_whose_chat_is_not_available_is_a_failure_once(mesh: OutreachMesh) -> None:
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


async def test_a_failure_that_is_tried_again_keeps_its_place(mesh: OutreachMesh) -> None:
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


async def test_an_outcome_counts_once_and_a_late_failure_undoes_nothing(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over("1")
    for state in (DeliveryState.UNCERTAIN, DeliveryState.SENT, DeliveryState.SENT, DeliveryState.FAILED):
        await on_chat_outcome([delivered(outcome("1", state))], mesh.uow, mesh.clock)
    assert (await mesh.contacts())["1"].state is ContactState.SENT
    assert (await mesh.task()).new_creators_real_count == 1
    strangers = [delivered(outcome("77")), delivered(outcome("1", outreach_task_id="T-9"))]
    await on_chat_outcome(strangers, mesh.uow, mesh.clock)


async def test_a_send_that_a_crash_hid_is_uncertain_and_holds_its_place(mesh: OutreachMesh) -> None:
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


async def test_a_task_without_a_text_says_so_of_each_creator(mesh: OutreachMesh) -> None:
    await mesh.report(emailFirstBody=..., emailLaterBody=...)
    await mesh.hand_over("1")
    await mesh.carry()
    contact = (await mesh.contacts())["1"]
    assert (contact.state, contact.reason) == ("failed", "the task has no text for a first message")
    assert (await mesh.task()).new_creators_real_count == 0


async def test_a_task_that_nobody_reported_is_made_of_what_came_with_its_creators(mesh: OutreachMesh) -> None:
    told = {"brand": {"name": "Aurela", "only_first": 1}, "email_first": {"subject": "Aurela", "email_body": "Hola"}}
    await mesh.hand_over("1", task_id="T-9", taskMetadata=told)
    await mesh.hand_over("1", task_id=None, taskId="own", taskMetadata=told, onlyFirst=0)
    await mesh.carry()
    assert mesh.sender.texts == ["Aurela\n\nHola"]
    made = await mesh.task("T-9")
    assert (made.brand, made.message_send_strategy, made.status) == ("Aurela", 1, "running")
    with pytest.raises(Retryable, match="not known"):
        await mesh.hand_over("1", task_id="T-10")


async def test_a_message_that_became_a_dead_letter_ends_its_contact_and_makes_room(mesh: OutreachMesh) -> None:
    await mesh.report(targetNewCreators=1)
    mesh.sender.fails = lambda _: Retryable("no input box")
    await mesh.hand_over("1", "2")
    (message,) = await mesh.said()
    await mesh.chat(message)
    await mesh.carry()
    mesh.clock.forward(hours=11)
    await mesh.chat(message, attempt=2)  # its next try would be beyond its horizon: it is parked, and nobody says so
    await mesh.carry()
    mesh.clock.forward(minutes=61)
    mesh.sender.fails = lambda _: None
    await mesh.poll()
    await mesh.carry()
    contacts = await mesh.contacts()
    assert (contacts["1"].state, contacts["1"].reason) == ("failed", "given up: no input box")
    assert contacts["2"].state is ContactState.SENT


async def test_a_dead_letter_that_is_sent_back_counts_after_all(mesh: OutreachMesh) -> None:
    await mesh.report()
    mesh.sender.fails = lambda _: Retryable("no input box")
    await mesh.hand_over("1")
    (message,) = await mesh.said()
    await mesh.chat(message)
    mesh.clock.forward(hours=14)
    await mesh.poll()
    await mesh.carry()
    assert await mesh.states() == {"failed": 1}
    mesh.sender.fails = lambda _: None
    await mesh.chat(message)
    await mesh.carry()
    assert await mesh.states() == {"sent": 1}
    assert (await mesh.task()).new_creators_real_count == 1


async def test_a_message_that_still_waits_in_its_queue_keeps_its_place_for_two_days(mesh: OutreachMesh) -> None:
    await mesh.report(targetNewCreators=1)
    await mesh.hand_over("1", "2")
    (message,) = await mesh.said()
    mesh.clock.forward(hours=47)
    await mesh.poll()
    assert [each.key for each in await mesh.said() if each.key.startswith("chatbot")] == []
    mesh.clock.forward(hours=2)
    await mesh.poll()
    await mesh.carry()
    assert await mesh.states() == {"uncertain": 1, "waiting": 1}  # it may still be sent, so nobody takes its place
    await mesh.deliver(message)
    await mesh.carry()
    assert (await mesh.contacts())["1"].state is ContactState.SENT


async def test_what_is_overdue_is_told_once_in_a_while(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over("1")
    await mesh.said()
    mesh.clock.forward(hours=49)
    keys = []
    for _ in range(3):
        await mesh.poll()
        keys += [each.key for each in await mesh.said()]
        mesh.clock.forward(minutes=2)
    assert keys == ["chatbot.outcome.uncertain"]

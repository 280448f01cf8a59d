"""Whom outreach must not write to after all: reported, called off, answered or taken by another task meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from brokers.verdict import Reject, Retryable
from handlers.chatbot import send_chat_messages
from handlers.creators import ingest_creators
from handlers.outreach import on_chat_outcome
from persistence.engine import Database
from persistence.outreach import Contacts
from schemas.chatbot.messages import SendChatMessages
from schemas.chatbot.records import DeliveryState
from schemas.identity import creator_id
from schemas.outreach.records import Contact, ContactState
from tests.build.outreach import NOON, contact, creator, delivered, outcome
from tests.build.outreach import creators as page
from tests.build.outreach_mesh import OutreachMesh


@pytest.fixture
def mesh(database: Database) -> OutreachMesh:
    return OutreachMesh(database)


async def test_one_person_under_two_ids_is_written_to_once_by_a_task(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over("1", "2", platformCreatorUsername="@Dani.Hogar")
    await mesh.hand_over("3", platformCreatorUsername="dani.hogar")
    await mesh.carry()
    assert mesh.written_to == ["1"]
    contacts = await mesh.contacts()
    assert {(contacts[each].state, contacts[each].reason) for each in "23"} == {
        ("skipped", "this task wrote to them under another id")
    }


@pytest.mark.parametrize("state", ["waiting", "failed"])
async def test_a_creator_whom_somebody_else_reports_as_written_to_is_not_written_to(
    mesh: OutreachMesh, state: str
) -> None:
    await mesh.report()
    mesh.sender.fails = lambda _: Reject("no chat")
    if state == "waiting":
        await mesh.control("pause")
    await mesh.hand_over("1")
    await mesh.carry()
    assert await mesh.states() == {state: 1}
    mesh.sender.fails = lambda _: None
    rows = page(creator(platformCreatorId="1", send=True), options={"taskId": "T-1"})
    await ingest_creators([delivered(rows)], mesh.uow, mesh.clock)
    await mesh.control("resume")
    await mesh.carry()
    contact = (await mesh.contacts())["1"]
    assert (mesh.written_to, contact.state, contact.sent_at, contact.connected) == ([], "sent", NOON, True)


async def test_a_report_in_the_midst_of_a_decision_is_not_overwritten(
    mesh: OutreachMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mesh.report()
    add = Contacts.add

    async def overtaken(repository: Contacts, new: Sequence[Contact]) -> None:
        monkeypatch.setattr(Contacts, "add", add)
        await add(repository, [replace(each, state=ContactState.SENT, sent_at=NOON) for each in new])
        await add(repository, new)

    monkeypatch.setattr(Contacts, "add", overtaken)
    await mesh.hand_over("1")
    await mesh.carry()
    assert (mesh.written_to, await mesh.states()) == ([], {"sent": 1})


async def test_what_is_queued_is_not_sent_once_its_task_is_cancelled(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over("1")
    messages = await mesh.said()
    await mesh.control("cancel")
    for message in messages:
        await mesh.deliver(message)
    await mesh.carry()
    contact = (await mesh.contacts())["1"]
    assert (mesh.written_to, contact.state, contact.reason) == ([], "failed", "not sent: cancelled")


async def test_what_is_queued_is_not_sent_after_the_end_time(mesh: OutreachMesh) -> None:
    await mesh.report(runEndTime="2026-01-12 12:30:00")  # 18:30 UTC in Mexico City
    await mesh.hand_over("1")
    mesh.clock.forward(minutes=30)
    await mesh.carry()
    assert (mesh.written_to, await mesh.states()) == ([], {"failed": 1})


async def test_what_is_queued_waits_while_its_task_is_paused_and_goes_on_with_it(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.hand_over("1")
    messages = await mesh.said()
    await mesh.control("pause")
    for message in messages:
        await mesh.deliver(message)
    await mesh.carry()
    assert (mesh.written_to, await mesh.states()) == ([], {"waiting": 1})
    mesh.clock.forward(hours=30)
    await mesh.control("resume")
    for message in messages:
        await mesh.deliver(message)
    await mesh.carry()
    assert (mesh.written_to, await mesh.states()) == (["1"], {"sent": 1})


async def test_a_message_of_somebody_else_waits_for_a_paused_task_too(mesh: OutreachMesh) -> None:
    await mesh.report()
    await mesh.control("pause")
    batch = SendChatMessages.model_validate([{"platformCreatorId": "1", "outreachTaskId": "T-1", "messages": "Hola"}])
    with pytest.raises(Retryable):
        await send_chat_messages(delivered(batch), mesh.uow, mesh.sender, mesh.clock, mesh.unrecorded)
    assert mesh.written_to == []


async def test_whoever_turns_out_to_have_replied_is_skipped_by_this_task_and_all_others(mesh: OutreachMesh) -> None:
    await mesh.report("T-1", targetNewCreators=1)
    await mesh.report("T-2", brand="Nube")
    await ingest_creators([delivered(page(creator(platformCreatorId="1")))], mesh.uow, mesh.clock)
    await mesh.hand_over("1", "2")
    await mesh.said()
    told = outcome("1", DeliveryState.FAILED, reason="has replied", replied=True)
    await on_chat_outcome([delivered(told)], mesh.uow, mesh.clock)
    contact = (await mesh.contacts())["1"]
    assert (contact.state, contact.reason, contact.replied) == ("skipped", "has replied", True)
    await mesh.hand_over("1", task_id="T-2")
    await mesh.carry()
    assert mesh.written_to == ["2"]
    assert (await mesh.contacts("T-2"))["1"].reason == "has replied"
    async with mesh.uow() as tx:
        shown = await tx.creators.shown([creator_id("tiktok", "1")])
    assert shown["tiktok", "1"] == (True, True)


async def test_whoever_waits_for_a_creator_sees_what_became_of_them(database: Database) -> None:
    ours, theirs = contact("1", task_id="T-1"), contact("1", task_id="T-2")
    has_looked, has_added = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with database.uow() as tx:
            await tx.contacts.add([ours])
            await tx.contacts.known(["1"], [])
            has_looked.set()
            await asyncio.wait(
                [asyncio.ensure_future(has_added.wait())], timeout=0.3
            )  # SQLite has one writer at a time
            await asyncio.sleep(0.2)
            await tx.contacts.save([replace(ours, state=ContactState.QUEUED)])

    async def second() -> dict[str, ContactState]:
        await has_looked.wait()
        async with database.uow() as tx:
            await tx.contacts.add([theirs])
            has_added.set()
            return {each.task_id: each.state for each in await tx.contacts.known(["1"], [])}

    _, seen = await asyncio.gather(first(), second())
    assert seen == {"T-1": "queued", "T-2": "waiting"}

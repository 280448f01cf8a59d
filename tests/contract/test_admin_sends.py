"""Replies of which nobody knows whether they arrived are settled by people, once, on real databases."""

from datetime import timedelta
from typing import Any

import pytest

from persistence.engine import Database
from persistence.tables import messages, outbox
from persistence.uow import Uow
from schemas.replies.records import Reply, ReplyState
from tests.build.admin import World
from tests.build.inbound import rows
from tests.build.records import NOON
from tests.build.replies import CONVERSATION, later, reply, thread, user

S = ReplyState


@pytest.fixture
def world(uow: Uow) -> World:
    return World(uow, now=later(30))


@pytest.fixture
async def uncertain(uow: Uow) -> int:
    async with uow() as tx:
        await tx.people.seen([user()])
        await tx.threads.opened(thread())
        await tx.replies.add(reply("first", state=S.SENT, sent_at=NOON))
        number = await tx.replies.add(reply("second", state=S.UNCERTAIN, sending_at=later(1), reason="no answer"))
        await tx.replies.add(reply("third", state=S.FAILED, error_code="40002"))
        assert number
        await tx.replies.ask_at([number], later(99))
        return number


async def stored(uow: Uow, number: int) -> Reply:
    async with uow() as tx:
        found = await tx.replies.get(number)
    assert found
    return found


async def test_the_uncertain_are_listed_unless_others_are_asked_for(world: World, uncertain: int) -> None:
    told = await world.get("/replies/sends")
    assert ([each["id"] for each in told["items"]], told["total"]) == ([uncertain], 1)
    told = await world.get("/replies/sends?state=FAILED&state=SENT&limit=1")
    assert ([each["text"] for each in told["items"]], told["total"], told["has_more"]) == (["first"], 2, True)
    rest = await world.get(f"/replies/sends?state=FAILED&state=SENT&after={told['next_after']}")
    assert [(each["text"], each["error_code"]) for each in rest["items"]] == [("third", "40002")]
    assert (await world.get(f"/replies/sends/{uncertain}"))["reason"] == "no answer"
    assert (await world.call("GET", "/replies/sends/999")).status_code == 404


async def test_one_that_was_seen_in_the_chat_is_sent_and_stands_among_what_was_said(
    world: World, database: Database, uncertain: int
) -> None:
    told = (await world.call("POST", f"/replies/sends/{uncertain}/sent")).json()
    assert (told["state"], told["reason"]) == ("SENT", "ada saw it in the chat")
    assert (await stored(world.uow, uncertain)).sent_at == later(1)
    assert [(each.content, each.reply_id) for each in await rows(database, messages)] == [("second", uncertain)]
    assert not await rows(database, outbox)
    assert (await world.audit())[0] == ("ada", "sent", "sends")


async def test_one_that_was_not_seen_is_sent_again(world: World, database: Database, uncertain: int) -> None:
    told = (await world.call("POST", f"/replies/sends/{uncertain}/resend")).json()
    assert told["state"] == "PENDING"
    assert len(await rows(database, outbox)) == 1
    async with world.uow() as tx:
        assert await tx.threads.due_to_send(world.now, 9) == [CONVERSATION]
        (again,) = await tx.replies.open_of(CONVERSATION)
        assert await tx.replies.begin(again.id or 0, now=world.now, token="t", lease=timedelta(minutes=1))


async def test_one_that_is_given_up_is_never_sent(world: World, database: Database, uncertain: int) -> None:
    told = (await world.call("POST", f"/replies/sends/{uncertain}/drop")).json()
    assert (told["state"], told["reason"]) == ("CANCELLED", "ada gave it up")
    async with world.uow() as tx:
        assert await tx.threads.due_to_send(later(9999), 9) == []
    assert not await rows(database, messages)


@pytest.mark.parametrize("verb", ["sent", "resend", "drop"])
async def test_what_is_settled_is_settled_once(world: World, uncertain: int, verb: str) -> None:
    await world.call("POST", f"/replies/sends/{uncertain}/drop")
    before = await stored(world.uow, uncertain)
    again: Any = await world.call("POST", f"/replies/sends/{uncertain}/{verb}")
    assert (again.status_code, again.json()["details"]) == (409, {"state": "CANCELLED"})
    assert await stored(world.uow, uncertain) == before


async def test_it_is_not_sent_again_once_its_window_has_closed(world: World, uncertain: int) -> None:
    world.now = NOON + timedelta(hours=48)
    assert (await world.call("POST", f"/replies/sends/{uncertain}/resend")).status_code == 409
    assert (await stored(world.uow, uncertain)).state is S.UNCERTAIN


async def test_only_those_who_may_change_things_settle(world: World, uncertain: int) -> None:
    for who, verb, status in (("bob", "sent", 403), (None, "sent", 401), ("ada", "guess", 422), ("oms", "sent", 403)):
        assert (await world.call("POST", f"/replies/sends/{uncertain}/{verb}", who=who)).status_code == status
    assert (await stored(world.uow, uncertain)).state is S.UNCERTAIN

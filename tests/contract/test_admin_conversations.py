"""Operators read conversations, take them over and write to customers, on real databases."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from persistence.engine import Database
from persistence.tables import outbox, webhook_events
from persistence.uow import Uow
from schemas.replies.messages import SendReplies
from schemas.replies.records import Handoff, Reply, ReplyKind, ReplyState, Role
from tests.build.admin import World
from tests.build.inbound import rows
from tests.build.records import NOON
from tests.build.replies import CONVERSATION, CUSTOMER, item, later, reply, said, thread, user, webhook

#: As TikTok's are: base64, with everything that a path gives a meaning to.
NAMES = [CONVERSATION, "a/b//c+d==", "7494/release"]


def path(name: str, verb: str = "") -> str:
    return f"/replies/conversations/{quote(name, safe='')}{verb}"


@pytest.fixture
def world(uow: Uow) -> World:
    return World(uow, now=later(5))


@pytest.fixture
async def talk(uow: Uow) -> int:
    """A conversation in which one message waits for the bot, and one of its replies waits to be sent."""
    async with uow() as tx:
        await tx.people.seen([user()])
        proposal: Any = {"do": "hold", "sku": "TH-P-001"}
        await tx.threads.opened(thread(answer_at=NOON, menu_shown_at=NOON, proposal=proposal, proposed_at=NOON))
        event = await tx.webhooks.add(webhook())
        await tx.chat.add(said("Is it still there?", event_id=event))
        number = await tx.replies.add(reply("Yes, it is."))
        assert number
        return number


async def of(uow: Uow, name: str = CONVERSATION) -> list[Reply]:
    async with uow() as tx:
        return await tx.replies.of(name, 10)


@pytest.mark.parametrize("name", NAMES)
async def test_a_conversation_is_found_by_whatever_name_tiktok_gives_it(world: World, name: str) -> None:
    async with world.uow() as tx:
        await tx.people.seen([user()])
        await tx.threads.opened(thread(name))
    assert (await world.get(path(name)))["conversation"]["conversation_id"] == name
    for verb in ("/take-over", "/release"):
        assert (await world.call("POST", path(name, verb))).status_code == 200
    assert (await world.call("POST", path(name, "/reply"), {"text": "Hello"})).status_code == 202
    assert [each.conversation_id for each in await of(world.uow, name)] == [name]


@pytest.mark.usefixtures("talk")
async def test_conversations_are_listed_with_who_speaks_and_until_when(world: World) -> None:
    async with world.uow() as tx:
        await tx.people.seen([user("usr-2", username=None)])
        person = {"handoff": Handoff.HUMAN, "handoff_until": later(60)}
        await tx.threads.opened(thread("cv-2", user_id="usr-2", last_inbound_at=later(1), **person))
        await tx.threads.opened(thread("cv-3", last_inbound_at=NOON - timedelta(days=3), **person))
    told = await world.get("/replies/conversations")
    assert [(each["conversation_id"], each["handoff"], each["is_open"]) for each in told["items"]] == [
        ("cv-2", "HUMAN", True),
        (CONVERSATION, "BOT", True),
        ("cv-3", "HUMAN", False),
    ]
    assert (told["total"], told["has_more"]) == (3, False)
    world.now = later(61)  # a hand-over is over when its time is, whoever has swept
    told = await world.get("/replies/conversations?handoff=HUMAN&limit=1&skip=1")
    assert (told["total"], [each["handoff"] for each in told["items"]]) == (2, ["BOT"])


@pytest.mark.usefixtures("talk")
async def test_a_conversation_is_told_whole(world: World) -> None:
    async with world.uow() as tx:
        await tx.stock.put([item(), item("TH-P-002")])
        await tx.holds.hold(CUSTOMER, CONVERSATION, "TH-P-001", NOON)
        await tx.holds.hold(CUSTOMER, CONVERSATION, "TH-P-002", NOON)
        made = await tx.orders.from_holds(CUSTOMER, CONVERSATION, ["TH-P-002"], NOON)
        assert made
    told = await world.get(path(CONVERSATION))
    (message,) = told["messages"]
    assert (message["text"], message["role"], message["is_answered"]) == ("Is it still there?", Role.USER, False)
    assert [(each["state"], each["text"]) for each in told["replies"]] == [("PENDING", "Yes, it is.")]
    assert [each["sku"] for each in told["holds"]] == ["TH-P-001"]
    assert [(each["code"], each["total_amount"]) for each in told["orders"]] == [(made.order.code, 9500)]


async def test_who_takes_over_silences_the_bot_and_what_it_had_to_say(
    world: World, database: Database, talk: int
) -> None:
    response = await world.call("POST", path(CONVERSATION, "/take-over"), {"hours": 2, "reason": "a complaint"})
    told = response.json()
    assert (response.status_code, told["cancelled"]) == (200, 1)
    assert told["conversation"]["handoff"] == "HUMAN"
    async with world.uow() as tx:
        silent = await tx.threads.get(CONVERSATION)
        cancelled = await tx.replies.get(talk)
    assert silent
    assert (silent.handoff_until, silent.answer_at, silent.proposal, silent.menu_shown_at) == (
        later(125),
        None,
        None,
        None,
    )
    assert cancelled
    assert (cancelled.state, cancelled.reason) == (ReplyState.CANCELLED, "ada took the conversation over")
    assert [each.state for each in await rows(database, webhook_events)] == ["DONE"]
    assert (await world.audit())[0] == ("ada", "take over", "conversations")


@pytest.mark.usefixtures("talk")
async def test_who_takes_over_again_for_less_time_takes_nothing_away(world: World) -> None:
    for hours in (8, 1):
        await world.call("POST", path(CONVERSATION, "/take-over"), {"hours": hours})
    told = await world.get(path(CONVERSATION))
    assert told["conversation"]["handoff_until"].startswith("2026-01-12T20:05")


@pytest.mark.usefixtures("talk")
async def test_who_releases_lets_the_bot_speak_and_lifts_the_pause(world: World) -> None:
    async with world.uow() as tx:
        stopped = {"paused_until": later(600), "paused_reason": "TikTok's messaging rules"}
        await tx.threads.save(thread(handoff=Handoff.HUMAN, **stopped))
    told = (await world.call("POST", path(CONVERSATION, "/release"))).json()
    assert (told["handoff"], told["handoff_until"], told["paused_until"]) == ("BOT", None, None)


async def test_a_reply_by_hand_is_sent_and_answers_what_the_customer_asked(
    world: World, database: Database, talk: int
) -> None:
    text = "Yes!\n\x1b[31mShall I keep it? 👩‍👧"
    response = await world.call("POST", path(CONVERSATION, "/reply"), {"text": f"  {text} "})
    assert response.status_code == 202, response.text
    written, cancelled = await of(world.uow)
    assert (written.kind, written.state, written.decided_by) == (ReplyKind.OPERATOR, ReplyState.PENDING, "operator")
    assert written.body == text.replace("\x1b", "")
    assert written.expires_at == NOON + timedelta(hours=48)
    assert (cancelled.id, cancelled.state) == (talk, ReplyState.CANCELLED)
    told = await world.get(path(CONVERSATION))
    assert told["conversation"]["handoff"] == "HUMAN"
    assert [each["is_answered"] for each in told["messages"]] == [True]
    assert [each.routing_key.rpartition(".")[0] for each in await rows(database, outbox)] == [SendReplies.key]
    again = await world.call("POST", path(CONVERSATION, "/reply"), {"text": "And one more thing"})
    assert again.status_code == 202
    assert [each.state for each in await of(world.uow)] == [
        ReplyState.PENDING,
        ReplyState.PENDING,
        ReplyState.CANCELLED,
    ]


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize("why", ["window", "quota", "opt-out"])
async def test_a_reply_that_tiktok_or_the_customer_would_not_take_is_refused_at_once(world: World, why: str) -> None:
    async with world.uow() as tx:
        if why == "opt-out":
            await tx.people.opt(CUSTOMER, out_at=NOON)
        else:
            values: Any = {"last_inbound_at": NOON - timedelta(hours=48)} if why == "window" else {}
            await tx.threads.save(thread(window_sent_count=9 if why == "quota" else 0, **values))
    response = await world.call("POST", path(CONVERSATION, "/reply"), {"text": "Hello"})
    assert (response.status_code, response.json()["error_code"]) == (409, "CONFLICT")
    assert [each.state for each in await of(world.uow)] == [ReplyState.PENDING]  # and the bot is not silenced


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize("text", ["", " \n\x00", "x" * 6001, None])
async def test_a_reply_says_something_and_not_too_much(world: World, text: str | None) -> None:
    response = await world.call("POST", path(CONVERSATION, "/reply"), {"text": text})
    assert response.status_code == 422


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize("verb", ["/take-over", "/release", "/reply"])
async def test_who_may_only_read_changes_nothing_and_a_stranger_reads_nothing(world: World, verb: str) -> None:
    before = await of(world.uow)
    assert (await world.call("POST", path(CONVERSATION, verb), {"text": "Hi"}, who="bob")).status_code == 403
    assert (await world.call("POST", path(CONVERSATION, verb), {"text": "Hi"}, who=None)).status_code == 401
    assert (await world.call("GET", path(CONVERSATION), who=None)).status_code == 401
    assert (await world.call("POST", path("nobody", verb), {"text": "Hi"})).status_code == 404
    assert await of(world.uow) == before

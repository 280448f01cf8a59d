"""Customers' messages, taken in on real databases: the window, bursts, floods, and who answers."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from handlers.replies.hearing import STOPPED, answer_at
from persistence.engine import Database
from persistence.tables import messages, replies, webhook_events
from schemas.replies.messages import SendReplies
from schemas.replies.records import Handoff, ReplyKind, ReplyState
from tests.build.inbound import MILLISECONDS, NOW, SAID_AT, message, put, rows, states, stored, take, wakes
from tests.build.replies import BUSINESS, CONVERSATION, CUSTOMER, reply, thread
from tests.build.tiktok import LEGACY, VECTOR, echo, envelope


async def test_a_message_is_stored_with_its_customer_and_answered_at_once(database: Database) -> None:
    await take(database.uow, VECTOR)
    (event,), (said,) = await rows(database, webhook_events), await rows(database, messages)
    assert (event.state, event.raw, event.provider_ts) == ("RECEIVED", VECTOR, SAID_AT)
    assert (said.role, said.content, said.event_id) == ("user", "Is TH-P-001 still there?", event.id)
    found = await stored(database.uow)
    assert (found.last_inbound_at, found.answer_at, found.user_id) == (SAID_AT, NOW, CUSTOMER)
    async with database.uow() as tx:
        user = await tx.people.get(CUSTOMER)
        assert user
        assert (user.username, user.last_interaction_at) == ("wanjiru.k", SAID_AT)
    assert await wakes(database) == 1


async def test_a_notification_that_comes_fifty_times_at_once_is_taken_once(database: Database) -> None:
    await asyncio.gather(*(take(database.uow, VECTOR) for _ in range(50)))
    for later in (timedelta(minutes=11), timedelta(hours=71), timedelta(days=6)):
        await take(database.uow, VECTOR, at=NOW + later)
    assert await states(database) == ["RECEIVED"]
    assert (len(await rows(database, messages)), await wakes(database)) == (1, 1)


async def test_the_same_message_in_another_shape_is_a_repeat(database: Database) -> None:
    body = json.loads(VECTOR)
    del body["client_key"]
    await take(database.uow, VECTOR, json.dumps(body).encode())
    assert await states(database) == ["RECEIVED", "IGNORED"]
    assert await wakes(database) == 1


async def test_the_window_moves_forward_only_and_a_message_from_the_future_is_from_now(database: Database) -> None:
    uow = database.uow
    await put(uow, replace(thread(), last_inbound_at=SAID_AT, window_sent_count=7))
    await take(uow, message("older", "mid-1", seconds=-60))
    found = await stored(uow)
    assert (found.last_inbound_at, found.window_sent_count) == (SAID_AT, 7)
    await take(uow, message("tomorrow", "mid-2", seconds=86_400))
    found = await stored(uow)
    assert (found.last_inbound_at, found.window_sent_count) == (NOW, 0)


async def test_who_goes_on_writing_is_waited_for(database: Database) -> None:
    uow = database.uow
    await take(uow, message("hi", "mid-1"))
    async with uow() as tx:
        found = await tx.threads.get(CONVERSATION, for_update=True)
        assert found
        await tx.threads.save(replace(found, answer_at=None, answered_at=NOW))
    await take(uow, message("do you have", "mid-2", seconds=1), at=NOW + timedelta(seconds=1))
    assert await wakes(database) == 1
    due = NOW + timedelta(seconds=3)
    assert (await stored(uow)).answer_at == due
    async with uow() as tx:
        assert await tx.threads.due(due - timedelta(milliseconds=1), 10) == []
        assert await tx.threads.due(due, 10) == [CONVERSATION]


@pytest.mark.parametrize(
    ("answered", "waits", "expected"),
    [
        (None, None, 0.0),
        (-60, None, 0.0),
        (-2, None, 0.0),
        (-1.5, None, 2.0),
        (-1.5, 0.5, 2.0),
        (-3, 0.5, 2.0),  # still waited for, though the answer before is older than a pause
        (-5, 0.5, 1.0),  # at most three pauses after the answer before
        (-7, 0.5, 0.0),
        (-1, -0.5, -0.5),  # somebody is at it
    ],
)
def test_a_pause_is_waited_for_but_not_for_ever(answered: float | None, waits: float | None, expected: float) -> None:
    def moment(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOW + timedelta(seconds=seconds)

    before = replace(thread(), answered_at=moment(answered), answer_at=moment(waits))
    assert answer_at(before, NOW, timedelta(seconds=2)) == moment(expected)
    if waits is None:
        assert answer_at(before, NOW, timedelta()) == NOW


async def test_more_than_ten_in_a_minute_are_kept_and_not_answered(database: Database) -> None:
    uow = database.uow
    said = [message(f"{n}", f"mid-{n}", seconds=n) for n in range(13)]
    # In another conversation, and in any order: it is the customer who is counted, by TikTok's clock.
    said[3] = message("3", "mid-3", seconds=3, conversation_id="cv-2")
    await take(uow, *said, at=NOW + timedelta(minutes=1))
    assert await states(database) == ["RECEIVED"] * 10 + ["IGNORED"] * 3
    assert len(await rows(database, messages)) == 13
    await take(uow, message("later", "mid-20", seconds=61), at=NOW + timedelta(minutes=2))
    assert (await states(database))[-1] == "RECEIVED"


async def test_a_backlog_of_an_hour_is_no_flood(database: Database) -> None:
    said = [message(f"{n}", f"mid-{n}", seconds=30 * n) for n in range(30)]
    await take(database.uow, *reversed(said), at=NOW + timedelta(hours=1))
    assert set(await states(database)) == {"RECEIVED"}


async def test_the_same_message_id_in_two_conversations_is_two_messages(database: Database) -> None:
    await take(database.uow, message("a", "mid-1"), message("b", "mid-1", conversation_id="cv-2"))
    assert await states(database) == ["RECEIVED", "RECEIVED"]


async def test_a_picture_a_reaction_and_silence_are_stored(database: Database) -> None:
    await take(
        database.uow,
        message({}, "mid-1", type="image", image={"media_id": "m"}),
        message("  ", "mid-2"),
        message("❤", "mid-3", type="reaction"),
    )
    assert await states(database) == ["RECEIVED", "RECEIVED", "IGNORED"]
    assert [each.kind for each in await rows(database, messages)] == ["image", "text", "reaction"]


async def test_the_older_shape_is_answered_where_it_is_clear_for_whom_it_is(database: Database) -> None:
    await take(database.uow, LEGACY)
    assert await states(database) == ["RECEIVED"]
    found = await stored(database.uow, CUSTOMER)
    assert (found.business_id, found.user_id) == (BUSINESS, CUSTOMER)


# Who wants no messages, and conversations that a person answers.


async def test_stop_ends_everything_at_once_and_is_confirmed_once(database: Database) -> None:
    uow = database.uow
    await take(uow, message("size 10?", "mid-1"))
    async with uow() as tx:
        await tx.replies.add(reply("We have one."))
    await take(uow, message(" Stop! ", "mid-2", seconds=1), message("STOP", "mid-3", seconds=1.5))
    assert await states(database) == ["IGNORED", "DONE", "DONE"]
    async with uow() as tx:
        (cancelled,) = await tx.replies.listed([ReplyState.CANCELLED], 10)
        (confirmation,) = await tx.replies.listed([ReplyState.PENDING], 10)
        user = await tx.people.get(CUSTOMER)
    assert cancelled.body == "We have one."
    assert (confirmation.body, confirmation.kind) == (STOPPED, ReplyKind.NOTICE)
    assert user
    assert user.opted_out_at
    assert confirmation.created_at >= user.opted_out_at
    assert await wakes(database, SendReplies.key) == 1


async def test_who_stopped_is_not_answered_until_they_say_start(database: Database) -> None:
    uow = database.uow
    await take(uow, message("stop", "mid-1"), message("hello?", "mid-2", seconds=1))
    assert await states(database) == ["DONE", "IGNORED"]
    await take(uow, message("Start", "mid-0", seconds=-1))  # said before, so that it means nothing
    assert (await states(database))[-1] == "IGNORED"
    await take(uow, message("start", "mid-3", seconds=1.2), message("hello?", "mid-4", seconds=1.3))
    assert (await states(database))[-2:] == ["RECEIVED", "RECEIVED"]


@pytest.mark.parametrize("text", ["don't stop", "stop it, is TH-P-001 there?", "bus stop jacket"])
async def test_a_word_within_a_sentence_stops_nothing(database: Database, text: str) -> None:
    await take(database.uow, message(text))
    assert await states(database) == ["RECEIVED"]


async def test_a_tapped_button_counts_and_the_words_beside_it_do_not(database: Database) -> None:
    tapped = message("stop", reply_source_payload={"reply_source_unique_id": "menu"})
    await take(database.uow, tapped)
    assert await states(database) == ["RECEIVED"]


@pytest.mark.parametrize("source", ["APP", "WEB"])
async def test_a_person_who_writes_takes_over(database: Database, source: str) -> None:
    uow = database.uow
    await take(uow, message("hi", "mid-1"))
    spoken = echo("Hello, this is Amina.", source=source, timestamp=MILLISECONDS + 500)
    await take(uow, envelope(spoken, "im_send_msg"), message("thanks", "mid-3", seconds=1))
    assert await states(database) == ["DONE", "DONE", "DONE"]
    assert [each.role for each in await rows(database, messages)] == ["user", "operator", "user"]
    found = await stored(uow)
    assert (found.handoff, found.answer_at) == (Handoff.HUMAN, None)
    assert found.handoff_until == SAID_AT + timedelta(hours=12, milliseconds=500)
    tomorrow = NOW + timedelta(hours=13)
    await take(uow, message("still there?", "mid-4", timestamp=int(tomorrow.timestamp() * 1000)), at=tomorrow)
    assert (await states(database))[-1] == "RECEIVED"
    assert (await stored(uow)).handoff is Handoff.BOT


async def test_a_person_who_writes_cancels_what_the_bot_had_to_say_and_counts(
    database: Database,
) -> None:
    uow = database.uow
    await take(uow, message("hi", "mid-1"))
    async with uow() as tx:
        await tx.replies.add(reply("composed after the person wrote, before anybody knew", created_at=NOW))
        await tx.replies.add(reply("by the operator", kind=ReplyKind.OPERATOR))
    await take(uow, envelope(echo("Hello, this is Amina.", source="APP", timestamp=MILLISECONDS + 500), "im_send_msg"))
    assert [each.state for each in await rows(database, replies)] == ["CANCELLED", "PENDING"]
    assert (await stored(uow)).window_sent_count == 1


async def test_a_person_who_wrote_yesterday_does_not_take_over_today(database: Database) -> None:
    uow = database.uow
    await take(uow, envelope(echo("Hello.", source="APP"), "im_send_msg"), at=NOW + timedelta(days=1))
    assert await states(database) == ["DONE"]
    assert (await stored(uow)).handoff is Handoff.BOT


async def test_who_took_over_for_good_keeps_the_conversation(database: Database) -> None:
    uow = database.uow
    await put(uow, replace(thread(), handoff=Handoff.HUMAN))
    await take(uow, envelope(echo("Hello.", source="APP"), "im_send_msg"), message("hi"))
    found = await stored(uow)
    assert (found.handoff, found.handoff_until) == (Handoff.HUMAN, None)
    assert await wakes(database) == 0

"""Messages that are answered in the transaction that takes them in, and those that are left to whoever is woken."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.replies.local import Local
from handlers.replies.composing import Answers
from persistence.engine import Database
from persistence.tables import messages, outbox, replies, webhook_events
from schemas.replies.messages import AnswerThread, SendReplies
from schemas.replies.records import ReplyState
from tests.build.inbound import NOW, RECEPTION, message, rows, states, stored, take, wakes
from tests.build.replies import item
from tests.build.tiktok import VECTOR


class Broken(Local):
    """A reader that fails."""

    async def classify(self, question: Any) -> Any:
        raise ZeroDivisionError(question)


@pytest.fixture
async def shop(database: Database) -> Database:
    async with database.uow() as tx:
        await tx.stock.put([item(f"TH-P-{number:03}") for number in range(1, 4)])
    return database


async def _woken(database: Database) -> tuple[int, int]:
    return await wakes(database, AnswerThread.key), await wakes(database, SendReplies.key)


async def test_a_message_to_a_conversation_at_rest_is_answered_as_it_is_taken_in(shop: Database) -> None:
    await take(shop.uow, VECTOR, answers=Answers())
    (event,), (reply,) = await rows(shop, webhook_events), await rows(shop, replies)
    said, spoken = await rows(shop, messages)
    assert (event.state, event.attempts, reply.state, reply.reply_to_event) == ("DONE", 1, "PENDING", event.id)
    assert (said.event_id, said.reply_id, spoken.reply_id) == (event.id, reply.id, reply.id)
    assert (spoken.role, spoken.content) == ("assistant", reply.body)
    assert "TH-P-001" in reply.body
    found = await stored(shop.uow)
    assert (found.answer_at, found.answered_at, found.last_inbound_at) == (None, NOW, event.provider_ts)
    assert await _woken(shop) == (0, 1)
    assert [each.correlation_id for each in await rows(shop, outbox)] == ["m"]
    async with shop.uow() as tx:
        assert await tx.threads.due(NOW, 10) == []
        assert await tx.threads.due_to_send(NOW, 10) == []  # it was woken for that
        assert len(await tx.threads.due_to_send(NOW + timedelta(minutes=1), 10)) == 1


async def test_a_repeat_of_it_changes_nothing(shop: Database) -> None:
    for _ in range(2):
        await take(shop.uow, VECTOR, VECTOR, answers=Answers(), together=True)
    assert await states(shop) == ["DONE"]
    assert await _woken(shop) == (0, 1)


async def test_many_conversations_of_a_group_have_an_answer_each(shop: Database) -> None:
    texts = ["hi", "TH-P-002", "something blue", "menu", "new drops"]
    said = [
        message(text, f"mid-{n}", conversation_id=f"cv-{n}", from_user={"id": f"usr-{n}", "role": "personal_account"})
        for n, text in enumerate(texts)
    ]
    await take(shop.uow, *said, answers=Answers(), together=True)
    stored_messages = await rows(shop, messages)
    numbers = {each.id: each.conversation_id for each in await rows(shop, replies)}
    assert len(numbers) == len(texts)
    assert all(numbers[each.reply_id] == each.conversation_id for each in stored_messages)
    assert len(stored_messages) == 2 * len(texts)
    assert await _woken(shop) == (0, len(texts))


async def test_several_of_one_conversation_are_left_to_whoever_answers(shop: Database) -> None:
    said = [message("hi", f"mid-{n}", seconds=n) for n in range(3)]
    await take(shop.uow, *said, answers=Answers(), together=True)
    assert await states(shop) == ["RECEIVED"] * 3
    assert await _woken(shop) == (1, 0)
    await take(shop.uow, message("hi", "mid-9", seconds=9), answers=Answers())
    assert await states(shop) == ["RECEIVED"] * 4


@pytest.mark.parametrize("text", ["HOLD TH-P-001", "BUY TH-P-001", "RELEASE TH-P-001", "WAIT TH-P-001"])
async def test_what_promises_a_piece_is_answered_alone(shop: Database, text: str) -> None:
    await take(shop.uow, message(text), answers=Answers())
    assert await states(shop) == ["RECEIVED"]
    assert await _woken(shop) == (1, 0)


async def test_what_a_model_is_to_read_is_left_to_whoever_asks_it(shop: Database) -> None:
    answers = Answers(model=Broken())
    await take(shop.uow, message("something warm"), answers=answers)
    await take(shop.uow, message("menu", "mid-2", conversation_id="cv-2"), answers=answers)
    assert await states(shop) == ["RECEIVED", "DONE"]


async def test_a_message_whose_answer_fails_is_taken_in_all_the_same(shop: Database) -> None:
    await take(shop.uow, message("something warm"), answers=Answers(local=Broken()))
    assert await states(shop) == ["RECEIVED"]
    assert await _woken(shop) == (1, 0)
    async with shop.uow() as tx:
        assert await tx.replies.counts() == {}
        assert ReplyState.PENDING not in await tx.replies.counts()


async def test_what_comes_behind_an_answered_message_and_is_not_answered_moves_the_window_too(shop: Database) -> None:
    texts = [message("TH-P-001", "mid-1"), message("TH-P-002", "mid-2", seconds=0.5)]
    await take(shop.uow, *texts, answers=Answers(), together=True, reception=replace(RECEPTION, a_minute=1))
    assert await states(shop) == ["DONE", "IGNORED"]
    _, last = await rows(shop, webhook_events)
    assert (await stored(shop.uow)).last_inbound_at == last.provider_ts

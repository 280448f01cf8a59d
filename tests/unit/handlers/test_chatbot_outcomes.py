"""An outreach task is told what became of its messages, and nobody else is."""

import asyncio
from typing import Any

import pytest

from brokers.verdict import Reject, Retryable, Unavailable
from schemas.chatbot.sending import REPLIED
from schemas.outreach.messages import ChatOutcome
from tests.build.chatbot import Chatbot, chat, task


@pytest.fixture
def bot() -> Chatbot:
    return Chatbot()


def outreach(**changes: Any) -> dict[str, Any]:
    return task(outreachTaskId="T-1", **changes)


def outcomes(bot: Chatbot) -> list[tuple[str, bool]]:
    told = [(message.key, ChatOutcome.model_validate_json(message.body)) for message in bot.uow.tx.outbox.messages]
    assert {each.outreach_task_id for _, each in told} <= {"T-1"}
    assert {message.exchange for message in bot.uow.tx.outbox.messages} <= {"chatbot.topic"}
    return [(key, each.is_final) for key, each in told]


async def test_an_outreach_task_is_told_that_its_message_was_sent(bot: Chatbot) -> None:
    await bot.receive(chat(outreach()))
    await bot.receive(chat(outreach(), message_id="again"))
    assert outcomes(bot) == [("chatbot.outcome.sent", True)]
    assert bot.deliveries[0].outreach_task_id == "T-1"


async def test_nobody_is_told_of_a_reminder(bot: Chatbot) -> None:
    await bot.receive(chat(task(sampleId="S-1", scenario="shipped", run=1)))
    bot.fail("7", Reject("never"))
    with pytest.raises(Reject):
        await bot.receive(chat(task(sampleId="S-1", scenario="shipped", run=2, platformCreatorId="7")))
    assert outcomes(bot) == []


@pytest.mark.parametrize(
    ("failure", "attempt", "is_final"),
    [(Reject("no chat"), 1, True), (Retryable("no input box"), 1, False), (Retryable("no input box"), 8, True)],
)
async def test_an_outreach_task_is_told_of_a_failure_and_whether_it_is_the_last(
    bot: Chatbot, failure: Exception, attempt: int, is_final: bool
) -> None:
    bot.fail("7495000000000000321", failure)
    with pytest.raises(type(failure)):
        await bot.receive(chat(outreach(), attempt=attempt))
    assert outcomes(bot) == [("chatbot.outcome.failed", is_final)]


async def test_an_outreach_task_is_told_of_an_interrupted_send(bot: Chatbot) -> None:
    bot.fail("7495000000000000321", asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await bot.receive(chat(outreach()))
    bot.heal()
    await bot.receive(chat(outreach()))
    assert outcomes(bot) == [("chatbot.outcome.uncertain", True)]
    assert bot.sender.sent == []


async def test_an_outcome_that_an_outage_hid_is_told_after_it(bot: Chatbot) -> None:
    bot.sender.watch = bot.lose_database
    with pytest.raises(Unavailable):
        await bot.receive(chat(outreach()))
    bot.uow.is_away = False
    bot.sender.watch = lambda: None
    await bot.receive(chat(outreach()))
    assert [key for key, _ in outcomes(bot)] == ["chatbot.outcome.sent"]
    assert len(bot.sender.sent) == 1


@pytest.mark.parametrize(("reason", "replied"), [(REPLIED, True), ("no chat", False)], ids=["replied", "closed"])
async def test_an_outreach_task_is_told_that_its_creator_has_replied(bot: Chatbot, reason: str, replied: bool) -> None:
    bot.fail("7495000000000000321", Reject(reason))
    with pytest.raises(Reject):
        await bot.receive(chat(outreach()))
    (told,) = [ChatOutcome.model_validate_json(message.body) for message in bot.uow.tx.outbox.messages]
    assert (told.state, told.reason, told.is_final, told.replied) == ("failed", reason, True, replied)

"""A message of many chat tasks: it is worked through in turns, and nobody gets ready for what is done."""

from dataclasses import replace

import pytest

from brokers.verdict import Retryable
from tests.build.chatbot import Chatbot, chat, task


@pytest.fixture
def bot() -> Chatbot:
    return Chatbot()


async def test_a_message_of_many_tasks_goes_on_later_when_its_turn_is_over(bot: Chatbot) -> None:
    bot.sender.watch = lambda: bot.clock.forward(minutes=16)
    message = chat(task(), task(platformCreatorId="2"))
    with pytest.raises(Retryable, match="goes on from here"):
        await bot.receive(message)
    await bot.receive(message)
    assert [sent.platform_creator_id for sent in bot.sender.sent] == ["7495000000000000321", "2"]


async def test_nobody_gets_ready_again_for_what_was_sent_from_the_same_batch(bot: Chatbot) -> None:
    delivery = chat(task(platformCreatorId="1"), task(platformCreatorId="2"), task(platformCreatorId="3"))
    bot.fail("3", Retryable("the chat did not open"))
    with pytest.raises(Retryable):
        await bot.receive(delivery)
    bot.heal()
    before = bot.sender.readied
    await bot.receive(replace(delivery, attempt=2))
    assert bot.sender.readied == before + 1
    assert [sent.platform_creator_id for sent in bot.sender.sent] == ["1", "2", "3"]

"""A sender is chosen by name, and the development one says that it reaches nobody."""

import pytest
import structlog

from adapters.message_sender import message_sender
from schemas.chatbot.messages import ChatTask
from tests.build.chatbot import task


async def test_the_development_sender_logs_what_it_would_have_sent_and_says_who_it_is() -> None:
    with structlog.testing.capture_logs() as logs:
        receipt = await message_sender("development").send(ChatTask.model_validate(task()))
    assert receipt.sender == "development"
    assert logs[0]["event"] == "chat_task_logged_instead_of_sent"
    assert logs[0]["messages"] == ["Hola Lupita"]


def test_an_unknown_sender_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'pigeon'; there is development"):
        message_sender("pigeon")

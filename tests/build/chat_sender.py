"""What tests say to the sender that types, and how they end it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from crawlers.chat_sender import BrowserSender
from schemas.chatbot.messages import ChatTask
from tests.build.seller_centre import Driven


@asynccontextmanager
async def closing(sender: BrowserSender) -> AsyncIterator[BrowserSender]:
    try:
        yield sender
    finally:
        await sender.close()


def task(site: Driven, number: int, *messages: Any, **changes: Any) -> ChatTask:
    """Return a task for a creator by number; texts may be given bare."""
    listed = [each if isinstance(each, dict) else {"content": each} for each in messages or ("Hola",)]
    return ChatTask.model_validate({"platformCreatorId": site.creator(number), "messages": listed} | changes)


async def say(sender: BrowserSender, wanted: ChatTask) -> str | None:
    """Send a task, and return the account that it was sent as."""
    async with sender.ready(wanted) as send:
        return (await send(wanted)).reference


async def refused(sender: BrowserSender, wanted: ChatTask, as_what: type[Exception]) -> str:
    """Send a task that cannot be sent, and return why."""
    with pytest.raises(as_what) as told:
        await say(sender, wanted)
    return str(told.value)

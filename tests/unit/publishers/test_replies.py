"""Conversations in which something is due are woken, each once in a while, to answer and to send apart."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from brokers.verdict import Unavailable
from publishers.replies import WOKEN_FOR, RepliesPoller
from tests.build.chatbot import NOON
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import FakePublisher


class Threads:
    """Conversations with something to answer (False) or to send (True), and until when each counts as woken."""

    def __init__(self) -> None:
        self.waiting: dict[bool, set[str]] = {False: set(), True: set()}
        self.woken: dict[tuple[bool, str], datetime | None] = {}

    async def due(self, now: datetime, limit: int) -> list[str]:
        return self._free(now, to_send=False)[:limit]

    async def due_to_send(self, now: datetime, limit: int) -> list[str]:
        return self._free(now, to_send=True)[:limit]

    async def wake(self, names: list[str], until: datetime | None, *, to_send: bool = False) -> None:
        self.woken |= {(to_send, name): until for name in names}

    def _free(self, now: datetime, *, to_send: bool) -> list[str]:
        until = {name: self.woken.get((to_send, name)) for name in sorted(self.waiting[to_send])}
        return [name for name, end in until.items() if end is None or end <= now]


class Shop:
    """A poller with its world."""

    def __init__(self) -> None:
        self.threads, self.broker, self.clock = Threads(), FakePublisher(), FakeClock(NOON)
        self.is_open = False
        self.poller = RepliesPoller(self._uow, self.broker, self.clock)

    @asynccontextmanager
    async def _uow(self) -> AsyncIterator[Any]:
        self.is_open = True
        yield self
        self.is_open = False

    @property
    def woken(self) -> list[tuple[str, str]]:
        """Queue without its partition, and conversation, of each wake-up."""
        return [
            (each.key.rpartition(".")[0], json.loads(each.body)["conversationId"]) for each in self.broker.published
        ]


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.threads.waiting = {False: {"cv-1"}, True: {"cv-1", "cv-2"}}
    return made


async def test_what_is_due_is_woken_to_answer_and_to_send(shop: Shop) -> None:
    assert await shop.poller.pass_once() == 3
    assert shop.woken == [
        ("replies.threads.answer", "cv-1"),
        ("replies.threads.send", "cv-1"),
        ("replies.threads.send", "cv-2"),
    ]


async def test_who_was_just_woken_is_left_in_peace(shop: Shop) -> None:
    assert [await shop.poller.pass_once() for _ in range(2)] == [3, 0]
    shop.clock.forward(seconds=WOKEN_FOR.total_seconds())
    assert await shop.poller.pass_once() == 3


async def test_a_wake_up_that_was_not_confirmed_is_sent_again(shop: Shop) -> None:
    shop.broker.is_away = True
    with pytest.raises(Unavailable):
        await shop.poller.pass_once()
    shop.broker.is_away = False
    shop.clock.forward(seconds=WOKEN_FOR.total_seconds())
    assert await shop.poller.pass_once() == 3


async def test_no_transaction_is_open_while_the_broker_is_waited_for(shop: Shop) -> None:
    seen: list[bool] = []
    shop.broker.watch = lambda: seen.append(shop.is_open)
    await shop.poller.pass_once()
    assert seen == [False, False]

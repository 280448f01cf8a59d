"""A conversation whose replies are sent to a stand-in of TikTok, and the handler at work on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay.http import PATIENCE
from adapters.replies.pace import Pace
from adapters.replies.port import Grant, Kind, Outcome
from adapters.replies.tiktok import TikTokMessages as Adapter
from adapters.vault import Vault, new_key
from brokers.delivery import Delivery
from brokers.verdict import Conflict
from deploy.sandbox.standin import TOKEN
from deploy.sandbox.tiktok_messages import APP, BUSINESS, REFRESH, SECRET, TikTokMessages
from handlers.replies.sending import send_replies
from handlers.replies.voice import Voice
from persistence.uow import Uow
from schemas.replies.messages import SendReplies
from schemas.replies.records import Reply, Thread, Tokens
from tests.build.records import NOON
from tests.build.replies import CONVERSATION, TRIES, reply, thread, tokens, user
from tests.build.sandbox import local_http, standing_in


class Meddled(Adapter):
    """The adapter, and what happens to it: `dies` is where the process is killed, once: instead of a call or after it.

    `overheard` is told of an outcome before the sender is; with `is_deaf` no token is exchanged.
    """

    dies = ""
    is_deaf = False

    async def overheard(self, outcome: Outcome) -> None:
        """Do nothing, unless a test says otherwise."""

    async def send(self, token: str, business_id: str, conversation_id: str, text: str) -> Outcome:
        dies, self.dies = self.dies, ""
        if dies == "instead":
            raise asyncio.CancelledError
        outcome = await super().send(token, business_id, conversation_id, text)
        if dies == "after":
            raise asyncio.CancelledError
        await self.overheard(outcome)
        return outcome

    async def refresh(self, refresh_token: str) -> Grant | Outcome:
        if self.is_deaf:
            return Outcome(kind=Kind.NOT_SENT, reason="away")
        return await super().refresh(refresh_token)


class Sending:
    """Conversations of one account, a stand-in of TikTok, and a clock that both go by."""

    def __init__(self, uow: Uow, tiktok: TikTokMessages, adapter: Meddled, a_minute: int = 600) -> None:
        self.uow = uow
        self.tiktok = tiktok
        self.adapter = adapter
        self.key = new_key()
        self.vault = Vault([self.key])
        self.voice = Voice(adapter, self.vault, Pace.at(None, a_minute))
        self.now = NOON

    @property
    def base(self) -> str:
        """Where the stand-in is."""
        return self.adapter._base_url

    def clock(self) -> Any:
        return self.now

    async def connected(self, **values: Any) -> None:
        seal = self.vault.seal
        made = tokens(business_id=BUSINESS, access_token=seal(TOKEN), refresh_token=seal(REFRESH))
        async with self.uow() as tx:
            await tx.tokens.put(replace(made, **values))

    async def opened(self, conversation_id: str = CONVERSATION, **values: Any) -> None:
        self.tiktok.customer_wrote(conversation_id, NOON.timestamp())
        async with self.uow() as tx:
            await tx.people.seen([user()])
            await tx.threads.opened(thread(conversation_id, business_id=BUSINESS, **values))

    async def say(self, *bodies: str, **values: Any) -> list[int]:
        async with self.uow() as tx:
            numbers = [await tx.replies.add(reply(each, business_id=BUSINESS, **values)) for each in bodies]
        return [each for each in numbers if each is not None]

    async def send(self, conversation_id: str = CONVERSATION, *, after: timedelta = timedelta()) -> None:
        self.now = self.now + after
        message = SendReplies(conversation_id=conversation_id)
        carried = Delivery(message=message, message_id="w", is_derived=False, key="", observed_at=self.now, raw=b"")
        for tries_left in reversed(range(TRIES)):
            try:
                return await send_replies(carried, self.uow, self.clock, self.voice)
            except Conflict:  # the runtime runs a handler again at once that lost a race
                if not tries_left:
                    raise
        return None

    async def reply(self, number: int) -> Reply:
        async with self.uow() as tx:
            found = await tx.replies.get(number)
            assert found
            return found

    async def thread(self, conversation_id: str = CONVERSATION) -> Thread:
        async with self.uow() as tx:
            found = await tx.threads.get(conversation_id)
            assert found
            return found

    async def account(self) -> Tokens:
        async with self.uow() as tx:
            found = await tx.tokens.get(BUSINESS)
            assert found
            return found

    async def due(self) -> list[str]:
        async with self.uow() as tx:
            return await tx.threads.due_to_send(self.now, 1000)

    @property
    def heard(self) -> list[str]:
        return self.tiktok.said(CONVERSATION)


@asynccontextmanager
async def sending(uow: Uow, *, a_minute: int = 600, patience: timedelta = PATIENCE) -> AsyncIterator[Sending]:
    """A connected account with one open conversation."""
    made: list[Sending] = []
    tiktok = TikTokMessages(clock=lambda: made[0].now.timestamp())  # noqa: PLW0108 -- it is made later
    async with standing_in(tiktok) as base, local_http(patience) as http:
        adapter = Meddled(http, f"{base}/open_api/v1.3", client_key=APP, client_secret=SECRET)
        made.append(Sending(uow, tiktok, adapter, a_minute))
        await made[0].connected()
        await made[0].opened()
        yield made[0]

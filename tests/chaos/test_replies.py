"""Customers' messages in any order and more than once, while whoever answers them is killed."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations, count
from random import Random
from typing import Any

import httpx
import pytest

from adapters.vault import Vault
from deploy.sandbox.standin import TOKEN
from deploy.sandbox.tiktok_messages import BUSINESS, TikTokMessages
from handlers.replies.permits import QUOTA_OF_MOST
from persistence.engine import open_uow
from tests.build.broker import eventually
from tests.build.relay import KEY
from tests.build.replies import seed, tokens
from tests.build.sandbox import standing_in
from tests.chaos.fleet import Workers
from tests.chaos.under_fire import Begin, MeshUnderFire

pytestmark = pytest.mark.chaos

EACH = 10
ACCOUNTS = [f"{BUSINESS}-{number}" for number in range(10)]
SECRET = "chaos-secret-of-the-app"
#: Fewer than ten of a customer's messages lie within a minute, so that none is too many.
APART = 7.0
COPIES = 2
#: A sender that was killed is found out about after its lease of 90 s, and TikTok's echo after 60 more.
PATIENCE = 300.0
TEXTS = ("hi", "TH-P-001", "size L jacket", "menu", "where is my order", "blue denim", "new drops", "is TH-B-003 there")


@dataclass
class Conversations:
    """What customers wrote, and where the truth about the answers is: in SQL and at TikTok."""

    mesh: MeshUnderFire
    tiktok: TikTokMessages
    client: httpx.AsyncClient
    chance: Random
    wrote: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    kills: int = 0

    async def write(self, conversations: range) -> None:
        """Let each customer write ten messages, which are notified of in any order, and twice."""
        began = time.time() - APART * EACH
        said = []
        for each in conversations:
            name = f"cv+{each}=="
            for number in range(EACH):
                message = f"in-{each}-{number}"
                self.wrote[name].add(message)
                said.append(
                    {
                        "conversation_id": name,
                        "user_id": f"usr-{each}",
                        "business_id": ACCOUNTS[each % len(ACCOUNTS)],
                        "message_id": message,
                        "text": self.chance.choice(TEXTS),
                        "at": began + APART * number,
                    }
                )
        (await self.client.post("/_sandbox/write", json=said)).raise_for_status()

    async def killing(self, every: float) -> None:
        """Kill one worker after the other and start it again, for as long as nobody says stop."""
        for number in count():
            await asyncio.sleep(every)
            victim = self.mesh.fleet.workers[number % len(self.mesh.fleet.workers)]
            await victim.kill()
            self.kills += 1
            await victim.start()

    async def rows(self, query: str) -> Sequence[Any]:
        return await self.mesh.truth.rows(query)

    async def are_stored(self) -> bool:
        await asyncio.sleep(0.5)
        stored = (await self.rows("SELECT COUNT(*) FROM messages WHERE role = 'user'"))[0][0]
        return bool(stored >= sum(map(len, self.wrote.values())))

    async def are_answered(self) -> bool:
        await asyncio.sleep(0.5)
        open_ = "SELECT COUNT(*) FROM messages WHERE role = 'user' AND reply_id IS NULL"
        return bool((await self.rows(open_))[0][0] == 0) and await self.are_stored()

    async def are_sent(self) -> bool:
        await asyncio.sleep(0.5)
        open_ = "SELECT COUNT(*) FROM replies WHERE state IN ('PENDING', 'SENDING')"
        return bool((await self.rows(open_))[0][0] == 0)

    async def settled(self) -> dict[str, Any]:
        """Wait until everything was answered and sent; tell how long that took."""
        began = time.monotonic()
        try:
            await eventually(self.are_answered, PATIENCE)
            answered = time.monotonic() - began
            await eventually(self.are_sent, PATIENCE)
        except TimeoutError:
            states = await self.rows("SELECT state, reason, COUNT(*) FROM replies GROUP BY state, reason")
            events = await self.rows(
                "SELECT state, last_error, COUNT(*) FROM webhook_events GROUP BY state, last_error"
            )
            raise AssertionError(f"replies {states}\nevents {events}\nseed {self.mesh.seed}") from None
        return {"answered_after": f"{answered:.0f}s", "sent_after": f"{time.monotonic() - began:.0f}s"}

    async def judge(self) -> dict[str, Any]:
        """Every message was stored once and answered once, in order; every answer was sent once at most, in order."""
        messages = await self.rows(
            "SELECT conversation_id, provider_message_id, provider_ts, id, reply_id FROM messages "
            "WHERE role = 'user' ORDER BY conversation_id, provider_ts"
        )
        stored: dict[str, list[str]] = defaultdict(list)
        for conversation, number, *_ in messages:
            stored[conversation].append(number)
        assert {name: Counter(each) for name, each in stored.items()} == {
            name: Counter(each) for name, each in self.wrote.items()
        }
        replies = {row[0]: row for row in await self.rows(_REPLIES)}
        assert all(row[4] in replies for row in messages)
        said = await self.rows("SELECT reply_id, id FROM messages WHERE role = 'assistant'")
        self._judge_order(messages, {row[0]: row[1] for row in said})
        unsent = [row for row in replies.values() if row[3] == "FAILED"]
        # Whose newest message came first has one window for all the rest, in which TikTok takes so many and no more.
        sent = Counter(row[1] for row in replies.values() if row[3] == "SENT")
        assert all(row[5] == "quota" and sent[row[1]] >= QUOTA_OF_MOST for row in unsent), unsent
        states = Counter(row[3] for row in replies.values())
        assert set(states) <= {"SENT", "UNCERTAIN", "FAILED"}, states
        # A call that a kill cut off before it was made is never made again by itself: an operator is asked.
        assert states["UNCERTAIN"] <= self.kills * 50, states
        self._judge_sent(replies)
        return {"replies": len(replies), "uncertain": states["UNCERTAIN"], "over_the_windows_quota": len(unsent)}

    def _judge_order(self, messages: Sequence[Any], answers: dict[int, int]) -> None:
        """Of two messages that were known when the later one was answered, the earlier was answered no later.

        What was said, heard and answered, is numbered in one row under the lock of its conversation.
        """
        by_conversation = defaultdict(list)
        for row in messages:
            by_conversation[row[0]].append(row)
        for rows in by_conversation.values():
            for earlier, later in combinations(rows, 2):
                was_known = earlier[3] < answers[later[4]]
                assert not was_known or earlier[4] <= later[4], (earlier, later, self.mesh.seed)

    def _judge_sent(self, replies: dict[int, Any]) -> None:
        """What TikTok brought is what was to be brought, each once and in the order of the answers."""
        sent = defaultdict(list)
        for row in (replies[number] for number in sorted(replies)):
            if row[3] == "SENT":
                sent[row[1]].append(row[4])
        for name, known in self.tiktok.conversations.items():
            brought = [each["message_id"] for each in known.messages]
            assert brought == sent[name], (name, self.mesh.seed)

    def shares(self) -> dict[str, list[int]]:
        """Return how much of each work each worker did, over all of its lives."""
        return {
            work: [sum(1 for _ in worker.events(event)) for worker in self.mesh.fleet.workers]
            for work, event in (("taken", "webhook_taken"), ("sent", "reply_called"))
        }


_REPLIES = "SELECT id, conversation_id, created_at, state, provider_message_id, error_code FROM replies"


@asynccontextmanager
async def conversations(begin: Begin) -> AsyncIterator[Conversations]:
    """A shop with four workers, ten accounts and a TikTok that says everything twice, in any order."""
    tiktok = TikTokMessages()
    tiktok.set_faults(latency_ms=30)
    async with standing_in(tiktok) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        environment = {
            "MESH_TIKTOK_CLIENT_KEY": "chaos-app",
            "MESH_TIKTOK_CLIENT_SECRETS": SECRET,
            "MESH_TIKTOK_BASE_URL": f"{address}/open_api/v1.3",
            "MESH_TIKTOK_SENDS_A_MINUTE": "600",
            "MESH_LOG_LEVEL": "info",
        }
        mesh = await begin(workers=Workers(count=4), environment=environment)
        database = open_uow(mesh.store.url)
        vault = Vault([KEY])
        connected = replace(
            tokens(access_token=vault.seal(TOKEN), refresh_token=None),
            access_expires_at=datetime.now().astimezone() + timedelta(days=1),
        )
        async with database.uow() as tx:
            await tx.stock.put(seed())
            for business in ACCOUNTS:
                await tx.tokens.put(replace(connected, business_id=business))
        await database.close()
        app = {
            "callback_url": f"{mesh.fleet.url}/webhook/tiktok",
            "client_key": "chaos-app",
            "client_secret": SECRET,
            "businesses": ACCOUNTS,
            "copies": COPIES,
            "is_shuffled": True,
            "speed": 60.0,
        }
        (await client.post("/_sandbox/app", json=app)).raise_for_status()
        try:
            yield Conversations(mesh, tiktok, client, Random(mesh.seed))
        finally:
            await tiktok.postman.close()


@pytest.mark.long  # a call that a kill cut off is found out about after minutes
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("customers", "every", "least"), [(40, 4.0, 2), (1000, 10.0, 4)])
async def test_every_message_is_answered_once_and_in_order_though_workers_are_killed(
    begin: Begin, customers: int, every: float, least: int
) -> None:
    async with conversations(begin) as shop:
        killing = asyncio.create_task(shop.killing(every))
        try:
            for first in range(0, customers, 100):
                await shop.write(range(first, min(first + 100, customers)))
                await asyncio.sleep(1)
            await eventually(lambda: shop.kills >= least and shop.are_stored(), PATIENCE + customers)
        finally:
            killing.cancel()
            with suppress(asyncio.CancelledError):
                await killing
        await asyncio.gather(*(each.until_ready() for each in shop.mesh.fleet.workers if each.is_running))
        for worker in shop.mesh.fleet.workers:
            if not worker.is_running:
                await worker.start()
        facts = await shop.settled()
        facts |= await shop.judge()
        outcome = await shop.mesh.verdict("conversations, their workers killed")
        outcome.facts |= {"messages": customers * EACH, "kills": shop.kills, **facts, **shop.shares()}


@pytest.mark.timeout(600)
async def test_what_comes_while_sql_is_away_or_redis_was_emptied_is_answered_once(begin: Begin) -> None:
    """The webhook is answered 200 meanwhile: the broker has it, and that is durable."""
    async with conversations(begin) as shop:
        await shop.write(range(10))
        await eventually(shop.are_stored, PATIENCE)
        await shop.mesh.services.database.stop()
        await shop.write(range(10, 20))
        await shop.mesh.services.redis.restart()  # it comes back empty
        await eventually(lambda: shop.tiktok.postman.told()["waiting"] == 0, PATIENCE)
        await asyncio.sleep(5)  # the length of the outage is the scenario
        await shop.mesh.services.database.start()
        shop.mesh.returned()
        await shop.write(range(20, 30))
        facts = await shop.settled() | await shop.judge()
        assert set(shop.tiktok.postman.told()["answers"]) == {"200"}
        outcome = await shop.mesh.verdict("conversations, SQL away and Redis emptied")
        outcome.facts |= facts

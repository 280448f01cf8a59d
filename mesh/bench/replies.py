"""`mesh bench replies`: TikTok's notifications while the model hangs, and from a customer's message to its answer."""

import asyncio
import secrets
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from itertools import islice
from typing import Any

from adapters.vault import Vault, new_key
from brokers.topology import REPLIES_THREADS_ANSWER, REPLIES_THREADS_SEND, REPLIES_WEBHOOKS_TAKE
from mesh.bench import crawl, distribution
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Account, Measured, Target, accounted
from mesh.bench.gateway import ready
from mesh.bench.pace import arrivals
from mesh.bench.sender import sent
from mesh.bench.stage import Place, Stage
from mesh.bench.standin import TOKEN, standing_in
from mesh.bench.webhooks import BUSINESS, KEY, Load
from mesh.embedded.process import ServiceFailed, free_port
from mesh.embedded.redis import private_redis
from mesh.local_tiktok import Local
from persistence.engine import open_uow
from schemas.clock import utc_now
from schemas.replies.records import Tokens
from schemas.replies.stock_file import read_stock_file

WEBHOOKS = "webhooks, 500/s, the model hangs"
ANSWERED = "answered, 50/s, no model"
#: What one worker process has time for on a small machine; how long an answer takes while nothing waits.
CALM = "answered, 10/s, no model"

PER_SECOND = 500
#: In half a minute each of them writes five times: fewer than are answered for one customer in a minute.
A_CUSTOMER = 5
MESSAGES_A_SECOND = 50
CALM_A_SECOND = 10
#: Answered before anything is timed: processes connect, and learn the size of messages.
WARM_UP = 40
#: Each account may speak ten times a second, so that several are needed for more.
ACCOUNTS = 10
#: What customers ask in the second part; the router and the local reader know it all.
TEXTS = ("hi", "TH-P-001", "size L jacket", "menu", "where is my order", "do you have blue denim", "new drops")

#: A model that hangs is waited for so long by the first who ask it, before it is left alone.
_STALLED = timedelta(seconds=90)
_STORED = "SELECT COUNT(*) FROM messages WHERE role = 'user'"
_DONE = f"{_STORED} AND reply_id IS NOT NULL"


async def _webhooks(stage: Stage, size: int, tell: Tell) -> Measured:
    """Send notifications for some seconds, then wait until every one of them is stored and answered."""
    port, secret, number = free_port(), secrets.token_hex(16), size * PER_SECOND
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(stage.place())
        model = await stack.enter_async_context(standing_in(place, "model", timedelta()))
        await Local(model.url).call("POST", "/_sandbox/manner", {"manner": "hanging"})
        reads = {"MESH_MODEL_BASE_URL": f"{model.url}/v1", "MESH_MODEL_API_KEY": TOKEN}
        # Who goes on writing is waited for: it is how a shop is run, and what waits has one answer.
        settings = await _shop(stack, place, port, secret) | reads
        queues = (REPLIES_WEBHOOKS_TAKE.name, REPLIES_THREADS_ANSWER.name)
        await stack.enter_async_context(place.process("worker", ("mesh", "worker", *queues), settings))
        await stack.enter_async_context(place.process("publishers", ("mesh", "publishers"), settings))
        gateway = await stack.enter_async_context(place.process("gateway", ("mesh", "gateway"), settings))
        await ready(port, gateway, place)
        load = Load(
            port=port, secret=secret, per_second=PER_SECOND, number=number, customers=max(number // A_CUSTOMER, 1)
        )
        began = time.monotonic()
        told = await sent("mesh.bench.webhooks", load)
        tell(0.3)
        total = number + load.warm_up
        stored = await _until(place, _STORED, total)
        tell(0.6)
        await _until(place, _DONE, total)
        facts = {**told, "stored_after_seconds": round(stored - began, 1)}
        facts |= {"answered_after_seconds": round(time.monotonic() - began, 1), **crawl.cost(gateway)}
        good = int(told["statuses"].get("200", 0))
        refused = Account(expected=number, lost=number - good)
        return Measured(facts["p99_ms"], await _account(place, total) + refused, facts)


def _answered(per_second: int) -> Measure:
    """Have customers write at random moments, and compare when they wrote with when they read the answer."""

    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        port, secret, number = free_port(), secrets.token_hex(16), size * per_second
        async with AsyncExitStack() as stack:
            place = await stack.enter_async_context(stage.place())
            tiktok = await stack.enter_async_context(standing_in(place, "tiktok_messages", timedelta()))
            local = Local(tiktok.url)
            settings = await _shop(stack, place, port, secret) | {
                "MESH_TIKTOK_BASE_URL": f"{tiktok.url}/open_api/v1.3",
                "MESH_TIKTOK_SENDS_A_MINUTE": "600",
                "MESH_REPLIES_DEBOUNCE_SECONDS": "0",
            }
            queues = (REPLIES_WEBHOOKS_TAKE.name, REPLIES_THREADS_ANSWER.name, REPLIES_THREADS_SEND.name)
            worker = await stack.enter_async_context(place.process("worker", ("mesh", "worker", *queues), settings))
            await stack.enter_async_context(place.process("publishers", ("mesh", "publishers"), settings))
            gateway = await stack.enter_async_context(place.process("gateway", ("mesh", "gateway"), settings))
            await ready(port, gateway, place)
            app = {
                "callback_url": f"http://127.0.0.1:{port}/webhook/tiktok",
                "client_key": KEY,
                "client_secret": secret,
            }
            await local.call("POST", "/_sandbox/app", {**app, "businesses": _accounts()})
            await _write(local, "warm", WARM_UP, CALM_A_SECOND, lambda _: None)
            await _talked(local, WARM_UP)
            await _write(local, "cv", number, per_second, tell)
            talk = await _talked(local, number + WARM_UP)
            times = [said[1]["heard_at"] - said[0]["heard_at"] for said in _timed(talk) if len(said) > 1]
            if not times:
                raise ServiceFailed(f"nobody was answered; the logs are in {place.folder}")
            answers = [len(said) - 1 for said in _timed(talk)]
            found = accounted(number, sum(answers), sum(each > 0 for each in answers))
            facts = {**distribution.told(times), "messages": len(times), **crawl.cost(worker)}
            return Measured(facts["p99_ms"], found, facts)

    return measure


async def _shop(stack: AsyncExitStack, place: Place, port: int, secret: str) -> dict[str, str]:
    """Stock a shop, connect its accounts, and return the settings of everything that works for it."""
    redis = await stack.enter_async_context(private_redis(place.folder / "redis"))
    key, now = new_key(), utc_now()
    vault = Vault([key])
    lines = (files("mesh") / "examples" / "stock.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    tokens = Tokens(
        business_id=BUSINESS,
        access_token=vault.seal(TOKEN),
        refresh_token=None,
        access_expires_at=now + timedelta(days=1),
        refresh_expires_at=None,
        created_at=now,
        updated_at=now,
    )
    database = open_uow(place.database_url)
    try:
        async with database.uow() as tx:
            await tx.stock.put(read_stock_file(lines, now).items)
            for business in (BUSINESS, *_accounts()):
                await tx.tokens.put(replace(tokens, business_id=business))
    finally:
        await database.close()
    return {
        "MESH_GATEWAY_PORT": str(port),
        "MESH_ENCRYPTION_KEYS": key,
        "MESH_REDIS_URL": redis.url,
        "MESH_TIKTOK_CLIENT_KEY": KEY,
        "MESH_TIKTOK_CLIENT_SECRETS": secret,
        "MESH_TIKTOK_BUSINESS_IDS": ",".join((BUSINESS, *_accounts())),
    }


def _accounts() -> list[str]:
    return [f"{BUSINESS}-{number}" for number in range(ACCOUNTS)]


async def _until(place: Place, query: str, wanted: int) -> float:
    """Wait for a count; return when it was reached, or when nothing went on any more."""
    found, changed = -1, time.monotonic()
    while time.monotonic() - changed < _STALLED.total_seconds():
        now = int(await place.sql.value(query))
        if now != found:
            found, changed = now, time.monotonic()
        if found >= wanted:
            break
        await asyncio.sleep(0.5)
    return changed


async def _account(place: Place, number: int) -> Account:
    """Compare what was sent with the messages that are stored, and with those that were answered."""
    stored = "SELECT COUNT(*), COUNT(DISTINCT provider_message_id) FROM messages WHERE role = 'user'"
    _, ((present, distinct),) = await place.sql.rows(stored)
    _, ((answered, replies),) = await place.sql.rows(
        "SELECT COUNT(reply_id), COUNT(DISTINCT reply_id) FROM messages WHERE role = 'user'"
    )
    made = int(await place.sql.value("SELECT COUNT(*) FROM replies"))
    found = accounted(number, int(present), int(distinct))
    return found + Account(expected=number, lost=number - int(answered), duplicated=max(made - int(replies), 0))


async def _write(local: Local, name: str, number: int, per_second: int, tell: Tell) -> None:
    """Have customers write, each once, at the moments of a Poisson process."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as writing:
        for each, moment in enumerate(islice(arrivals(per_second, seed=number), number)):
            await asyncio.sleep(max(began + moment - time.monotonic(), 0))
            said = {
                "conversation_id": f"{name}+{each}==",
                "user_id": f"usr-{name}-{each}",
                "text": TEXTS[each % len(TEXTS)],
                "business_id": f"{BUSINESS}-{each % ACCOUNTS}",
            }
            writing.create_task(local.call("POST", "/_sandbox/write", [said]))
            tell(each / number)


async def _talked(local: Local, wanted: int) -> dict[str, Any]:
    """Wait until so many were answered, or nothing went on any more; return what was said in each conversation."""
    found, changed = -1, time.monotonic()
    while True:
        talk: dict[str, Any] = await local.call("GET", "/_sandbox/talk")
        now = sum(len(said) > 1 for said in talk.values())
        if now != found:
            found, changed = now, time.monotonic()
        if found >= wanted or time.monotonic() - changed > crawl.STALLED_SECONDS:
            return talk
        await asyncio.sleep(1)


def _timed(talk: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [said for name, said in talk.items() if name.startswith("cv+")]


def _variants() -> dict[str, Measure]:
    return {WEBHOOKS: _webhooks, CALM: _answered(CALM_A_SECOND), ANSWERED: _answered(MESSAGES_A_SECOND)}


REPLIES = Benchmark(
    name="replies",
    what="TikTok's signed notifications until they are confirmed, with a model that never answers; and a customer's "
    "message from TikTok through webhook, queues and sender back to TikTok, without a model.",
    unit="ms (p99)",
    variants=_variants,
    size=30,
    sized_in="seconds of load",
    rounds=1,
    targets=(
        Target(WEBHOOKS, at_most=200),
        Target(ANSWERED, at_most=1000),
        Target(ANSWERED, fact="p50_ms", at_most=150),
    ),
    told=("p50_ms", "p99.9_ms"),
    settings={
        "load": "open loop, Poisson arrivals from a fixed seed; a time runs from when a message was due",
        "processes": "one gateway, one worker of these queues, one of publishers, a private Redis, a stand-in",
        "customers": f"{A_CUSTOMER} messages each in the first part, one each in the second",
        "burst": "waited for as by default in the first part; what waits in a conversation has one answer",
    },
    patience=timedelta(minutes=12),
)

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from pydantic import TypeAdapter

from brokers import topology
from brokers.queue import Queue
from tests.fuzz.amqp import Raw
from tests.fuzz.mill import Mill
from tests.fuzz.wild import SEED, wild

pytestmark = pytest.mark.asyncio(loop_scope="module")

FEW, MANY = 300, 10_000

VALID: dict[str, Any] = {
    "samples.ingest": {"source": "fuzz", "rows": [{"platformProductId": "after", "platformCreatorId": "all"}]},
    "chatbot.sample.batch": [{"platformCreatorId": "after all", "messages": [{"content": "Hola"}]}],
    "relay.events.ingest": {"data": [{"storefront_id": "fuzz", "event_name": "lead", "event_time": 1, "order_id": 1}]},
    "relay.events.adopt": {"ids": [1]},
    "relay.deliveries.send": {"destinationId": 1},
    "replies.webhooks.take": {
        "raw": b64encode(b"{}").decode(),
        "conversationId": "cv+fuzz==",
        "dedupKey": sha256(b"after all").hexdigest(),
        "receivedAt": "2026-01-15T10:15:00Z",
        "signedAt": "2026-01-15T10:15:00Z",
    },
    "replies.threads.answer": {"conversationId": "cv+fuzz=="},
    "replies.threads.send": {"conversationId": "cv+fuzz=="},
    "creators.ingest": {"source": "fuzz", "rows": [{"platformCreatorId": "after all"}]},
    "creators.campaigns.ingest": {"source": "fuzz", "rows": [{"platformCampaignId": "after all"}]},
    "creators.products.ingest": {"source": "fuzz", "rows": [{"platformCampaignId": "a", "platformProductId": "b"}]},
    "creators.history.tell": {"creatorId": "after all"},
    "outreach.tasks.ingest": {"task": {"taskId": "after all"}},
    "outreach.on-chat-outcome": {
        "taskKey": "k",
        "outreachTaskId": "T",
        "platformCreatorId": "1",
        "state": "sent",
        "at": "2026-01-15T10:15:00Z",
    },
}
#: The others refuse, or wait for, what a valid message speaks of and is not there: a task, an account of a crawler.
queues = pytest.mark.parametrize(
    "queue", [queue for queue in topology.QUEUES if queue.name in VALID], ids=lambda queue: queue.name
)


def is_valid(queue: Queue, message: Raw) -> bool:
    try:
        TypeAdapter(queue.message).validate_json(message.body)
    except ValueError:
        return False
    return True


async def assert_survives(mill: Mill, queue: Queue, count: int) -> None:
    messages = wild(queue.name, count, SEED)
    await mill.feed(messages)
    account = await mill.account(queue, len(messages))
    told = f"MESH_FUZZ_SEED={SEED}: {account}"
    unexpected = [letter for letter in account.letters if letter.error_class != "ValidationError"]
    assert [(each.error_class, each.reason, each.incoming.body[:300]) for each in unexpected[:5]] == [], told
    assert account.done + len(account.letters) == len(messages), told
    assert account.done == sum(is_valid(queue, message) for message in messages), told
    assert account.unreasoned == [], told
    assert not account.alarms, told
    assert account.left == 0
    assert (await mill.ask(queue, VALID[queue.name]))["state"] == "done", told


@queues
async def test_wild_messages_are_done_or_parked_with_a_reason(fed: Mill, queue: Queue) -> None:
    await assert_survives(fed, queue, FEW)


@pytest.mark.long
@queues
async def test_the_same_on_sqlite(fed_on_sqlite: Mill, queue: Queue) -> None:
    await assert_survives(fed_on_sqlite, queue, FEW * 5)


@pytest.mark.long
@pytest.mark.timeout(900)
@queues
async def test_ten_thousand_wild_messages_are_done_or_parked_with_a_reason(fed: Mill, queue: Queue) -> None:
    await assert_survives(fed, queue, MANY)

"""What a stranger with a plain AMQP client does, on purpose or not."""

import json
import struct
from datetime import timedelta

import pytest

from brokers import topology
from brokers.dead import Selection
from brokers.ladder import ladder_address
from tests.build.broker import eventually
from tests.fuzz.amqp import Raw, long, short, table
from tests.fuzz.mill import Mill
from tests.fuzz.test_queues import VALID

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUEUE = topology.SAMPLES_INGEST
GOOD = json.dumps(VALID[QUEUE.name]).encode()
FORGED_DEATH = table(
    [(b"queue", long(b"samples.ingest")), (b"reason", long(b"expired")), (b"count", b"l" + struct.pack(">q", 7))]
)


def to_queue(body: bytes = GOOD, **properties: bytes) -> Raw:
    return Raw(body, b"samples.topic", b"samples.ingest", properties)


async def assert_works(mill: Mill) -> None:
    assert (await mill.ask(QUEUE, VALID[QUEUE.name]))["state"] == "done"
    assert not mill.alarms()


async def test_a_time_to_live_that_ends_leaves_a_dead_letter_that_says_so(fed: Mill) -> None:
    await fed.worker.terminate()
    await fed.feed([to_queue(expiration=short(b"1"), message_id=short(b"%d" % number)) for number in range(20)])
    await eventually(lambda: _holds(fed, QUEUE.dead, 20))
    await fed.worker.start()
    letters = [letter async for letter in fed.dead.letters(Selection(queue=QUEUE.name))]
    assert {letter.error_class for letter in letters} == {"Expired"}
    await assert_works(fed)


async def test_a_death_made_up_by_a_publisher_is_of_no_consequence(fed: Mill) -> None:
    deaths = [
        b"A" + struct.pack(">I", len(FORGED_DEATH) + 1) + b"F" + FORGED_DEATH,
        long(b"never"),
        b"A\0\0\0\2t\1",
        b"V",
    ]
    headers = [table([(b"x-death", death)]) for death in deaths]
    await fed.feed([to_queue(b"{", headers=header) for header in headers])
    account = await fed.account(QUEUE, len(headers))
    assert len(account.letters) == len(headers)
    await assert_works(fed)


async def test_other_exchanges_and_keys_are_strays_and_lose_nothing(fed: Mill) -> None:
    strays = [
        Raw(GOOD, b"samples.topic", b"samples.ingest.v2"),
        Raw(GOOD, b"samples.topic", b"\xff\xfe"),
        Raw(GOOD, b"chatbot.topic", b"chatbot.sample"),
        Raw(GOOD, b"mesh.dead", b"nobody"),
        Raw(GOOD, b"mesh.delay.deliver", b"x"),
        Raw(GOOD, b"mesh.delay.00", b"1.1.1"),
    ]
    await fed.feed(strays)
    await eventually(lambda: _holds(fed, "mesh.unrouted", len(strays)))
    await assert_works(fed)


async def test_the_ladder_brings_a_strangers_message_to_its_queue(fed: Mill) -> None:
    exchange, key = ladder_address(QUEUE.name, timedelta(seconds=1))
    await fed.feed([Raw(GOOD, exchange.encode(), key.encode()), Raw(b"{", exchange.encode(), key.encode())])
    account = await fed.account(QUEUE, 2)
    assert (account.done, len(account.letters)) == (1, 1)
    await assert_works(fed)


async def test_dead_letters_that_nobody_parked_can_be_listed_and_redriven(fed: Mill) -> None:
    forged = table(
        [(b"x-dead-at", long(b"soon")), (b"x-physical", long(b"chatbot.sample.batch")), (b"x-attempts", b"V")]
    )
    dead = QUEUE.dead.encode()
    messages = [
        Raw(GOOD, b"", dead),
        Raw(GOOD, b"mesh.dead", b"samples.ingest", {"headers": forged}),
        Raw(b"\xff", b"", dead),
    ]
    await fed.feed(messages)
    await eventually(lambda: _holds(fed, QUEUE.dead, len(messages)))
    letters = [letter async for letter in fed.dead.letters(Selection())]
    assert [letter.error_class for letter in letters] == ["Stranger"] * 3

    async def at_once(_: object) -> None:
        return

    assert await fed.dead.redrive(Selection(), at_once) == len(messages)
    account = await fed.account(QUEUE, len(messages))
    assert (account.done, [letter.error_class for letter in account.letters]) == (2, ["ValidationError"])
    await assert_works(fed)


async def test_a_message_too_large_for_memory_is_parked_unread(fed: Mill) -> None:
    huge = (
        b'{"source": "huge", "rows": [{"platformProductId": "1", "platformCreatorId": "1"}], "x": "' + b"x" * 17 * 2**20
    )
    await fed.feed([to_queue(huge + b'"}')])
    account = await fed.account(QUEUE, 1)
    (letter,) = account.letters
    assert "larger than" in letter.reason
    await assert_works(fed)


@pytest.mark.long
async def test_the_largest_messages_that_are_read_are_done(fed: Mill) -> None:
    rows = [{"platformProductId": str(number), "platformCreatorId": "1", "odd": "😀" * 40} for number in range(20_000)]
    await fed.feed([to_queue(json.dumps({"source": "large", "rows": rows}).encode())])
    account = await fed.account(QUEUE, 1)
    assert (account.done, account.letters) == (1, [])
    await assert_works(fed)


async def test_rows_that_are_all_refused_are_told_and_not_parked(fed: Mill) -> None:
    await fed.feed(
        [to_queue(json.dumps({"source": "empty", "rows": [{}] * 20_000}).encode(), reply_to=short(b"nobody"))]
    )
    account = await fed.account(QUEUE, 1)
    assert (account.done, account.letters) == (1, [])
    await assert_works(fed)


async def test_priorities_copies_and_types_of_every_kind_change_nothing(fed: Mill) -> None:
    copies = b"A" + struct.pack(">I", len(long(b"chatbot.sample.copy"))) + long(b"chatbot.sample.copy")
    await fed.feed(
        [
            to_queue(priority=b"\xff", delivery_mode=b"\x01", content_type=short(b"image/png")),
            to_queue(b"{", headers=table([(b"CC", copies), (b"BCC", copies)])),
            to_queue(headers=table([(b"x-attempt", b"l\x7f" + b"\xff" * 7)])),
        ]
    )
    account = await fed.account(QUEUE, 3)
    assert (account.done, len(account.letters)) == (2, 1)
    assert await fed.depth(topology.CHATBOT_SAMPLE_BATCH.name) == 0
    await assert_works(fed)


async def _holds(mill: Mill, queue: str, count: int) -> bool:
    return await mill.depth(queue) == count

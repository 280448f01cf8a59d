import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
import pytest

from mesh.bench.client import Failed, sent
from mesh.bench.figures import Account
from mesh.bench.gateway import account_of
from mesh.bench.load import SAMPLES, TASKS, Kind, Load, Stopwatch, bodies, body, number_in

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"


def load(**fields: object) -> Load:
    return Load(**{"kind": SAMPLES, "address": "", "connections": 1, "posts": 10} | fields)  # type: ignore[arg-type]


@asynccontextmanager
async def server(answers: Sequence[bytes]) -> AsyncIterator[tuple[str, list[int]]]:
    """Answer every post with these pieces; give the port and the numbers that were posted."""
    posted: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                posted.append(number_in(await reader.readexactly(length)))
                for piece in answers:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield str(listening.sockets[0].getsockname()[1]), posted


@pytest.mark.parametrize("kind", [SAMPLES, TASKS])
def test_a_message_is_known_by_its_number_again(kind: Kind) -> None:
    assert [number_in(body(kind, number)) for number in (0, 7, 12_345)] == [0, 7, 12_345]


def test_items_of_all_posts_have_numbers_of_their_own() -> None:
    many = load(kind=TASKS, items=3, posts=2, warm_up=1)
    numbers = [number_in(orjson.dumps([task])) for post in bodies(many) for task in orjson.loads(post)]
    assert numbers == list(range(many.messages))


def test_what_was_accepted_and_is_not_in_the_queue_is_lost() -> None:
    assert account_of(load(posts=4), [0, 1, 3]) == Account(expected=4, lost=1)


def test_what_is_in_the_queue_twice_or_was_never_sent_is_too_many() -> None:
    assert account_of(load(posts=3), [0, 1, 1, 2, 99]) == Account(expected=3, duplicated=2)


def test_percentiles_are_of_all_posts() -> None:
    watch = Stopwatch(None)
    watch.latencies = [number / 1000 for number in range(1, 101)]
    told = watch.told()
    assert (told.p50_ms, told.p99_ms, told.server_cpu_us) == (51, 100, None)


async def test_every_post_is_sent_once_whoever_is_free_and_however_the_answer_is_cut() -> None:
    async with server([ACCEPTED[:20], ACCEPTED[20:-1], ACCEPTED[-1:]]) as (port, posted):
        told = await sent(load(address=port, connections=4, posts=20, warm_up=5))
    assert sorted(posted) == list(range(25))
    assert told.p99_ms >= told.p50_ms > 0


async def test_another_answer_than_the_wanted_one_is_a_failure_that_tells_it() -> None:
    async with server([b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\naway"]) as (port, _):
        with pytest.raises(Failed, match="503 Service Unavailable"):
            await sent(load(address=port, connections=2))


async def test_a_connection_that_is_lost_is_a_failure() -> None:
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with listening:
        with pytest.raises(Failed, match="lost"):
            await sent(load(address=str(listening.sockets[0].getsockname()[1])))

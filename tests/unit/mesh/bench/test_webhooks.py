import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mesh.bench.webhooks import ASKED, BUSINESS, Load, notification, sent
from publishers.gateway.signature import verify
from schemas.replies.tiktok import Kind, read


def load(port: int, **values: int) -> Load:
    made = Load(port=port, secret="s", per_second=500, number=100, customers=20, warm_up=5)
    return replace(made, **values)  # type: ignore[arg-type]  # it does not know which are numbers


def test_a_notification_is_one_that_the_mesh_answers() -> None:
    heard = read(notification(25, 20, datetime(2026, 1, 1, tzinfo=UTC).timestamp()))
    assert (heard.kind, heard.business_id, heard.conversation_id) == (Kind.MESSAGE, BUSINESS, "cv+5==")
    assert heard.text == ASKED.format(25)


@pytest.mark.parametrize("status", [200, 503])
async def test_every_notification_is_signed_and_its_answer_counted(status: int) -> None:
    taken: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while head := (await reader.readuntil(b"\r\n\r\n")).decode().lower():
                fields = dict(line.split(": ", 1) for line in head.strip().splitlines()[1:])
                body = await reader.readexactly(int(fields["content-length"]))
                now, tolerance = datetime.now(UTC), timedelta(seconds=60)
                verify(fields["tiktok-signature"].encode(), body, [b"s"], now=now, tolerance=tolerance)
                taken.append(read(body).message_id)
                writer.write(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 2\r\n\r\nok".encode())
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        told = await sent(load(listening.sockets[0].getsockname()[1]))
    assert told["statuses"] == {str(status): 100}
    assert sorted(taken) == sorted(f"mid-{number}" for number in range(105))
    assert 0 < told["p50_ms"] <= told["p99_ms"] < 5000


async def test_nobody_there_is_an_answer_too() -> None:
    told = await sent(load(1, number=10, warm_up=0))
    assert told["statuses"] == {"refused": 10}

import asyncio
from typing import Any, cast

from publishers.gateway.server import Corked


class Wire:
    """A transport that notes what reaches it."""

    def __init__(self) -> None:
        self.sent: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.sent.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.sent


def corked() -> tuple[Wire, Any]:
    wire = Wire()
    return wire, Corked(cast("asyncio.Transport", wire), asyncio.get_running_loop())


async def test_head_and_body_of_an_answer_leave_in_one_piece() -> None:
    wire, transport = corked()
    transport.write(b"head ")
    transport.write(b"body")
    assert wire.sent == []
    await asyncio.sleep(0)
    assert wire.sent == [b"head body"]


async def test_the_next_answer_is_another_piece() -> None:
    wire, transport = corked()
    for answer in (b"first", b"second"):
        transport.write(answer)
        await asyncio.sleep(0)
    assert wire.sent == [b"first", b"second"]


async def test_what_was_written_before_a_close_is_sent_before_it() -> None:
    wire, transport = corked()
    transport.write(b"bye")
    transport.close()
    await asyncio.sleep(0)
    assert wire.sent == [b"bye", "closed"]


async def test_everything_else_is_the_transports_own() -> None:
    wire, transport = corked()
    assert not transport.is_closing()
    wire.close()
    assert transport.is_closing()

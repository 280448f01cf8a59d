"""Connections to destinations are used again."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from adapters.relay.classify import outcome_of
from adapters.relay.http import LARGEST_ANSWER
from adapters.relay.port import Verdict
from tests.build.sandbox import local_http


class Server:
    """Answers each request on a connection, and counts connections.

    `is_short` closes each after its answer, `is_silent` gives none.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.is_short = False
        self.is_silent = False
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        self.address = ""
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\nhi"):
                self.heads.append(head.lower())
                if self.is_silent:
                    await reader.read()  # until the caller has gone
                    break
                await asyncio.sleep(0.01)
                writer.write(self.answer)
                if self.is_short:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1") as listening:
        port = listening.sockets[0].getsockname()[1]
        server.address = f"http://127.0.0.1:{port}/"
        yield server


async def test_calls_one_after_the_other_share_a_connection() -> None:
    async with serving() as server, local_http() as http:
        for _ in range(5):
            assert (await http.post(server.address, b"hi")).answer.body == b"ok"
        assert server.connections == 1


async def test_calls_at_once_have_a_connection_each_and_those_are_used_again() -> None:
    async with serving() as server, local_http() as http:
        for _ in range(3):
            await asyncio.gather(*(http.post(server.address, b"hi") for _ in range(4)))
        assert server.connections == 4


async def test_a_connection_that_the_other_side_has_closed_is_not_used_again() -> None:
    async with serving() as server, local_http() as http:
        server.is_short = True
        for _ in range(3):
            assert (await http.post(server.address, b"hi")).answer.status == 200
            await asyncio.sleep(0.02)  # until its end is known here
        assert server.connections == 3


async def test_a_call_that_was_given_up_leaves_its_connection_to_nobody() -> None:
    async with serving() as server, local_http(timedelta(milliseconds=300)) as http:
        server.is_silent = True
        assert (await http.post(server.address, b"hi")).answer.is_unknown
        assert (await http.post(server.address, b"hi")).answer.is_unknown
        assert server.connections == 2


async def test_where_a_call_goes_and_how_it_is_framed_is_not_said_by_its_own_headers() -> None:
    theirs = {"Host": "inner.example", "Content-Length": "9", "Transfer-Encoding": "chunked", "X-Key": "k"}
    async with serving() as server, local_http() as http:
        assert (await http.post(server.address, b"hi", headers=theirs)).answer.status == 200
    (head,) = server.heads
    assert head.count(b"host:") == head.count(b"content-length:") == 1
    assert b"inner.example" not in head
    assert b"transfer-encoding" not in head
    assert b"x-key: k" in head


async def test_a_header_that_no_request_can_carry_is_ours_to_mend_and_is_not_quoted() -> None:
    async with serving() as server, local_http() as http:
        for value in ("secret\r\nx: y", "sécret"):
            answer = (await http.post(server.address, b"hi", headers={"X-Key": value})).answer
            assert answer.is_ours
            assert "cret" not in (answer.problem or "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_is_followed_anywhere(status: int) -> None:
    async with serving() as inner, serving() as server, local_http() as http:
        where = f"location: {inner.address}\r\ncontent-length: 0"
        server.answer = f"HTTP/1.1 {status} There\r\n{where}\r\n\r\n".encode()
        answer = (await http.post(server.address, b"hi")).answer
        assert outcome_of(answer).verdict is Verdict.CONFIG
        assert (server.connections, inner.connections) == (1, 0)


async def test_an_answer_without_end_is_cut() -> None:
    async with serving() as server, local_http() as http:
        length = LARGEST_ANSWER + 1_000_000
        server.answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length + b"x" * length
        assert len((await http.post(server.address, b"hi")).answer.body) == LARGEST_ANSWER


async def test_no_address_is_logged_though_everything_is(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server, local_http() as http:
        with caplog.at_level(logging.DEBUG):
            await http.post(server.address, b"hi", query={"access_token": "a-secret-token"})
        assert b"access_token=a-secret-token" in server.heads[0]
    assert "a-secret-token" not in caplog.text

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publishers.gateway import body as reading
from publishers.gateway.ports import Limits
from tests.build.gateway import World, crawl

PATHS = ["/samples/ingest", "/chatbot/messages"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "line 1 column 0"),
        (b'{"source": "x",\n "rows": [}', "line 2 column 11"),
        (b"[1, 2", "line 1 column 5"),
        (b'{"source": "\xff\xfe"}', "line 1 column"),
        (b'{"source": "\\ud800"}', "line 1 column"),
        (b"\xef\xbb\xbf{}", "line 1 column 1"),
        (b"[" * 100_000, "recursion limit"),
        (b"{}{}", "trailing characters at line 1 column 3"),
    ],
)
async def test_what_is_not_json_is_a_400_that_says_where(path: str, body: bytes, where: str) -> None:
    response = await World().post(path, body)
    assert response.status_code == 400
    assert response.json()["data"] is None
    assert where in response.json()["msg"]


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
async def test_numbers_that_json_does_not_have_are_a_400(number: bytes) -> None:
    world = World()
    response = await world.post("/samples/ingest", b'{"source": "x", "rows": [{"stock": ' + number + b"}]}")
    assert response.status_code == 400
    assert "line 1 column" in response.json()["msg"]
    assert not world.publisher.published


async def test_the_word_nan_in_a_text_is_fine() -> None:
    world = World()
    assert (await world.post("/samples/ingest", crawl(source="NaN to Infinity"))).status_code == 202


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_over_the_limit_is_a_413(path: str) -> None:
    world = World(limits=Limits(max_body_bytes=1000))
    response = await world.post(path, b" " * 1001)
    assert response.status_code == 413
    assert response.json() == {"code": 413, "msg": "The body is larger than 1000 bytes", "data": None}


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_does_not_say_its_length_is_limited_too(path: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100

    world = World(limits=Limits(max_body_bytes=1000))
    async with world.client() as client:
        response = await client.post(path, content=chunks())
    assert "content-length" not in response.request.headers
    assert response.status_code == 413


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    body = b'{"source":"x","rows":[{}]}'
    assert (await World(limits=Limits(max_body_bytes=len(body))).post("/samples/ingest", body)).status_code == 202


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 202),
        ({"Content-Type": "Application/JSON; charset=UTF-8"}, 202),
        ({"Content-Type": 'application/json; charset="utf-8"'}, 202),
        ({"Content-Type": "application/vnd.crawl+json"}, 202),
        ({}, 202),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/jsonp"}, 415),
        ({"Content-Type": "application/json; charset=latin-1"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
    ],
)
async def test_json_is_taken_and_nothing_else(headers: dict[str, str], status: int) -> None:
    response = await World().post("/samples/ingest", b'{"source":"x","rows":[{}]}', headers)
    assert (response.status_code, response.json()["code"]) == (status, status)


async def test_a_sender_that_dawdles_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dawdling() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    monkeypatch.setattr(reading, "WITHIN", timedelta(milliseconds=20))
    async with World().client() as client:
        assert (await client.post("/samples/ingest", content=dawdling())).status_code == 408


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["source", "rows", "messages", "x"]), inner),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
async def test_no_body_whatever_makes_a_5xx(path: str, body: bytes) -> None:
    response = await World().post(path, body)
    assert response.status_code in {200, 202, 400, 422}
    assert response.json()["code"] == response.status_code

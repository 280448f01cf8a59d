"""From the wire to a validated body: size, type, encoding and JSON, each with its own refusal."""

import asyncio
import json
import re
from datetime import timedelta
from typing import TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from publishers.gateway.call import Call
from publishers.gateway.errors import Refusal, malformed, unreadable

T = TypeVar("T")

WITHIN = timedelta(seconds=30)  # 15 MiB at 4 Mbit/s; slower senders would hold memory for too long


async def read_body(call: Call, receive: Receive, limit: int) -> bytes:
    """Return a body of JSON; raises 415, and what `read_bytes` raises."""
    _check_type(call)
    return await read_bytes(call, receive, limit)


async def read_bytes(call: Call, receive: Receive, limit: int) -> bytes:
    """Return the body, whatever it is; raises 413, or 408 for a sender that dawdles.

    The declared length is only a hint that saves reading: what counts is what arrives.
    """
    declared = call.headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(WITHIN.total_seconds()):
            return await _read(receive, limit)
    except TimeoutError:
        raise Refusal(408, "The body did not arrive in time") from None


async def _read(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    left = limit
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        left -= len(chunk)
        if left < 0:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def parsed(adapter: TypeAdapter[T], body: bytes) -> T:
    """Return what the body says; raises 400 where it is not JSON, 422 where it is not what was asked for."""
    try:
        value = adapter.validate_json(body)
    except ValidationError as error:
        raise unreadable(error) from None
    # NaN and Infinity are read by pydantic but are not JSON, and consumers in other languages would choke on them.
    if b"NaN" in body or b"Infinity" in body:
        _check_strictly(body)
    return value


def _check_strictly(body: bytes) -> None:
    try:
        orjson.loads(body)
    except json.JSONDecodeError as error:
        raise malformed(f"{error.msg} at line {error.lineno} column {error.colno}") from None


def _check_type(call: Call) -> None:
    """Take JSON as such: `application/json`, `…+json`, or no type at all; in UTF-8, not compressed."""
    if call.headers.get(b"content-encoding", b"identity") != b"identity":
        raise Refusal(415, "Send the body without Content-Encoding")
    content_type = call.header(b"content-type")
    if content_type in {None, "application/json"}:
        return
    kind, _, parameters = str(content_type).lower().partition(";")
    kind = kind.strip()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refusal(415, "Send JSON, as application/json")
    charset = re.search(r'charset\s*=\s*"?([^";\s]+)', parameters)
    if charset and charset[1] not in {"utf-8", "utf8"}:
        raise Refusal(415, "Send JSON in UTF-8")


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"The body is larger than {limit} bytes")

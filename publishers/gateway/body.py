"""From the wire to a validated body: size, type, encoding and JSON, each with its own refusal."""

import asyncio
import json
from datetime import timedelta
from typing import TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request

from publishers.gateway.errors import Refusal, malformed, unreadable

T = TypeVar("T")

WITHIN = timedelta(seconds=30)  # 15 MiB at 4 Mbit/s; slower senders would hold memory for too long


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body; raises 415, 413, or 408 for a sender that dawdles.

    The declared length is only a hint that saves reading: what counts is what arrives.
    """
    headers = request.headers
    _check_type(headers)
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(WITHIN.total_seconds()):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        raise Refusal(408, "The body did not arrive in time") from None
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


def _check_type(headers: Headers) -> None:
    """Take JSON as such: `application/json`, `…+json`, or no type at all; in UTF-8, not compressed."""
    if headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, "Send the body without Content-Encoding")
    content_type = headers.get("content-type", "application/json")
    if content_type == "application/json":
        return
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refusal(415, "Send JSON, as application/json")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    if "charset=" in parameters and charset not in {"utf-8", "utf8"}:
        raise Refusal(415, "Send JSON in UTF-8")


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"The body is larger than {limit} bytes")

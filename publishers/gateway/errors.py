"""Every way the gateway says no, all in one shape and none with anything internal in it."""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from publishers.gateway.envelope import enveloped

MAX_DETAILS = 100  # ten thousand bad rows are told as well by the first hundred
AWAY_SECONDS = 5  # a broker restart takes about this long


class Refusal(Exception):
    """An answer other than success; `msg` is for the caller."""

    def __init__(self, status: int, msg: str, data: Any = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(msg)
        self.status = status
        self.msg = msg
        self.data = data
        self.headers = headers

    def response(self) -> Response:
        """Return it as an HTTP response."""
        return enveloped(self.status, self.msg, self.data, self.headers)


def unavailable(msg: str, data: Any = None) -> Refusal:
    """Return the 503 of a dependency that is away, with when to try again."""
    return Refusal(503, msg, data, {"Retry-After": str(AWAY_SECONDS)})


def too_fast(seconds: float) -> Refusal:
    """Return the 429 of a token that has used up its minute."""
    return Refusal(429, "Too many requests", headers={"Retry-After": str(max(1, math.ceil(seconds)))})


def invalid(problems: Sequence[tuple[str, str]]) -> Refusal:
    """Return the 422 that names each field and what is wrong with it."""
    details = [{"field": field, "reason": reason} for field, reason in problems[:MAX_DETAILS]]
    return Refusal(422, "The request is not valid", {"details": details})


def unreadable(error: ValidationError, prefix: str = "") -> Refusal:
    """Return the 400 of a body that is not JSON, or the 422 of JSON that is not what was asked for.

    `prefix` stands before the path of each field.
    """
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return malformed(problems[0]["msg"].removeprefix("Invalid JSON: "))
    return invalid([(prefix + _path(each["loc"]), each["msg"].removeprefix("Value error, ")) for each in problems])


def malformed(reason: str) -> Refusal:
    """Return the 400 of a body that is not JSON; `reason` says where."""
    return Refusal(400, f"The body is not valid JSON: {reason}")


def _path(location: Sequence[int | str]) -> str:
    return ".".join(map(str, location)) or "body"


def install(app: FastAPI) -> None:
    """Make every error that a route can raise leave in the one shape."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_request_validation_error)
    app.add_exception_handler(Exception, on_bug)


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def _on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return enveloped(error.status_code, HTTPStatus(error.status_code).phrase, headers=error.headers)


async def _on_request_validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return invalid([(_path(each["loc"][1:]), each["msg"]) for each in error.errors()]).response()


async def on_bug(_: Request, __: Exception) -> Response:
    """Answer 500 and nothing else; the border logs the stack."""
    return enveloped(500, "Something went wrong on our side")

"""Every way the admin API says no: one shape, `{"error_code", "message", "details"}`, with nothing internal in it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.vault import CannotOpenError
from brokers.verdict import Conflict, Reject, Unavailable, Verdict

MAX_PROBLEMS = 100  # more are told as well by the first hundred
AWAY_SECONDS = 5  # a database restart takes about this long

_CODES = {401: "AUTHENTICATION_FAILED", 403: "AUTHORIZATION_FAILED", 404: "NOT_FOUND", 409: "CONFLICT"}


class Problem(BaseModel):
    """An answer that says no; `details` name the fields, or the resource, that it is about."""

    error_code: str
    message: str
    details: dict[str, Any]


class Refusal(Exception):
    """An answer other than success."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(error_code=code, message=message, details=dict(details or {}))
        self.headers = headers

    def response(self) -> Response:
        """Return it as an HTTP response."""
        return JSONResponse(self.problem.model_dump(), self.status, self.headers)


def not_found(resource: str, identifier: object) -> Refusal:
    """Return the 404 of something that is not there."""
    details = {"resource": resource, "identifier": str(identifier)}
    return Refusal(404, "NOT_FOUND", f"{resource} {identifier} is not there", details)


def conflict(message: str, **details: Any) -> Refusal:
    """Return the 409 of something that is there already."""
    return Refusal(409, "CONFLICT", message, details)


def invalid(problems: Sequence[tuple[str, str]]) -> Refusal:
    """Return the 422 that names each field by its path, and what is wrong with it."""
    errors = [{"field": field, "message": message} for field, message in problems[:MAX_PROBLEMS]]
    return Refusal(422, "VALIDATION_ERROR", "Request validation failed", {"errors": errors})


def forbidden(message: str) -> Refusal:
    """Return the 403 of somebody who is known and may not."""
    return Refusal(403, "AUTHORIZATION_FAILED", message)


def install(app: FastAPI) -> None:
    """Make every error that a route can raise leave in the one shape."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_request_validation_error)
    app.add_exception_handler(Verdict, _on_verdict)
    app.add_exception_handler(Exception, on_bug)


def of_verdict(verdict: Verdict) -> Refusal:
    """Return what a verdict of the layers below means to the caller."""
    if isinstance(verdict, CannotOpenError):
        return Refusal(500, "ENCRYPTION_ERROR", "The secret cannot be opened with the keys that are configured")
    if isinstance(verdict, Conflict):
        return conflict("Somebody else changed this at the same time; look at it and try again")
    if isinstance(verdict, Reject):
        return Refusal(422, "VALIDATION_ERROR", "A value does not fit where it is stored")
    assert isinstance(verdict, Unavailable)
    headers = {"Retry-After": str(AWAY_SECONDS)}
    return Refusal(503, "SERVICE_UNAVAILABLE", "The database is away; try again", headers=headers)


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def _on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = _CODES.get(error.status_code, status.name)
    return Refusal(error.status_code, code, status.phrase, headers=error.headers).response()


async def _on_request_validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [(_path(each), str(each["msg"]).removeprefix("Value error, ")) for each in error.errors()]
    return invalid(problems).response()


def _path(problem: Mapping[str, Any]) -> str:
    return "body" if problem["type"] == "json_invalid" else ".".join(map(str, problem["loc"]))


async def _on_verdict(_: Request, error: Exception) -> Response:
    assert isinstance(error, Verdict)
    return of_verdict(error).response()


async def on_bug(_: Request, __: Exception) -> Response:
    """Answer 500 and nothing else; the border logs the stack."""
    return Refusal(500, "INTERNAL_ERROR", "Something went wrong on our side").response()

"""The one shape of every answer: `{"code", "msg", "data"}`."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from schemas.base import Value

T = TypeVar("T")


class Envelope(BaseModel, Generic[T]):
    """An answer; `code` repeats the HTTP status."""

    code: int = 200
    msg: str = "success"
    data: T


class FieldProblem(Value):
    """What is wrong with one field of the request, named by its path in the body."""

    field: str = Field(examples=["rows.0.platformProductId"])
    reason: str


class Details(Value):
    """The fields that were refused, at most a hundred of them."""

    details: list[FieldProblem]


class Problem(BaseModel):
    """An answer that says no."""

    code: int
    msg: str
    data: None = None


class InvalidBody(BaseModel):
    """An answer that says no, field by field."""

    code: int = 422
    msg: str
    data: Details | None


class Accepted(Value):
    """The message is safe with the broker and its work goes on; ask `status_url` what became of it."""

    message_id: str
    status_url: str


class _Json(Response):
    """A response with the headers of JSON and its own, and no search for others."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        own = headers.items() if headers else ()
        self.raw_headers = [
            (b"content-length", str(len(self.body)).encode()),
            (b"content-type", b"application/json"),
            *[(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in own],
        ]


def enveloped(status: int, msg: str, data: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in the envelope; `data` is JSON-like."""
    return json_response(status, {"code": status, "msg": msg, "data": data}, headers)


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that is not in the envelope, for callers who were promised another shape."""
    return _Json(orjson.dumps(body), status, headers)


def success(data: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return a 200."""
    return enveloped(200, "success", data, headers)

"""POST /v1/events: a page of marketing events in, and what became of each once they are committed.

What is answered has the shape that order systems know: the result as it is, and `{error_code, message, details}`.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.responses import Response
from starlette.types import Receive

from brokers.outgoing import Outgoing
from brokers.status import State
from brokers.topology import RELAY_EVENTS_INGEST
from brokers.verdict import Verdict
from publishers.gateway.body import read_body
from publishers.gateway.call import Call
from publishers.gateway.envelope import json_response
from publishers.gateway.errors import Refusal, malformed, unavailable, unreadable
from publishers.gateway.identity import Identity
from publishers.gateway.message import message_of, record_accepted, whereabouts
from publishers.gateway.ports import Desk
from publishers.gateway.prefer import Preference, preferred
from schemas.relay.messages import IngestEvents

log = structlog.get_logger()

PATH = "/v1/events"
_BODY = TypeAdapter(IngestEvents)
_TOO_LONG = "too_long"  # what pydantic calls an array of more items than allowed

#: What order systems call our refusals; any other is called as HTTP calls it.
_CODES: Final = {
    400: "VALIDATION_ERROR",
    401: "AUTHENTICATION_FAILED",
    403: "AUTHORIZATION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
}


class EventsProblem(BaseModel):
    """An answer that says no: `details.errors` name fields by their path, `details.batch_error` is the page's own."""

    error_code: str
    message: str
    details: dict[str, Any]


class Events:
    """The route: the received bytes are validated once and published as they came; workers judge each item."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, call: Call, receive: Receive) -> Response:
        """Publish the page and wait for its result, as long as the caller prefers."""
        limits = self._desk.limits
        body = await read_body(call, receive, limits.max_events_bytes)
        _check(_page(body), limits.max_events)
        prefers = preferred(call.header(b"prefer"), limits.max_wait)
        call.message_id = Identity(call).message_id()
        answer = await self._asked(call, body, call.message_id, prefers)
        if answer is None:
            await record_accepted(self._desk.board, RELAY_EVENTS_INGEST, [call.message_id])
            told = whereabouts(call.message_id)
            return json_response(202, told, {"Location": told["statusUrl"], **prefers.headers})
        return json_response(202, _result(answer), prefers.headers)

    @staticmethod
    def refused(refusal: Refusal) -> Response:
        """Return a refusal in the shape that order systems know."""
        data = refusal.data if isinstance(refusal.data, Mapping) else {}
        problems = [{"field": each["field"], "message": each["reason"]} for each in data.get("details", [])]
        details = {name: value for name, value in data.items() if name != "details"}
        if problems:
            details["errors"] = problems
        status = 422 if refusal.status == 400 else refusal.status  # noqa: PLR2004 -- one code for what cannot be read
        code = _CODES.get(status, HTTPStatus(status).name)
        headers = {**(refusal.headers or {}), **({"WWW-Authenticate": "Basic"} if status == 401 else {})}  # noqa: PLR2004 -- RFC 7235
        return json_response(status, {"error_code": code, "message": refusal.msg, "details": details}, headers)

    async def _asked(self, call: Call, body: bytes, message_id: str, prefers: Preference) -> bytes | None:
        """Publish, and return the worker's answer if it comes in time."""
        if not prefers.wait:
            await self._publish(message_of(call, RELAY_EVENTS_INGEST, body, message_id))
            return None
        async with self._desk.answers.expect(message_id) as answer:
            await self._publish(message_of(call, RELAY_EVENTS_INGEST, body, message_id, reply_to=answer.reply_to))
            return await answer.wait(prefers.wait) if answer.reply_to else None

    async def _publish(self, message: Outgoing) -> None:
        try:
            await self._desk.publisher.publish(message)
        except Verdict as verdict:
            log.warning("not_published", key=message.key, message_id=message.message_id, reason=str(verdict))
            raise unavailable("The page was not confirmed; send it again") from None


def _page(body: bytes) -> IngestEvents:
    """Return what the body says. A NaN is read, and costs its own item only."""
    try:
        return _BODY.validate_python(orjson.loads(body))
    except (orjson.JSONDecodeError, ValidationError):
        pass  # nearly none: the slower reader takes more, and says better what is wrong
    try:
        return _BODY.validate_json(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        if problem["type"] == _TOO_LONG and problem["loc"] == ("data",):
            raise _too_many(problem["ctx"]["max_length"]) from None
        raise unreadable(error, "body.") from None
    except RecursionError:
        raise malformed("it is nested too deeply") from None


def _check(page: IngestEvents, most: int) -> None:
    """Refuse a page that says that it could not be made, and one of nothing or of too much."""
    if page.error and not page.data:
        raise Refusal(422, "The page says that it could not be made", {"batch_error": page.error})
    if not page.data:
        raise Refusal(422, "The page is empty", {"details": [{"field": "body.data", "reason": "has no items"}]})
    if len(page.data) > most:
        raise _too_many(most)


def _too_many(most: int) -> Refusal:
    return Refusal(413, f"At most {most} events in one page")


def _result(answer: bytes) -> dict[str, Any]:
    """Return what became of the page; raises the refusal of one that the worker could not take."""
    told: dict[str, Any] = orjson.loads(answer)
    if told["state"] == State.DEAD:
        # The reason is for operators; they find it with the dead letter, by the message id in the access log.
        raise Refusal(500, "Something went wrong on our side; the page is kept for repair")
    result: dict[str, Any] = told["result"]
    return result

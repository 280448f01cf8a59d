"""POST /samples/ingest: rows in, and the answer once they are readable in SQL."""

from datetime import timedelta
from typing import Any

import orjson
import structlog
from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.types import Receive

from brokers.outgoing import Outgoing
from brokers.status import State
from brokers.topology import SAMPLES_INGEST
from brokers.verdict import Verdict
from publishers.gateway.body import parsed, read_body
from publishers.gateway.call import Call
from publishers.gateway.envelope import success
from publishers.gateway.errors import Refusal, invalid, unavailable
from publishers.gateway.identity import Identity
from publishers.gateway.message import accepted, message_of, record_accepted
from publishers.gateway.ports import Desk
from publishers.gateway.prefer import preferred
from schemas.samples.messages import IngestSamples

log = structlog.get_logger()

PATH = "/samples/ingest"
_BODY = TypeAdapter(IngestSamples)
#: What a worker says of a message that was at fault itself; any other failure is ours.
_CALLERS_FAULT = frozenset({"Reject", "ValidationError"})


class SamplesIngest:
    """The route: the received bytes are validated once and published as they came."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, call: Call, receive: Receive) -> Response:
        """Publish the rows and wait for their result, as long as the caller prefers."""
        body = await read_body(call, receive, self._desk.limits.max_body_bytes)
        parsed(_BODY, body)
        prefers = preferred(call.header(b"prefer"), self._desk.limits.max_wait)
        call.message_id = Identity(call).message_id()
        answer = await self._asked(call, body, call.message_id, prefers.wait)
        if answer is None:
            await record_accepted(self._desk.board, SAMPLES_INGEST, [call.message_id])
            return accepted(call.message_id, prefers.headers)
        return success(_result(answer), prefers.headers)

    async def _asked(self, call: Call, body: bytes, message_id: str, wait: timedelta) -> bytes | None:
        """Publish, and return the worker's answer if it comes in time."""
        if not wait:
            await self._publish(message_of(call, SAMPLES_INGEST, body, message_id))
            return None
        async with self._desk.answers.expect(message_id) as answer:
            await self._publish(message_of(call, SAMPLES_INGEST, body, message_id, reply_to=answer.reply_to))
            return await answer.wait(wait) if answer.reply_to else None

    async def _publish(self, message: Outgoing) -> None:
        try:
            await self._desk.publisher.publish(message)
        except Verdict as verdict:
            log.warning("not_published", key=message.key, message_id=message.message_id, reason=str(verdict))
            raise unavailable("The message was not confirmed; send it again") from None


def _result(answer: bytes) -> dict[str, Any]:
    """Return what the worker stored; raises the refusal of a message or of all its rows."""
    told: dict[str, Any] = orjson.loads(answer)
    if told["state"] == State.DEAD:
        raise _refusal(told)
    result: dict[str, Any] = told["result"]
    if not result["inserted"] and (rejected := result.get("rejected")):
        raise invalid([(f"rows.{row['index']}.{row['field']}", row["reason"]) for row in rejected])
    return result


def _refusal(told: dict[str, Any]) -> Refusal:
    if told.get("error", "Reject") in _CALLERS_FAULT:
        return invalid([("body", told["reason"])])
    # The reason of a bug is for operators; they find it with the dead letter, by the message id in the access log.
    return Refusal(500, "Something went wrong on our side; the message is kept for repair")

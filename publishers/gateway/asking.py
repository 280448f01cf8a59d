"""Routes that are answered with what a worker made of the message: published, waited for, told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import structlog
from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.types import Receive

from brokers.outgoing import Outgoing
from brokers.queue import Queue
from brokers.status import State
from brokers.verdict import Verdict
from publishers.gateway.body import parsed, read_body
from publishers.gateway.call import Call
from publishers.gateway.envelope import success
from publishers.gateway.errors import Refusal, invalid, unavailable
from publishers.gateway.identity import Identity
from publishers.gateway.message import accepted, message_of, record_accepted
from publishers.gateway.ports import Desk
from publishers.gateway.prefer import preferred

log = structlog.get_logger()

#: What a worker says of a message that was at fault itself; any other failure is ours.
CALLERS_FAULT = frozenset({"Reject", "ValidationError"})

Result = dict[str, Any]


class Asking:
    """A route: the received bytes are validated once and published as they came, and the worker's result is told.

    `check` raises the refusal of a result that is none to the caller; `refusal` makes one of the reason why a worker
    refused the message.
    """

    def __init__(
        self,
        desk: Desk,
        queue: Queue,
        *,
        check: Callable[[Result], None] = lambda _: None,
        refusal: Callable[[str], Refusal] = lambda reason: invalid([("body", reason)]),
    ) -> None:
        self._desk = desk
        self._queue = queue
        self._body: TypeAdapter[Any] = TypeAdapter(queue.message)
        self._check = check
        self._refusal = refusal

    async def __call__(self, call: Call, receive: Receive) -> Response:
        """Publish the message and wait for its result, as long as the caller prefers."""
        body = await read_body(call, receive, self._desk.limits.max_body_bytes)
        self.examine(parsed(self._body, body))
        prefers = preferred(call.header(b"prefer"), self._desk.limits.max_wait)
        call.message_id = Identity(call).message_id()
        answer = await self._asked(call, body, call.message_id, prefers.wait)
        if answer is None:
            return await self.unanswered(call.message_id, prefers.headers)
        return success(self._result(answer), prefers.headers)

    def examine(self, message: Any) -> None:
        """Refuse a valid message for what no schema can say; the usual one is taken as it is."""

    async def unanswered(self, message_id: str, headers: dict[str, str]) -> Response:
        """Answer a caller whose result is not there yet: the message is safe."""
        await record_accepted(self._desk.board, self._queue, [message_id])
        return accepted(message_id, headers)

    async def _asked(self, call: Call, body: bytes, message_id: str, wait: timedelta) -> bytes | None:
        """Publish, and return the worker's answer if it comes in time."""
        if not wait:
            await self._publish(message_of(call, self._queue, body, message_id))
            return None
        async with self._desk.answers.expect(message_id) as answer:
            await self._publish(message_of(call, self._queue, body, message_id, reply_to=answer.reply_to))
            return await answer.wait(wait) if answer.reply_to else None

    async def _publish(self, message: Outgoing) -> None:
        try:
            await self._desk.publisher.publish(message)
        except Verdict as verdict:
            log.warning("not_published", key=message.key, message_id=message.message_id, reason=str(verdict))
            raise unavailable("The message was not confirmed; send it again") from None

    def _result(self, answer: bytes) -> Result:
        """Return what the worker made of it; raises the refusal of a message that it did not take."""
        told: Result = orjson.loads(answer)
        if told["state"] == State.DEAD:
            if told.get("error", "Reject") in CALLERS_FAULT:
                raise self._refusal(told["reason"])
            # The reason of a bug is for operators, who find it with the dead letter by the id in the access log.
            raise Refusal(500, "Something went wrong on our side; the message is kept for repair")
        result: Result = told["result"]
        self._check(result)
        return result


def check_rows(result: Result) -> None:
    """Refuse a page of which no row could be taken, naming the fields."""
    if not result["inserted"] and (rejected := result.get("rejected")):
        raise invalid([(f"rows.{row['index']}.{row['field']}", row["reason"]) for row in rejected])

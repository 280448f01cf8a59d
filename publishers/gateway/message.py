"""From a request to the message it becomes, and what the caller is told of a message that is safe."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from brokers.outgoing import Outgoing
from brokers.queue import Queue
from brokers.status import TRACKED, State, Status, StatusBoard
from publishers.gateway.call import Call
from publishers.gateway.envelope import enveloped


def message_of(call: Call, queue: Queue, body: bytes, message_id: str, **properties: Any) -> Outgoing:
    """Address a body to the queue of its command, with the identity and the trace of the call."""
    headers: dict[str, Any] = {TRACKED: 1, **properties.pop("headers", {})}
    if call.traceparent:
        headers["traceparent"] = call.traceparent
    return Outgoing(
        exchange=queue.exchange,
        key=queue.name,
        body=body,
        message_id=message_id,
        correlation_id=call.request_id,
        type=queue.message.__name__,
        headers=headers,
        **properties,
    )


async def record_accepted(board: StatusBoard, queue: Queue, message_ids: Sequence[str]) -> None:
    """Put messages on the board before their ids are told to anyone.

    Whoever is not told an id cannot ask for it, and the worker's own report follows: so requests that are answered
    with their result spend nothing on this.
    """
    await board.record([Status(message_id, State.ACCEPTED, queue.name) for message_id in message_ids])


def accepted(message_id: str, headers: dict[str, str]) -> Response:
    """Return the 202 of a message that is safe with the broker while its work goes on."""
    told = whereabouts(message_id)
    return enveloped(202, "accepted", told, {"Location": told["statusUrl"], **headers})


def whereabouts(message_id: str) -> dict[str, str]:
    """Return a message's id and where to ask what became of it, as `Accepted` documents it."""
    return {"messageId": message_id, "statusUrl": f"/messages/{message_id}"}

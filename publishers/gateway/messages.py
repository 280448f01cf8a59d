"""GET /messages/{id}: what became of a message."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from brokers.status import State, StatusBoard
from brokers.verdict import Unavailable
from publishers.gateway.envelope import Envelope, success
from publishers.gateway.errors import Refusal, unavailable
from publishers.gateway.openapi import AUTHENTICATED
from publishers.gateway.openapi_words import says
from schemas.base import Value


class MessageStatus(Value):
    """How far a message has come; `result` is there when it is done, `reason` when it is retrying or dead."""

    message_id: str
    state: State
    at: datetime
    result: Any = None
    reason: str | None = None


def messages(board: StatusBoard) -> APIRouter:
    """Return the route that reads the status board."""
    router = APIRouter(dependencies=[AUTHENTICATED], tags=["messages"])

    @router.get(
        "/messages/{message_id}",
        responses=says(401, 404, 429, 503),
        response_model=Envelope[MessageStatus],
    )
    async def message_status(message_id: str) -> Response:
        """Tell whether a message is accepted, retrying, done or dead; known for a day."""
        try:
            status = await board.read(message_id)
        except Unavailable:
            raise unavailable("The status of messages is not available now; the messages themselves are safe") from None
        if status is None:
            raise Refusal(404, "No such message, or it is older than a day")
        told = {"messageId": message_id, "state": status.state, "at": status.at}
        told |= {} if status.result is None else {"result": status.result}
        told |= {} if status.reason is None else {"reason": status.reason}
        return success(told)

    return router

"""What the documented routes have in common: headers, refusals, and the answer of what was queued."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel

from publishers.gateway import identity
from publishers.gateway.envelope import Envelope, InvalidBody, Problem
from schemas.base import Value

_RETRY_AFTER = {"Retry-After": {"description": "Seconds until trying again makes sense", "schema": {"type": "string"}}}
#: The header of a 202.
LOCATION = {"Location": {"description": "Where to ask what became of it", "schema": {"type": "string"}}}

IdempotencyKey = Annotated[
    str | None,
    Header(alias=identity.HEADER, pattern=identity.PATTERN, description="Makes a repeated request the same message."),
]
Prefer = Annotated[str | None, Header(alias="Prefer", description="RFC 7240; what is not understood is ignored.")]


class Queued(Value):
    """How many tasks are queued, and their message ids where they were asked for (`Prefer: return=representation`)."""

    count: int
    message_ids: list[str] | None = None


class Unconfirmed(Value):
    """The places in the array of the tasks that are queued, and of those that may not be."""

    queued: list[int]
    failed: list[int]


def says(
    *statuses: int, model: type[BaseModel] = Problem, invalid: type[BaseModel] = InvalidBody
) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of these refusals."""
    told: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        told[status] = {"model": model, "description": HTTPStatus(status).phrase}
        if status in {429, 503}:
            told[status]["headers"] = _RETRY_AFTER
        if status == 422:  # noqa: PLR2004 -- the status that has details
            told[status]["model"] = invalid
    return told


#: What every route that publishes may answer beside a success.
PUBLISHING = says(400, 401, 408, 413, 415, 422, 429, 500, 503)
#: What a route may answer that queues the items of an array.
QUEUEING: dict[int | str, dict[str, Any]] = {**PUBLISHING, 503: {**PUBLISHING[503], "model": Envelope[Unconfirmed]}}

"""The OpenAPI document: also of the hot routes, which FastAPI does not see, from the models they validate with."""

from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, FastAPI, Header, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader, HTTPBasic
from pydantic import BaseModel, ConfigDict, Field

from publishers.gateway import auth, chatbot, events, openapi_outreach, samples, tiktok
from publishers.gateway.envelope import Accepted, Envelope
from publishers.gateway.events import EventsProblem
from publishers.gateway.openapi_words import LOCATION, PUBLISHING, QUEUEING, IdempotencyKey, Prefer, Queued, says
from schemas.chatbot.messages import MAX_TASKS, ChatTask
from schemas.relay.messages import MAX_EVENTS, IngestEvents, IngestEventsResult
from schemas.samples.messages import IngestResult, IngestSamples

DESCRIPTION = """
Turns HTTP requests into messages. A request is answered once its message is confirmed by the broker, so no success is
ever reported for something that could be lost; what takes longer is answered with 202 and can be asked for by its id.
"""

#: The token is checked at the border, before any route; this only writes it into the document.
AUTHENTICATED = Security(APIKeyHeader(name=auth.HEADER, auto_error=False))
#: The same of order systems.
PRODUCER = Security(HTTPBasic(auto_error=False))


class Notified(BaseModel):
    """A notification is safe; of one that came before there is nothing more to do."""

    status: Literal["ok"] = "ok"


class Notification(BaseModel):
    """What TikTok says of an account; `content` is JSON within a text."""

    model_config = ConfigDict(extra="allow")

    client_key: str = Field(description="The app that is subscribed.")
    event: str = Field(examples=["im_receive_msg"])
    create_time: int = Field(description="Seconds since 1970.")
    user_openid: str = Field(description="The business account.")
    content: str


class EventItem(BaseModel):
    """One marketing event as its producer knows it; fields that are not named here are kept and sent on.

    Numbers may stand for ids, and text for amounts. What identifies the person may stand in `user_data`, what it
    allowed in `consent`.
    """

    model_config = ConfigDict(extra="allow")

    storefront_id: str = Field(description="The storefront's code.", max_length=50)
    event_name: str = Field(description="Compared in lower case.", max_length=50)
    event_time: str | float = Field(description="ISO 8601, UTC where it names no zone; or an epoch number.")
    order_id: str | int = Field(description="The event's id, unless `event_id` is given.")
    event_id: str | int | None = Field(None, description="Tells two events of one name and order apart.")
    t_value: str | None = Field(None, alias="t-value")
    session_id: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    order_created_date: str | None = None
    order_ship_date: str | None = None
    order_revenue: float | str | None = None
    currency: str | None = Field(None, description="ISO 4217.")
    user_data: dict[str, Any] | None = None
    consent: dict[str, Any] | None = None


class EventsPage(IngestEvents):
    """A page of marketing events; paging fields are the producer's own and are not used."""

    data: list[EventItem] = Field(min_length=1, max_length=MAX_EVENTS)


def _hot_routes() -> APIRouter:
    """Return stand-ins of the hot routes: they are documented, and never mounted."""
    router = APIRouter(dependencies=[AUTHENTICATED])

    @router.post(
        samples.PATH,
        tags=["samples"],
        response_model=Envelope[IngestResult],
        responses={**PUBLISHING, 202: {"model": Envelope[Accepted], "headers": LOCATION}},
    )
    def ingest_samples(body: IngestSamples, idempotency_key: IdempotencyKey = None, prefer: Prefer = None) -> None:
        """Store the rows of a crawl.

        200 means that the rows are readable in SQL now; rows that were refused are told one by one, and if all were,
        the answer is 422. When the result takes longer than `Prefer: wait=N` seconds (at most ten), or with
        `Prefer: respond-async`, the answer is 202: the rows are safe, and `GET /messages/{id}` tells the rest.
        """

    @router.post(
        chatbot.PATH,
        tags=["chatbot"],
        response_model=Envelope[Queued],
        responses=QUEUEING,
    )
    def send_chat_messages(
        body: Annotated[list[ChatTask], Field(min_length=1, max_length=MAX_TASKS), Body()],
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> None:
        """Queue messages to creators, each task as a message of its own.

        Repeat a request that was answered with 503 under the same `Idempotency-Key`: nobody is written to twice.
        """

    @router.post(
        events.PATH,
        tags=["relay"],
        dependencies=[PRODUCER],
        status_code=202,
        response_model=IngestEventsResult | Accepted,
        responses={
            **says(401, 403, 408, 413, 415, 422, 429, 500, 503, model=EventsProblem, invalid=EventsProblem),
            202: {"headers": LOCATION},
        },
    )
    def ingest_events(
        body: EventsPage,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> None:
        """Take in a page of marketing events, with a service token or HTTP Basic.

        Each item is judged by itself and answered in `results`: accepted, a duplicate, in conflict with an event of
        the same identity (storefront, name and id), or rejected with the reason. What is accepted is stored before
        the answer. When that takes longer than `Prefer: wait=N` seconds (at most ten), or with `Prefer:
        respond-async`, the answer tells a message id: the page is safe, and `GET /messages/{id}` tells the rest.
        """

    openapi_outreach.describe(router)
    return router


def _signed_routes() -> APIRouter:
    """Return stand-ins of the routes whose callers show a signature and no token."""
    router = APIRouter()

    @router.post(
        tiktok.PATH,
        tags=["replies"],
        response_model=Notified,
        responses=says(401, 408, 413, 500, 503),
        openapi_extra={
            "requestBody": {
                "content": {
                    "application/json": {"schema": Notification.model_json_schema()},
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                },
            }
        },
    )
    def take_webhook(
        signature: Annotated[
            str,
            Header(alias="TikTok-Signature", description="`t=<seconds>,s=<hex HMAC-SHA256 of t, a stop, the body>`."),
        ],
    ) -> None:
        """Take in a notification of TikTok's, verified by its signature over the raw body.

        200 means that it is confirmed by the broker, or was before. Whatever no repetition could mend is answered so
        too, JSON or not: TikTok repeats everything else for three days.
        """

    return router


def install(app: FastAPI, *, has_webhook: bool = False) -> None:
    """Let the app's document describe the hot routes beside its own, and the webhook's where there is one."""
    signed = _signed_routes().routes if has_webhook else []

    @cache
    def document() -> dict[str, Any]:
        return get_openapi(
            title=app.title,
            version=app.version,
            description=DESCRIPTION,
            routes=[*_hot_routes().routes, *signed, *app.routes],
        )

    app.openapi = document  # type: ignore[method-assign] # FastAPI documents this very assignment

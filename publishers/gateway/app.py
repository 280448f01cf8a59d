"""The gateway's ASGI application, put together from what it is handed."""

from collections.abc import Sequence

from fastapi import FastAPI

from brokers.status import StatusBoard
from publishers.gateway import chatbot, creators, docs, errors, events, openapi, outreach, samples, tiktok
from publishers.gateway.auth import Callers
from publishers.gateway.border import Border, HotRoute
from publishers.gateway.health import health
from publishers.gateway.messages import messages
from publishers.gateway.ports import Answers, Check, Desk, Limits, Publisher
from publishers.gateway.rate import RateLimit

API_VERSION = "1"


def gateway(  # noqa: PLR0913 -- called once, where everything is put together
    publisher: Publisher,
    answers: Answers,
    board: StatusBoard,
    callers: Callers,
    *,
    limits: Limits = Limits(),  # noqa: B008 -- frozen
    checks: Sequence[Check] = (),
    asyncapi: bytes | None = None,
    webhook: tiktok.Webhook | None = None,
) -> Border:
    """Return the application.

    `checks` are what readiness looks at, `asyncapi` is the JSON document served under that path. Without `webhook`
    TikTok's notifications have no route.
    """
    app = FastAPI(
        title="Mesh",
        version=API_VERSION,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    desk = Desk(publisher, answers, board, limits)
    app.include_router(health(checks, asyncapi))
    app.include_router(messages(board))
    errors.install(app)
    openapi.install(app, has_webhook=webhook is not None)
    docs.install(app)
    hot: dict[str, HotRoute] = {
        samples.PATH: samples.samples_ingest(desk),
        chatbot.PATH: chatbot.ChatbotMessages(desk),
        **creators.routes(desk),
        **outreach.routes(desk),
    }
    return Border(
        app,
        hot,
        callers,
        RateLimit(limits.requests_a_minute),
        producers_routes={events.PATH: events.Events(desk)},
        signed_routes={tiktok.PATH: tiktok.Notifications(desk, webhook)} if webhook else {},
    )

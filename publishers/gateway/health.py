"""Is it alive, is it ready, and what does it count: the routes that need no token."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

import structlog
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from brokers.verdict import Verdict
from publishers.gateway.envelope import Envelope, enveloped
from publishers.gateway.errors import AWAY_SECONDS
from publishers.gateway.ports import Check
from schemas.base import Value

log = structlog.get_logger()

PATIENCE = timedelta(seconds=1)  # Kubernetes gives a probe one second by default


class Dependencies(Value):
    """Each dependency of the gateway, `up` or `away`."""

    dependencies: dict[str, Literal["up", "away"]]


def health(checks: Sequence[Check], asyncapi: bytes | None) -> APIRouter:
    """Return the routes that tell about this process and its API."""
    router = APIRouter(tags=["health"])
    links = {"docs": "/docs", "openapi": "/openapi.json", "asyncapi": "/asyncapi", "health": "/health/ready"}

    @router.get("/")
    async def root() -> Envelope[dict[str, str]]:
        """Say who is there and where to read on."""
        return Envelope(msg="Mesh", data=links)

    @router.get("/health/live")
    async def live() -> Envelope[None]:
        """Answer as long as the process can."""
        return Envelope(data=None)

    @router.get(
        "/health/ready", response_model=Envelope[Dependencies], responses={503: {"model": Envelope[Dependencies]}}
    )
    async def ready() -> Response:
        """Answer 200 while messages can be taken; each dependency is told by itself."""
        return _readiness(checks, await asyncio.gather(*map(_is_up, checks)))

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Prometheus metrics of this process."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/asyncapi", responses={404: {"model": Envelope[None]}})
    async def described() -> Response:
        """Describe the exchanges and queues behind this gateway, as AsyncAPI."""
        if asyncapi is None:
            return enveloped(404, "Not Found")
        return Response(asyncapi, media_type="application/json")

    return router


def _readiness(checks: Sequence[Check], are_up: Sequence[bool]) -> Response:
    told: dict[str, Any] = {check.name: "up" if is_up else "away" for check, is_up in zip(checks, are_up, strict=True)}
    if all(is_up or not check.is_required for check, is_up in zip(checks, are_up, strict=True)):
        return enveloped(200, "success", {"dependencies": told})
    return enveloped(503, "Not ready", {"dependencies": told}, {"Retry-After": str(AWAY_SECONDS)})


async def _is_up(check: Check) -> bool:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await check.probe()
    except (Verdict, OSError, TimeoutError) as error:
        log.debug("dependency_away", name=check.name, error=type(error).__name__)
        return False
    return True

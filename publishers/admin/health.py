"""Is it alive, is it ready, and what does it count: the routes that need no password."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from brokers.verdict import Verdict
from publishers.admin.errors import AWAY_SECONDS

log = structlog.get_logger()

_PATIENCE = timedelta(seconds=1)  # Kubernetes gives a probe one second by default

Probe = Callable[[], Awaitable[object]]


def health(probe: Probe, version: str) -> APIRouter:
    """Return the routes that tell about this process; `probe` raises while the database cannot be used."""
    router = APIRouter(tags=["health"])

    @router.get("/")
    async def root() -> dict[str, str]:
        """Say who is there and where to read on."""
        return {"service": "Mesh admin", "version": version, "docs": "/docs"}

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """Answer as long as the process can."""
        return {"status": "healthy", "version": version}

    @router.get("/health/ready")
    async def ready() -> Response:
        """Answer 200 while the database answers and has its tables, else 503."""
        if await _is_up(probe):
            return JSONResponse({"status": "ready", "database": "healthy"})
        told = {"status": "not_ready", "database": "unhealthy"}
        return JSONResponse(told, 503, {"Retry-After": str(AWAY_SECONDS)})

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Prometheus metrics of this process."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _is_up(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            await probe()
    except (Verdict, OSError, TimeoutError) as error:
        log.debug("not_ready", error=type(error).__name__, reason=str(error) if isinstance(error, Verdict) else None)
        return False
    return True

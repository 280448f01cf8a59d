"""`mesh gateway`: HTTP and webhooks in, messages out."""

import asyncio
import json
import os
from datetime import timedelta

import structlog

from brokers import topology
from brokers.answers import Answers
from brokers.asyncapi import asyncapi
from handlers import ROUTES
from mesh import __version__
from mesh.compose import Composition
from mesh.lifetime import begin, live
from publishers.gateway.app import gateway
from publishers.gateway.auth import Callers
from publishers.gateway.border import Border
from publishers.gateway.ports import Check, Limits
from publishers.gateway.server import listen, serve
from settings import Settings

log = structlog.get_logger()


def run() -> None:
    """Serve until told to stop; OSError if the port is taken."""
    settings = begin("gateway")
    live(lambda stop: _serve(settings, stop))


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    composition = Composition(settings, "gateway")
    answers = Answers(composition.link("answers"))
    listening = listen(settings.gateway_host, settings.gateway_port)
    log.info("gateway_started", pid=os.getpid())
    await serve(application(composition, answers), listening, stop, drain=timedelta(seconds=settings.drain_seconds))
    await answers.close()
    await composition.close()


def application(composition: Composition, answers: Answers) -> Border:
    """Return the gateway with its real publisher, answers and status board."""
    settings = composition.settings
    checks = [Check("broker", composition.publisher.probe)]
    if settings.redis_url is not None:
        checks.append(Check("redis", composition.board.probe, is_required=False))
    return gateway(
        composition.publisher,
        answers,
        composition.board,
        Callers(settings.service_tokens, settings.events_users),
        limits=Limits(
            max_body_bytes=settings.gateway_max_body_bytes,
            max_wait=timedelta(seconds=settings.gateway_max_wait_seconds),
            requests_a_minute=settings.gateway_rate_limit,
            max_events_bytes=settings.events_max_body_bytes,
            max_events=settings.events_max_count,
        ),
        checks=checks,
        asyncapi=json.dumps(asyncapi(topology.QUEUES, ROUTES, __version__)).encode(),
        webhook=composition.webhook,
    )

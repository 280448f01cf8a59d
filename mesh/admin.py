"""`mesh admin`: the operators' HTTP side, on the database."""

import asyncio
import os
from datetime import timedelta

import structlog

from brokers.verdict import Unavailable
from mesh import __version__
from mesh.compose import Composition, database_url
from mesh.lifetime import begin, live
from persistence import migrate
from publishers.admin.app import admin
from publishers.admin.border import Border
from publishers.admin.desk import Connecting, Desk
from publishers.admin.people import People
from publishers.gateway.server import listen, serve
from schemas.clock import utc_now
from settings import Settings

log = structlog.get_logger()


def run() -> None:
    """Serve until told to stop; OSError if the port is taken, Unconfigured without a key for secrets."""
    settings = begin("admin")
    live(lambda stop: _serve(settings, stop))


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    composition = Composition(settings, "admin")
    app = application(composition)
    listening = listen(settings.admin_host, settings.admin_port)
    if not settings.admin_users:
        log.warning("admin_without_users", remedy="set MESH_ADMIN_USERS: until then every call is refused")
    log.info("admin_started", pid=os.getpid())
    await serve(app, listening, stop, drain=timedelta(seconds=settings.drain_seconds), name="admin")
    await composition.close()


def application(composition: Composition) -> Border:
    """Return the admin API with its real database, keys and platforms."""
    people = People(composition.settings.admin_users, composition.settings.events_users)
    return admin(desk(composition), people, _Migrated(composition), __version__)


class _Migrated:
    """A probe of the database, and of its migrations until they were all there once: those of newer code may come."""

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._is_migrated = False

    async def __call__(self) -> None:
        """Raise Unavailable while the database is away or has not been migrated."""
        await self._composition.database.probe()
        if not self._is_migrated:
            self._is_migrated = await migrate.is_current(database_url(self._composition.settings))
        if not self._is_migrated:
            log.warning("database_not_migrated", remedy="run `mesh migrate`")
            raise Unavailable("the database has not been migrated")


def desk(composition: Composition) -> Desk:
    """Return what the admin API, and the commands that do the same, have at hand."""
    return Desk(
        uow=composition.database.uow,
        clock=utc_now,
        vault=composition.vault,
        guard=composition.http.guard,
        adapters=composition.adapters,
        bases=composition.base_urls,
        handoff=timedelta(hours=composition.settings.replies_handoff_hours),
        connecting=_connecting(composition),
    )


def _connecting(composition: Composition) -> Connecting | None:
    settings = composition.settings
    if settings.tiktok_client_key is None or not settings.tiktok_client_secrets:
        return None
    return Connecting(
        composition.tiktok, settings.tiktok_client_key, settings.tiktok_authorize_url, here=settings.admin_url
    )

"""The admin API's ASGI application, put together from what it is handed."""

from fastapi import APIRouter, FastAPI, Security
from fastapi.security import HTTPBasic

from publishers.admin import errors
from publishers.admin.audit import audit
from publishers.admin.border import Border
from publishers.admin.credentials import credentials
from publishers.admin.deliveries import deliveries
from publishers.admin.desk import Desk
from publishers.admin.destinations import destinations
from publishers.admin.events import events
from publishers.admin.health import Probe, health
from publishers.admin.mappings import mappings
from publishers.admin.people import People
from publishers.admin.platforms import platforms
from publishers.admin.replies import replies
from publishers.admin.sgtm_configs import sgtm_configs
from publishers.admin.storefronts import storefronts
from publishers.gateway import docs

DESCRIPTION = """
For operators: who sends what where, the secrets for it, the switches that hold it, what became of every event, and
what customers are told.
Every change is remembered with who made it. Secrets go in and are shown masked; the role `secrets` alone may see them
in clear, and each look is remembered.
"""
PREFIX = "/admin/v1"
_RESOURCES = (
    storefronts,
    sgtm_configs,
    platforms,
    credentials,
    destinations,
    mappings,
    events,
    deliveries,
    replies,
    audit,
)


def admin(desk: Desk, people: People, probe: Probe, version: str) -> Border:
    """Return the application; where nobody has a password it refuses every call."""
    app = FastAPI(
        title="Mesh admin",
        version=version,
        description=DESCRIPTION,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(health(probe, version))
    # Passwords are asked for at the border, before any route; this only writes them into the document.
    router = APIRouter(prefix=PREFIX, dependencies=[Security(HTTPBasic(auto_error=False))])
    for resource in _RESOURCES:
        router.include_router(resource(desk))
    app.include_router(router)
    errors.install(app)
    docs.install(app)
    return Border(app, people)

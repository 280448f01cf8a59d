"""Who did what: kept for ever, shown to those who may change things."""

from typing import Annotated

from fastapi import APIRouter, Query

from publishers.admin.desk import Changer, Desk, Listed, Paging, listed, says
from schemas.relay.selection import AuditEntry, Page

RESOURCE = "audit"


class AuditPaging(Paging):
    """Which part of the list, whose, and of what."""

    who: str | None = None
    action: str | None = None
    resource: str | None = None
    resource_id: str | None = None


def audit(desk: Desk) -> APIRouter:
    """Return the route of the audit."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_audit(page: Annotated[AuditPaging, Query()], _: Changer) -> Listed[AuditEntry]:
        """List who did what, newest first."""
        equal = page.model_dump(include={"who", "action", "resource", "resource_id"})
        async with desk.uow() as tx:
            found, total = await tx.search.audit(Page(limit=page.limit, skip=page.skip, newest=True), **equal)
        return listed(found, total, page)

    return router

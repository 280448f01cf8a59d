"""Storefronts: the tenants, and the first of the kill switches."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator

from persistence.uow import Transaction
from publishers.admin.desk import (
    UNSAID,
    ActivePaging,
    Body,
    Changer,
    Desk,
    Listed,
    Number,
    Printable,
    Reader,
    Words,
    adding,
    line,
    listed,
    remember,
    says,
    there,
)
from publishers.admin.errors import conflict
from publishers.admin.removal import cancel_left
from schemas.relay.items import storefront_code
from schemas.relay.records import Storefront

RESOURCE = "storefronts"

Code = Annotated[str, AfterValidator(storefront_code)]
Name = Annotated[str, line(255), Printable]
Domain = Annotated[str, line(255, least=0), Printable]


class NewStorefront(Body):
    """A storefront; `storefront_id` is its code, as producers send it."""

    storefront_id: Code
    name: Name
    domain: Domain | None = None
    description: Words | None = None
    is_active: bool = True


class StorefrontChange(Body):
    """What may be changed of a storefront; `is_active` false holds everything that it would send."""

    name: Name = UNSAID
    domain: Domain | None = None
    description: Words | None = None
    is_active: bool = UNSAID


def storefronts(desk: Desk) -> APIRouter:
    """Return the routes of storefronts."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_storefronts(page: Annotated[ActivePaging, Query()], _: Reader) -> Listed[Storefront]:
        """List storefronts."""
        async with desk.uow() as tx:
            found = await tx.configuration.storefronts.listed(
                skip=page.skip, limit=page.limit, is_active=page.is_active
            )
        return listed(*found, page)

    @router.get("/{number}", responses=says(404))
    async def read_storefront(number: Number, _: Reader) -> Storefront:
        """Show one storefront."""
        async with desk.uow() as tx:
            return there(await tx.configuration.storefronts.get(number), "storefront", number)

    @router.post("", status_code=201, responses=says(409))
    async def create_storefront(new: NewStorefront, person: Changer) -> Storefront:
        """Add a storefront; events that were held for its code go on."""
        check_free = partial(_check_free, code=new.storefront_id)
        async with adding(desk, check_free) as tx:
            await check_free(tx)
            made = await tx.configuration.storefronts.add(new.model_dump())
            await remember(tx, person, "create", RESOURCE, made.id, code=made.storefront_id)
        return made

    @router.put("/{number}", responses=says(404))
    async def change_storefront(number: Number, change: StorefrontChange, person: Changer) -> Storefront:
        """Change what is sent of it; the rest stays."""
        changes = change.model_dump(exclude_unset=True)
        async with desk.uow() as tx:
            there(await tx.configuration.storefronts.get(number, for_update=True), "storefront", number)
            changed = there(await tx.configuration.storefronts.change(number, changes), "storefront", number)
            await remember(tx, person, "change", RESOURCE, number, **changes)
        return changed

    @router.delete("/{number}", status_code=204, responses=says(404))
    async def remove_storefront(number: Number, person: Changer) -> None:
        """Delete a storefront with its tagging server and credentials; its events and their fate stay on record."""
        async with desk.uow() as tx:
            gone = there(await tx.configuration.storefronts.get(number, for_update=True), "storefront", number)
            servers = await tx.configuration.sgtm_configs.remove_all(storefront_id=number)
            credentials = await tx.configuration.credentials.remove_all(storefront_id=number)
            await tx.configuration.storefronts.remove(number)
            with_it = {"sgtm_configs": servers, "credentials": credentials}
            await remember(tx, person, "delete", RESOURCE, number, code=gone.storefront_id, **with_it)
        await cancel_left(desk, "its storefront was deleted", storefront_id=number)

    return router


async def _check_free(tx: Transaction, code: str) -> None:
    if await tx.configuration.storefronts.find(storefront_id=code):
        raise conflict(f"A storefront {code} is there already", storefront_id=code)

"""What our events are called at each platform: versions that follow each other, none of which is ever rewritten."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, model_validator

from adapters.relay.mapping import built_in
from adapters.relay.registry import ADAPTERS
from publishers.admin.desk import Body, Changer, Desk, Listed, Paging, Reader, RowNumber, listed, remember, says, there
from publishers.admin.errors import not_found
from publishers.admin.platforms import PlatformCode
from schemas.relay.selection import Page, StoredMapping

RESOURCE = "mappings"

EventName = Annotated[str, Field(max_length=100)]


class Mapping(Body):
    """`events` by our name, null to leave one out; `fields` are ours to theirs; `other` is what the rest is called.

    `other` is `pass` (our name as it is), `skip`, or the platform's own name for custom events. With `consent` required
    an event goes only where the person said yes to what the platform does with it; assumed, unless they said no.
    """

    events: dict[EventName, EventName | None] = Field(default_factory=dict, max_length=500)
    fields: dict[EventName, EventName] = Field(default_factory=dict, max_length=500)
    other: EventName = "pass"
    consent: Literal["assumed", "required"] = "assumed"

    @model_validator(mode="after")
    def _is_lower(self) -> "Mapping":
        if any(name != name.strip().lower() for name in self.events):
            raise ValueError("events must be named in lower case, as they are stored")
        return self


class NewMapping(Body):
    """The next version of a mapping; without a storefront it is that of all which have none of their own."""

    platform_code: PlatformCode
    storefront_id: RowNumber | None = None
    mapping: Mapping


class MappingPaging(Paging):
    """Which part of the list, whose, and for which platform."""

    storefront_id: RowNumber | None = None
    platform_code: str | None = None


def mappings(desk: Desk) -> APIRouter:
    """Return the routes of mappings."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_mappings(page: Annotated[MappingPaging, Query()], _: Reader) -> Listed[StoredMapping]:
        """List every version, newest first. A storefront's own newest is used, else that of all, else the adapter's."""
        equal = page.model_dump(include={"storefront_id", "platform_code"})
        async with desk.uow() as tx:
            found, total = await tx.search.mappings(Page(limit=page.limit, skip=page.skip, newest=True), **equal)
        return listed(found, total, page)

    @router.get("/built-in/{platform_code}", responses=says(404))
    async def read_built_in_mapping(platform_code: str, _: Reader) -> dict[str, Any]:
        """Show the mapping that comes with an adapter: version 1."""
        if platform_code not in ADAPTERS:
            raise not_found("adapter", platform_code)
        return dict(built_in(platform_code))

    @router.post("", status_code=201, responses=says(404))
    async def create_mapping(new: NewMapping, person: Changer) -> StoredMapping:
        """Store the next version; deliveries that are sent from now on use it."""
        if new.platform_code not in ADAPTERS:
            raise not_found("adapter", new.platform_code)
        async with desk.uow() as tx:
            if new.storefront_id is not None:
                there(await tx.configuration.storefronts.get(new.storefront_id), "storefront", new.storefront_id)
            version = await tx.configuration.add_mapping(new.storefront_id, new.platform_code, new.mapping.model_dump())
            (made, *_), _ = await tx.search.mappings(Page(limit=1, newest=True), platform_code=new.platform_code)
            told = {"platform_code": new.platform_code, "storefront_id": new.storefront_id, "version": version}
            await remember(tx, person, "create", RESOURCE, made.id, **told)
        return made

    return router

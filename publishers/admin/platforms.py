"""Platforms: where credentials are for, and the kill switch of each for all storefronts."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import AfterValidator, Field, StringConstraints

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
from publishers.admin.errors import conflict, invalid
from schemas.relay.records import Platform

RESOURCE = "platforms"


def _schema(text: str) -> str:
    """Refuse what is no JSON Schema: it decides over credentials."""
    try:
        Draft202012Validator.check_schema(orjson.loads(text))
    except (orjson.JSONDecodeError, SchemaError) as error:
        raise ValueError(f"must be JSON Schema: {str(error).splitlines()[0]}") from None
    return text


PlatformCode = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=50, pattern=r"^[A-Za-z0-9_]+$")
]
PlatformName = Annotated[str, line(100), Printable]
Category = Annotated[str, line(50), Printable]
Tier = Annotated[int, Field(ge=1, le=3)]
AuthType = Literal["api_key", "oauth2", "access_token", "bearer_token", "basic_auth"]
Url = Annotated[str, line(500)]
Schema = Annotated[str, StringConstraints(max_length=60_000), AfterValidator(_schema)]


class NewPlatform(Body):
    """A platform; `credential_schema` is JSON Schema as text, and comes before that of the adapter."""

    platform_code: PlatformCode
    name: PlatformName
    category: Category = "advertising"
    tier: Tier = 3
    auth_type: AuthType = "access_token"
    api_base_url: Url | None = None
    credential_schema: Schema | None = None
    description: Words | None = None
    is_active: bool = True


class PlatformChange(Body):
    """What may be changed of a platform; `is_active` false holds everything that is sent to it directly."""

    name: PlatformName = UNSAID
    category: Category = UNSAID
    tier: Tier = UNSAID
    auth_type: AuthType = UNSAID
    api_base_url: Url | None = None
    credential_schema: Schema | None = None
    description: Words | None = None
    is_active: bool = UNSAID


class PlatformPaging(ActivePaging):
    """Which part of the list, of which tier and category."""

    tier: Tier | None = None
    category: Category | None = None


def platforms(desk: Desk) -> APIRouter:
    """Return the routes of platforms."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_platforms(page: Annotated[PlatformPaging, Query()], _: Reader) -> Listed[Platform]:
        """List platforms."""
        equal = page.model_dump(include={"is_active", "tier", "category"})
        async with desk.uow() as tx:
            found, total = await tx.configuration.platforms.listed(skip=page.skip, limit=page.limit, **equal)
        return listed(found, total, page)

    @router.get("/{number}", responses=says(404))
    async def read_platform(number: Number, _: Reader) -> Platform:
        """Show one platform."""
        async with desk.uow() as tx:
            return there(await tx.configuration.platforms.get(number), "platform", number)

    @router.post("", status_code=201, responses=says(409))
    async def create_platform(new: NewPlatform, person: Changer) -> Platform:
        """Add a platform; without an adapter it takes no credentials."""
        values = new.model_dump()
        _check(desk, values)
        check_free = partial(_check_free, code=new.platform_code)
        async with adding(desk, check_free) as tx:
            await check_free(tx)
            made = await tx.configuration.platforms.add(values)
            await remember(tx, person, "create", RESOURCE, made.id, code=made.platform_code)
        return made

    @router.put("/{number}", responses=says(404))
    async def change_platform(number: Number, change: PlatformChange, person: Changer) -> Platform:
        """Change what is sent of it; the rest stays. What was paused because of it is tried again."""
        changes = change.model_dump(exclude_unset=True)
        _check(desk, changes)
        async with desk.uow() as tx:
            there(await tx.configuration.platforms.get(number, for_update=True), "platform", number)
            changed = there(await tx.configuration.platforms.change(number, changes), "platform", number)
            await tx.destinations.resume_all_of(platform_code=changed.platform_code)
            await remember(tx, person, "change", RESOURCE, number, **changes)
        return changed

    @router.delete("/{number}", status_code=204, responses=says(404, 409))
    async def remove_platform(number: Number, person: Changer) -> None:
        """Delete a platform that nobody has credentials for: deleting those is meant one by one."""
        async with desk.uow() as tx:
            gone = there(await tx.configuration.platforms.get(number, for_update=True), "platform", number)
            _, users = await tx.configuration.credentials.listed(skip=0, limit=1, platform_id=number)
            if users:
                raise conflict(f"{users} storefronts have credentials for this platform", platform_id=number)
            await tx.configuration.platforms.remove(number)
            await remember(tx, person, "delete", RESOURCE, number, code=gone.platform_code)

    return router


def _check(desk: Desk, values: Mapping[str, Any]) -> None:
    """Refuse an address that nothing would be sent to."""
    if not (url := values.get("api_base_url")):
        return
    try:
        desk.guard.check_url(url)
    except ValueError as error:
        raise invalid([("body.api_base_url", str(error))]) from None


async def _check_free(tx: Transaction, code: str) -> None:
    if await tx.configuration.platforms.find(platform_code=code):
        raise conflict(f"A platform {code} is there already", platform_code=code)

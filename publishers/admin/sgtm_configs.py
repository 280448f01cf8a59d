"""Tagging servers: one a storefront, its secrets sealed, its address checked before anybody is sent there."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from adapters.relay.accounts import account_of
from adapters.vault import masked
from persistence.relay.destinations import SGTM
from persistence.uow import Transaction
from publishers.admin.desk import (
    ActivePaging,
    Changer,
    Desk,
    Listed,
    Number,
    Reader,
    RowNumber,
    adding,
    check_may_reveal,
    listed,
    remember,
    says,
    there,
)
from publishers.admin.errors import conflict, invalid
from publishers.admin.removal import cancel_left
from publishers.admin.sealing import kept, shown
from publishers.admin.servers import NewSgtmConfig, SgtmConfigChange, SgtmConfigShown
from publishers.admin.trial import Trial, tried
from schemas.relay.records import Destination, DestinationKind, DestinationView, SgtmConfig, Storefront

RESOURCE = "sgtm-configs"
_GA4: Final = "ga4"


class SgtmPaging(ActivePaging):
    """Which part of the list, and whose."""

    storefront_id: RowNumber | None = None


def sgtm_configs(desk: Desk) -> APIRouter:
    """Return the routes of tagging servers."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())
    _reading(router, desk)
    _changing(router, desk)
    return router


def _reading(router: APIRouter, desk: Desk) -> None:
    @router.get("")
    async def list_sgtm_configs(page: Annotated[SgtmPaging, Query()], _: Reader) -> Listed[SgtmConfigShown]:
        """List tagging servers."""
        equal = page.model_dump(include={"is_active", "storefront_id"})
        async with desk.uow() as tx:
            found, total = await tx.configuration.sgtm_configs.listed(skip=page.skip, limit=page.limit, **equal)
        return listed([_shown(desk, each) for each in found], total, page)

    @router.get("/{number}", responses=says(404))
    async def read_sgtm_config(number: Number, person: Reader, *, decrypt: bool = False) -> SgtmConfigShown:
        """Show one tagging server; `decrypt` shows its secrets, to the role secrets, and is remembered."""
        async with desk.uow() as tx:
            found = there(await tx.configuration.sgtm_configs.get(number), "sgtm config", number)
            if decrypt:
                check_may_reveal(person)
                await remember(tx, person, "reveal", RESOURCE, number)
        return _shown(desk, found, is_clear=decrypt)

    @router.post("/{number}/test", responses=says(404))
    async def test_sgtm_config(number: Number, person: Changer) -> Trial:
        """Send the tagging server an event that no trigger should know, and tell what it answers."""
        async with desk.uow() as tx:
            config = there(await tx.configuration.sgtm_configs.get(number), "sgtm config", number)
            shop = there(await tx.configuration.storefronts.get(config.storefront_id), "storefront", number)
            await remember(tx, person, "test", RESOURCE, number)
        return await tried(desk.adapters[SGTM], account_of(_view(config, shop), desk.vault, None))


def _changing(router: APIRouter, desk: Desk) -> None:
    @router.post("", status_code=201, responses=says(404, 409))
    async def create_sgtm_config(new: NewSgtmConfig, person: Changer) -> SgtmConfigShown:
        """Give a storefront its tagging server; events that were held for want of one go on."""
        values = _sealed(desk, new.model_dump())
        _check(desk, values)
        check_free = partial(_check_free, storefront_id=new.storefront_id)
        async with adding(desk, check_free) as tx:
            shop = await tx.configuration.storefronts.get(new.storefront_id, for_update=True)
            there(shop, "storefront", new.storefront_id)
            await check_free(tx)
            made = await tx.configuration.sgtm_configs.add(values)
            await remember(tx, person, "create", RESOURCE, made.id, **_told(values))
        return _shown(desk, made)

    @router.put("/{number}", responses=says(404))
    async def change_sgtm_config(number: Number, change: SgtmConfigChange, person: Changer) -> SgtmConfigShown:
        """Change what is sent of it; the rest stays. What was paused because of it is tried again."""
        async with desk.uow() as tx:
            stored = there(await tx.configuration.sgtm_configs.get(number, for_update=True), "sgtm config", number)
            values = _sealed(desk, change.model_dump(exclude_unset=True), stored)
            merged = {name: getattr(stored, name) for name in SgtmConfigShown.model_fields} | values
            _check(desk, merged)
            changed = there(await tx.configuration.sgtm_configs.change(number, values), "sgtm config", number)
            await tx.destinations.resume_all_of(sgtm_config_id=number)
            await remember(tx, person, "change", RESOURCE, number, **_told(values))
        return _shown(desk, changed)

    @router.delete("/{number}", status_code=204, responses=says(404))
    async def remove_sgtm_config(number: Number, person: Changer) -> None:
        """Delete a tagging server; what still waits for it is cancelled, what was sent stays on record."""
        async with desk.uow() as tx:
            gone = there(await tx.configuration.sgtm_configs.get(number, for_update=True), "sgtm config", number)
            left, _ = await tx.destinations.listed(skip=0, limit=1, sgtm_config_id=number)
            await tx.configuration.sgtm_configs.remove(number)
            await remember(tx, person, "delete", RESOURCE, number, storefront_id=gone.storefront_id)
        for view in left:
            await cancel_left(desk, "its tagging server was deleted", destination_id=view.destination.id)


def _view(config: SgtmConfig, shop: Storefront) -> DestinationView:
    to = Destination(
        id=0,
        storefront_id=shop.id,
        kind=DestinationKind.SGTM,
        sgtm_config_id=config.id,
        credential_id=None,
        platform_code=SGTM,
    )
    return DestinationView(destination=to, storefront=shop, sgtm_config=config, credential=None, platform=None)


def _check(desk: Desk, values: Mapping[str, Any]) -> None:
    """Refuse what could not be sent to, also where only half of it was changed."""
    if values["client_type"] == _GA4 and not values.get("measurement_id"):
        raise invalid([("body.measurement_id", "is required where client_type is ga4")])
    try:
        desk.guard.check_url(values["sgtm_url"])
    except ValueError as error:
        raise invalid([("body.sgtm_url", str(error))]) from None


def _sealed(desk: Desk, values: dict[str, Any], stored: SgtmConfig | None = None) -> dict[str, Any]:
    """Replace secrets by their ciphertext; one that was sent masked stays as it is stored."""
    fresh = dict(values)
    if "api_secret" in fresh:
        wrapped = {"api_secret": fresh["api_secret"]} if fresh["api_secret"] else None
        fresh["api_secret"] = kept(desk.vault, wrapped, stored.api_secret if stored else None)
    if "custom_headers" in fresh:
        fresh["custom_headers"] = kept(
            desk.vault, fresh["custom_headers"] or None, stored.custom_headers if stored else None
        )
    return fresh


def _shown(desk: Desk, config: SgtmConfig, *, is_clear: bool = False) -> SgtmConfigShown:
    show = desk.vault.open if is_clear else lambda sealed: shown(desk.vault, sealed)
    secret = show(config.api_secret) if config.api_secret else None
    plain = {name: getattr(config, name) for name in SgtmConfigShown.model_fields}
    return SgtmConfigShown(
        **plain
        | {
            "api_secret": secret.get("api_secret", masked("")) if secret else None,
            "custom_headers": show(config.custom_headers) if config.custom_headers else None,
        }
    )


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be remembered of a change: of secrets, that they were set."""
    secret = {"api_secret", "custom_headers"}
    return {name: "***" if name in secret and value else value for name, value in values.items()}


async def _check_free(tx: Transaction, storefront_id: int) -> None:
    if await tx.configuration.sgtm_configs.find(storefront_id=storefront_id):
        raise conflict("This storefront has a tagging server already", storefront_id=storefront_id)

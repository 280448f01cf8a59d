"""Credentials: a storefront's account at a platform, judged by the platform's schema, sealed, shown masked."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from adapters.relay.accounts import account_of
from adapters.relay.credentials import credential_problems
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
    RowNumber,
    adding,
    check_may_reveal,
    line,
    listed,
    remember,
    says,
    there,
)
from publishers.admin.errors import conflict, invalid
from publishers.admin.removal import cancel_left
from publishers.admin.sealing import kept, shown
from publishers.admin.trial import Trial, tried
from schemas.relay.records import Credential, Destination, DestinationKind, DestinationView, Platform, Storefront

RESOURCE = "credentials"

#: Larger than any key with its certificates, small enough for its column sealed.
_MOST_FIELDS = 50
Fields = Annotated[dict[str, Any], Field(max_length=_MOST_FIELDS)]
Place = Annotated[str, line(100), Printable]


class NewCredential(Body):
    """A storefront's account; `direct` sends events straight there, `sgtm` leaves that to the tagging server."""

    storefront_id: RowNumber
    platform_id: RowNumber
    credentials: Fields
    destination_type: DestinationKind = DestinationKind.SGTM
    pixel_id: Place | None = None
    account_id: Place | None = None
    is_active: bool = True


class CredentialChange(Body):
    """What may be changed; `credentials` are replaced whole, null keeps them, a masked part stays what it was."""

    credentials: Fields | None = None
    destination_type: DestinationKind = UNSAID
    pixel_id: Place | None = None
    account_id: Place | None = None
    is_active: bool = UNSAID


class CredentialShown(BaseModel):
    """A credential, its secrets masked unless they were asked for in clear."""

    id: int
    storefront_id: int
    platform_id: int
    destination_type: DestinationKind
    credentials: dict[str, Any]
    pixel_id: str | None
    account_id: str | None
    is_active: bool
    last_used_at: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    platform_code: str | None
    platform_name: str | None
    storefront_name: str | None


class CredentialPaging(ActivePaging):
    """Which part of the list, whose, and for which platform."""

    storefront_id: RowNumber | None = None
    platform_id: RowNumber | None = None


def credentials(desk: Desk) -> APIRouter:
    """Return the routes of credentials."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())
    _reading(router, desk)
    _changing(router, desk)
    return router


def _reading(router: APIRouter, desk: Desk) -> None:
    @router.get("")
    async def list_credentials(page: Annotated[CredentialPaging, Query()], _: Reader) -> Listed[CredentialShown]:
        """List credentials."""
        equal = page.model_dump(include={"is_active", "storefront_id", "platform_id"})
        async with desk.uow() as tx:
            found, total = await tx.configuration.credentials.listed(skip=page.skip, limit=page.limit, **equal)
            return listed(await _shown(desk, tx, found), total, page)

    @router.get("/{number}", responses=says(404))
    async def read_credential(number: Number, person: Reader, *, decrypt: bool = False) -> CredentialShown:
        """Show one credential; `decrypt` shows its secrets, to the role secrets, and is remembered."""
        async with desk.uow() as tx:
            found = there(await tx.configuration.credentials.get(number), "credential", number)
            if decrypt:
                check_may_reveal(person)
                await remember(tx, person, "reveal", RESOURCE, number)
            (told,) = await _shown(desk, tx, [found], is_clear=decrypt)
        return told

    @router.post("/{number}/test", responses=says(404))
    async def test_credential(number: Number, person: Changer) -> Trial:
        """Try the credential at its platform without counting a conversion, and tell what came of it."""
        async with desk.uow() as tx:
            credential = there(await tx.configuration.credentials.get(number), "credential", number)
            platform, shop = await _parents(tx, credential.platform_id, credential.storefront_id)
            await remember(tx, person, "test", RESOURCE, number)
        adapter = desk.adapters.get(platform.platform_code)
        if adapter is None:
            raise invalid([("credentials", f"nothing can be sent to {platform.name} yet: it has no adapter")])
        account = account_of(_view(credential, platform, shop), desk.vault, desk.bases.get(platform.platform_code))
        return await tried(adapter, account)


def _changing(router: APIRouter, desk: Desk) -> None:
    @router.post("", status_code=201, responses=says(404, 409))
    async def create_credential(new: NewCredential, person: Changer) -> CredentialShown:
        """Store a storefront's account at a platform; events that were held for want of one go on."""
        check_free = partial(_check_free, storefront_id=new.storefront_id, platform_id=new.platform_id)
        async with adding(desk, check_free) as tx:
            platform, _ = await _parents(tx, new.platform_id, new.storefront_id)
            _check(platform, new.credentials, new.destination_type)
            await check_free(tx)
            values = new.model_dump(exclude={"credentials"})
            values["credentials_encrypted"] = desk.vault.seal(new.credentials)
            made = await tx.configuration.credentials.add(values)
            await remember(tx, person, "create", RESOURCE, made.id, **_told(values))
            (told,) = await _shown(desk, tx, [made])
        return told

    @router.put("/{number}", responses=says(404))
    async def change_credential(number: Number, change: CredentialChange, person: Changer) -> CredentialShown:
        """Change what is sent of it; the rest stays. What was paused because of it is tried again."""
        values = change.model_dump(exclude_unset=True)
        said = values.pop("credentials", None)
        async with desk.uow() as tx:
            stored = there(await tx.configuration.credentials.get(number, for_update=True), "credential", number)
            platform, _ = await _parents(tx, stored.platform_id, stored.storefront_id)
            if said is not None:
                values["credentials_encrypted"] = kept(desk.vault, said, stored.credentials_encrypted)
            if said is not None or "destination_type" in values:
                sealed = values.get("credentials_encrypted", stored.credentials_encrypted)
                kind = values.get("destination_type", stored.destination_type)
                _check(platform, desk.vault.open(sealed), kind)
            changed = there(await tx.configuration.credentials.change(number, values), "credential", number)
            await tx.destinations.resume_all_of(credential_id=number)
            await remember(tx, person, "change", RESOURCE, number, **_told(values))
            (told,) = await _shown(desk, tx, [changed])
        return told

    @router.delete("/{number}", status_code=204, responses=says(404))
    async def remove_credential(number: Number, person: Changer) -> None:
        """Delete a credential; what still waits for it is cancelled, what was sent stays on record."""
        async with desk.uow() as tx:
            gone = there(await tx.configuration.credentials.get(number, for_update=True), "credential", number)
            left, _ = await tx.destinations.listed(skip=0, limit=1, credential_id=number)
            await tx.configuration.credentials.remove(number)
            parents = {"storefront_id": gone.storefront_id, "platform_id": gone.platform_id}
            await remember(tx, person, "delete", RESOURCE, number, **parents)
        for view in left:
            await cancel_left(desk, "its credential was deleted", destination_id=view.destination.id)


async def _parents(tx: Transaction, platform_id: int, storefront_id: int) -> tuple[Platform, Storefront]:
    """Return both, locked: neither may be deleted while a credential is made for it."""
    shop = await tx.configuration.storefronts.get(storefront_id, for_update=True)
    platform = await tx.configuration.platforms.get(platform_id, for_update=True)
    return there(platform, "platform", platform_id), there(shop, "storefront", storefront_id)


def _check(platform: Platform, said: Mapping[str, Any], kind: DestinationKind) -> None:
    """Refuse what the platform could not use. What the tagging server sends needs no credentials of ours."""
    if not said and kind is DestinationKind.SGTM:
        return
    if problems := credential_problems(platform, said):
        raise invalid([(f"body.{field}", message) for field, message in problems])


async def _check_free(tx: Transaction, storefront_id: int, platform_id: int) -> None:
    pair = {"storefront_id": storefront_id, "platform_id": platform_id}
    if await tx.configuration.credentials.find(**pair):
        raise conflict("This storefront has a credential for this platform already", **pair)


def _view(credential: Credential, platform: Platform, shop: Storefront) -> DestinationView:
    to = Destination(
        id=0,
        storefront_id=shop.id,
        kind=DestinationKind.DIRECT,
        sgtm_config_id=None,
        credential_id=credential.id,
        platform_code=platform.platform_code,
    )
    return DestinationView(destination=to, storefront=shop, sgtm_config=None, credential=credential, platform=platform)


async def _shown(
    desk: Desk, tx: Transaction, found: Sequence[Credential], *, is_clear: bool = False
) -> list[CredentialShown]:
    by_number = {each.id: each for each in (await tx.configuration.platforms_by_code()).values()}
    shops = await tx.configuration.storefronts_by_number(_of(found))
    told = []
    for each in found:
        sealed = each.credentials_encrypted
        platform, shop = by_number.get(each.platform_id), shops.get(each.storefront_id)
        plain = {name: getattr(each, name) for name in CredentialShown.model_fields if hasattr(each, name)}
        told.append(
            CredentialShown(
                **plain,
                credentials=desk.vault.open(sealed) if is_clear else shown(desk.vault, sealed),
                platform_code=platform.platform_code if platform else None,
                platform_name=platform.name if platform else None,
                storefront_name=shop.name if shop else None,
            )
        )
    return told


def _of(found: Iterable[Credential]) -> set[int]:
    return {each.storefront_id for each in found}


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be remembered of a change: of secrets, that they were set."""
    told = {name: value for name, value in values.items() if name != "credentials_encrypted"}
    return told | ({"credentials": "***"} if "credentials_encrypted" in values else {})

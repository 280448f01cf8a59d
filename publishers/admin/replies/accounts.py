"""Business accounts: whether we may speak for each, until when, and the switch that silences one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from persistence.uow import Transaction, Uow
from publishers.admin.desk import (
    Body,
    Changer,
    Desk,
    Listed,
    PageOf,
    Printable,
    Reader,
    line,
    listed,
    remember,
    says,
    there,
)
from publishers.admin.people import Person
from publishers.admin.replies.insisting import in_turn
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.replies.accounts import AccountState, state_of, why
from schemas.replies.records import Tokens

RESOURCE: Final = "accounts"
#: A pause that is meant to end when somebody ends it.
_FOR_GOOD: Final = timedelta(days=3650)

BusinessId = Annotated[str, Path(min_length=1, max_length=255)]
Reason = Annotated[str, line(400, least=0), Printable]


class AccountShown(BaseModel):
    """An account, without its tokens; `reason` says why it does not speak."""

    business_id: str
    state: AccountState
    reason: str | None
    access_expires_at: datetime
    refresh_expires_at: datetime | None
    can_refresh: bool
    paused_until: datetime | None
    created_at: datetime
    updated_at: datetime


class Pause(Body):
    """For how long an account is silent, unless until it is resumed, and why."""

    hours: float | None = Field(None, gt=0, le=24 * 365)
    reason: Reason = ""


def accounts(desk: Desk) -> APIRouter:
    """Return the routes of accounts that are connected."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_accounts(page: PageOf, _: Reader) -> Listed[AccountShown]:
        """List accounts; an account without a token is none of ours."""
        async with desk.uow() as tx:
            found = await tx.tokens.listed()
        told = [account_shown(each, desk.clock()) for each in found]
        return listed(told[page.skip : page.skip + page.limit], len(told), page)

    @router.post("/{business_id}/pause", responses=says(404))
    async def pause_account(business_id: BusinessId, person: Changer, asked: Pause | None = None) -> AccountShown:
        """Send nothing for an account; what customers write is answered, and the answers wait."""
        asked = asked or Pause()
        lasts = timedelta(hours=asked.hours) if asked.hours else None
        return await Switch(desk.uow, desk.clock, person).pause(business_id, lasts, asked.reason)

    @router.post("/{business_id}/resume", responses=says(404))
    async def resume_account(business_id: BusinessId, person: Changer) -> AccountShown:
        """Send again for an account that was paused, by TikTok's refusals or by hand."""
        return await Switch(desk.uow, desk.clock, person).resume(business_id)

    return router


@dataclass(frozen=True, slots=True)
class Switch:
    """Somebody who silences accounts, by HTTP or on the command line."""

    uow: Uow
    clock: Clock
    person: Person

    async def pause(self, business_id: str, lasts: timedelta | None, reason: str) -> AccountShown:
        """Send nothing for an account for a while, or until it is resumed."""
        until = whole_milliseconds(self.clock()) + (lasts or _FOR_GOOD)
        return await self._set("pause", business_id, until, reason or f"paused by {self.person.name}")

    async def resume(self, business_id: str) -> AccountShown:
        """Send again for an account."""
        return await self._set("resume", business_id, None, None)

    async def _set(self, action: str, business_id: str, until: datetime | None, reason: str | None) -> AccountShown:
        async def work(tx: Transaction) -> AccountShown:
            now = whole_milliseconds(self.clock())
            there(await tx.tokens.get(business_id), "account", business_id)
            await tx.tokens.pause(business_id, until, reason, now)
            await remember(tx, self.person, action, RESOURCE, business_id, reason=reason)
            return account_shown(there(await tx.tokens.get(business_id), "account", business_id), now)

        return await in_turn(self.uow, work)


def account_shown(account: Tokens, now: datetime) -> AccountShown:
    """Return an account as it is told."""
    plain = {name: getattr(account, name) for name in AccountShown.model_fields if hasattr(account, name)}
    can_refresh = account.refresh_token is not None
    return AccountShown(**plain, state=state_of(account, now), reason=why(account, now), can_refresh=can_refresh)

"""Connecting a business account: its owner is sent to TikTok and comes back with a code, which becomes tokens.

https://business-api.tiktok.com/portal/docs?id=1738373164380162. What is sent along, `state`, is sealed, says who asked,
and is taken once and not for long: nobody can slip an account of their own in.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from adapters.replies.port import Grant
from adapters.vault import CannotOpenError, Vault
from brokers.verdict import Conflict
from persistence.uow import Transaction
from publishers.admin.desk import Changer, Connecting, Desk, remember, says, there
from publishers.admin.errors import Refusal, forbidden, invalid
from publishers.admin.people import Person
from publishers.admin.replies.accounts import RESOURCE, AccountShown, account_shown
from publishers.admin.replies.insisting import in_turn
from schemas.readers import whole_milliseconds
from schemas.replies.records import Tokens

#: What reading and answering direct messages takes.
SCOPES: Final = ("user.info.basic", "message.list.read", "message.list.send", "message.list.manage")
#: Long enough to find the password of the shop's account.
VALID: Final = timedelta(minutes=15)
_MOST: Final = 4096


class Begun(BaseModel):
    """Where the account's owner has to go, by when."""

    authorize_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _State:
    """What was said when an owner was sent away: its number, who asked, until when, and where to come back to."""

    number: str
    who: str
    until: datetime
    here: str

    def sealed(self, vault: Vault) -> str:
        return vault.seal({"oauth": self.number, "who": self.who, "until": self.until.timestamp(), "here": self.here})


def connecting(desk: Desk) -> APIRouter:
    """Return the routes by which an account is connected."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.post("/connect", responses=says(409))
    async def begin_connecting(request: Request, person: Changer) -> Begun:
        """Begin to connect an account, for the first time or anew: send its owner's browser to `authorize_url`."""
        way = _way(desk)
        until = whole_milliseconds(desk.clock()) + VALID
        path = str(request.app.url_path_for("finish_connecting"))
        here = (way.here or str(request.base_url)).rstrip("/") + path
        state = _State(secrets.token_urlsafe(24), person.name, until, here)
        async with desk.uow() as tx:
            await remember(tx, person, "connect", RESOURCE, "new", here=here)
        asked = {
            "client_key": way.client_key,
            "scope": ",".join(SCOPES),
            "response_type": "code",
            "redirect_uri": here,
            "state": state.sealed(desk.vault),
        }
        return Begun(authorize_url=f"{way.authorize_url}?{urlencode(asked)}", expires_at=until)

    @router.get("/callback", responses=says(409, 502))
    async def finish_connecting(
        person: Changer,
        state: Annotated[str, Query(max_length=_MOST)],
        code: Annotated[str, Query(max_length=_MOST)] = "",
        error: Annotated[str, Query(max_length=_MOST)] = "",
    ) -> AccountShown:
        """Take the owner back from TikTok: the code is exchanged for tokens, which are stored sealed."""
        way = _way(desk)
        known = await _taken(desk, state, person)
        if error or not code:
            raise invalid([("query.code", "is missing: the owner, or TikTok, has refused")])
        granted = await way.tiktok.connect(code, known.here)
        if not isinstance(granted, Grant):
            details = {"code": granted.code, "reason": granted.reason}
            raise Refusal(502, "TIKTOK_REFUSED", "TikTok gave no tokens; begin again", details)
        return await _stored(desk, person, granted)

    return router


def _way(desk: Desk) -> Connecting:
    if desk.connecting is None:
        raise Refusal(409, "NOT_CONFIGURED", "Set MESH_TIKTOK_CLIENT_KEY and MESH_TIKTOK_CLIENT_SECRETS first")
    return desk.connecting


async def _taken(desk: Desk, sealed: str, person: Person) -> _State:
    """Open what was sent along and take it, once; raises the 403 of what is not ours, too old, or was taken."""
    state = _opened(desk.vault, sealed)
    if state is None:
        raise forbidden("This is none of the calls that began here")
    if state.who != person.name:
        raise forbidden("Somebody else began this; begin yourself")
    if state.until <= desk.clock():
        raise forbidden("This took too long; begin again")
    try:
        async with desk.uow() as tx:
            is_new = await tx.inbox.claim(f"oauth:{state.number}")
    except Conflict:
        is_new = False
    if not is_new:
        raise forbidden("This was taken already; begin again")
    return state


def _opened(vault: Vault, sealed: str) -> _State | None:
    try:
        told: Any = vault.open(sealed)
    except (CannotOpenError, ValueError):
        return None
    if not isinstance(told, dict) or "oauth" not in told:
        return None  # another secret of ours, sealed with the same keys
    until = datetime.fromtimestamp(told["until"], UTC)
    return _State(told["oauth"], told["who"], until, told["here"])


async def _stored(desk: Desk, person: Person, granted: Grant) -> AccountShown:
    now, seal = whole_milliseconds(desk.clock()), desk.vault.seal
    account = Tokens(
        business_id=granted.business_id,
        access_token=seal(granted.access_token),
        refresh_token=seal(granted.refresh_token) if granted.refresh_token else None,
        access_expires_at=now + granted.access_life,
        refresh_expires_at=now + granted.refresh_life if granted.refresh_life else None,
        created_at=now,
        updated_at=now,
    )

    async def work(tx: Transaction) -> AccountShown:
        await tx.tokens.put(account)
        await remember(tx, person, "connected", RESOURCE, account.business_id)
        stored = there(await tx.tokens.get(account.business_id), "account", account.business_id)
        return account_shown(stored, now)

    return await in_turn(desk.uow, work)

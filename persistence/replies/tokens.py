"""The tokens of business accounts, sealed; one process at a time exchanges them for new ones."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, or_, select

from persistence.dialect import Bulk, paths_of
from persistence.keyed import KEYS, Keyed
from persistence.replies.rows import made, record_of, selected, values_of
from persistence.session import Session
from persistence.tables import oauth_tokens
from schemas.replies.records import Tokens as Stored

PUT: Final = Bulk(
    table=oauth_tokens,
    paths=paths_of(oauth_tokens, leave_out=("id", "claim_token")),
    key=("business_id",),
    replace=(
        "access_token",
        "refresh_token",
        "access_expires_at",
        "refresh_expires_at",
        "refreshing_until",
        "broken_reason",
        "paused_until",
        "paused_reason",
        "created_at",
        "updated_at",
    ),
)

_GET: Final = Keyed(selected(Stored).where(oauth_tokens.c.business_id == bindparam("business")))
_KNOWN: Final = Keyed(select(oauth_tokens.c.business_id).where(oauth_tokens.c.business_id.in_(KEYS)))


class Tokens:
    """Accounts by business id."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def put(self, tokens: Stored) -> None:
        """Connect an account, or connect it anew: what was broken, paused or under way is not any more.

        `created_at` is when it was connected last.
        """
        healthy = replace(tokens, refreshing_until=None, broken_reason=None, paused_until=None, paused_reason=None)
        await self._session.write(PUT, [healthy])
        await self._change(tokens.business_id, {"claim_token": None})

    async def get(self, business_id: str) -> Stored | None:
        """Return an account's tokens, or None."""
        rows = await self._session.rows(_GET, business=business_id)
        return made(Stored, rows[0]) if rows else None

    async def known(self, business_ids: Collection[str]) -> set[str]:
        """Return which of these are accounts with tokens."""
        return {row[0] for row in await self._session.read(_KNOWN, sorted(set(business_ids)))}

    async def listed(self) -> list[Stored]:
        """Return every account."""
        rows = await self._session.execute(selected(Stored).order_by(oauth_tokens.c.business_id))
        return [record_of(Stored, row) for row in rows]

    async def begin_refresh(self, business_id: str, *, token: str, now: datetime, until: datetime) -> bool:
        """Become the one who exchanges an account's tokens; false while another is at it."""
        is_free = or_(oauth_tokens.c.refreshing_until.is_(None), oauth_tokens.c.refreshing_until <= now)
        free = oauth_tokens.update().where(oauth_tokens.c.business_id == business_id, is_free)
        return (await self._session.execute(free.values(refreshing_until=until, claim_token=token))).rowcount == 1

    async def refreshed(self, tokens: Stored, *, token: str) -> bool:
        """Store new tokens before anybody uses them; false where another has taken over meanwhile."""
        values = values_of(tokens, leave_out=("id", "business_id", "created_at", "paused_until", "paused_reason"))
        values |= {"refreshing_until": None, "claim_token": None, "broken_reason": None}
        ours = oauth_tokens.update().where(
            oauth_tokens.c.business_id == tokens.business_id, oauth_tokens.c.claim_token == token
        )
        return (await self._session.execute(ours.values(**values))).rowcount == 1

    async def broken(self, tokens: Stored, reason: str, now: datetime) -> bool:
        """Note that an operator must connect the account again; false where these tokens are gone since."""
        cleared = {"refreshing_until": None, "claim_token": None}
        values = {"broken_reason": reason, "updated_at": now, **cleared}
        its = oauth_tokens.c.business_id == tokens.business_id, oauth_tokens.c.access_token == tokens.access_token
        return (await self._session.execute(oauth_tokens.update().where(*its).values(**values))).rowcount == 1

    async def pause(self, business_id: str, until: datetime | None, reason: str | None, now: datetime) -> None:
        """Send nothing for an account until a moment, or send again (None)."""
        await self._change(business_id, {"paused_until": until, "paused_reason": reason, "updated_at": now})

    async def forget(self, business_id: str) -> bool:
        """Delete an account's tokens; false where there were none."""
        gone = oauth_tokens.delete().where(oauth_tokens.c.business_id == business_id)
        return (await self._session.execute(gone)).rowcount == 1

    async def _change(self, business_id: str, values: dict[str, Any]) -> None:
        await self._session.execute(
            oauth_tokens.update().where(oauth_tokens.c.business_id == business_id).values(**values)
        )

"""Sealed columns, read in order of number so that all of them can be sealed anew."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Column, Table, select

from persistence.session import Session
from persistence.tables import oauth_tokens, platform_credentials, storefront_sgtm_config

#: Every column that holds ciphertext, by table.
SEALED: Final[dict[str, tuple[Table, tuple[Column[Any], ...]]]] = {
    "credentials": (platform_credentials, (platform_credentials.c.credentials_encrypted,)),
    "sgtm_configs": (
        storefront_sgtm_config,
        (storefront_sgtm_config.c.api_secret, storefront_sgtm_config.c.custom_headers),
    ),
    "accounts": (oauth_tokens, (oauth_tokens.c.access_token, oauth_tokens.c.refresh_token)),
}


class Secrets:
    """The ciphertext of credentials, tagging servers and business accounts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def resealed(
        self, name: str, reseal: Callable[[int, str], str | None], *, after: int, limit: int
    ) -> tuple[int, int]:
        """Seal a page of rows of one kind anew, under lock; return the last number and how many values changed.

        `reseal` is given a row's number and a value, and answers None for one that stays as it is. The last number is
        `after` where no row is left.
        """
        table, columns = SEALED[name]
        page = select(table.c.id, *columns).where(table.c.id > after).order_by(table.c.id).limit(limit)
        rows = (await self._session.execute(page.with_for_update())).all()
        count = 0
        for row in rows:
            values: Sequence[str | None] = row[1:]
            fresh: dict[str, str] = {
                column.name: value
                for column, sealed in zip(columns, values, strict=True)
                if sealed and (value := reseal(row.id, sealed)) is not None
            }
            if fresh:
                await self._session.execute(table.update().where(table.c.id == row.id).values(**fresh))
                count += len(fresh)
        return (rows[-1].id if rows else after), count

"""Which messages have been acted on already."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import select

from brokers.delivery import Delivery
from persistence.dialect import Bulk, paths_of
from persistence.keyed import KEYS, Keyed
from persistence.session import Session, chunks
from persistence.tables import inbox
from schemas.clock import Clock

#: A publisher's own message id is unique for good; a month is longer than any queue or dead letter is kept waiting.
REMEMBERED: Final = timedelta(days=30)
#: An identity derived from the content: the same page twice today is a repeat, tomorrow it is a new observation.
DERIVED_REMEMBERED: Final = timedelta(days=1)

MARK: Final = Bulk(table=inbox, paths=paths_of(inbox))
_KNOWN: Final = Keyed(select(inbox.c.message_id, inbox.c.expires_at).where(inbox.c.message_id.in_(KEYS)))


class Mark(NamedTuple):
    """A message that has been acted on."""

    message_id: str
    expires_at: datetime


class Inbox:
    """Marks messages as acted on, in the transaction that holds their effects."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def claim(self, message_id: str, *, is_derived: bool = False) -> bool:
        """Mark one message; false if it had been acted on before."""
        return bool(await self._claim({message_id: is_derived}))

    async def claim_all(self, deliveries: Sequence[Delivery[Any]]) -> set[str]:
        """Mark many messages and return the ids of those that are new; a concurrent claim is a Conflict."""
        return await self._claim({delivery.message_id: delivery.is_derived for delivery in deliveries})

    async def _claim(self, is_derived: dict[str, bool]) -> set[str]:
        now = self._clock()
        known = await self._known(is_derived)
        new = sorted(is_derived.keys() - known.keys())
        expired = sorted(message_id for message_id, expires_at in known.items() if expires_at <= now)
        await self._forget(expired)
        claimed = sorted([*new, *expired])
        marks = [Mark(each, now + (DERIVED_REMEMBERED if is_derived[each] else REMEMBERED)) for each in claimed]
        await self._session.write(MARK, marks)
        return set(claimed)

    async def _known(self, message_ids: Iterable[str]) -> dict[str, datetime]:
        return dict(await self._session.read(_KNOWN, list(message_ids)))

    async def _forget(self, expired: Sequence[str]) -> None:
        for chunk in chunks(expired):
            await self._session.execute(inbox.delete().where(inbox.c.message_id.in_(chunk)))

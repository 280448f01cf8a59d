"""Messages that committed transactions have said and the broker has not confirmed yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, bindparam, func, select

from brokers.outgoing import Outgoing
from persistence.dialect import Bulk, paths_of
from persistence.keyed import KEYS, Keyed
from persistence.lease import is_free
from persistence.session import Session
from persistence.tables import outbox
from schemas.clock import Clock


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message and its place in the order of writing."""

    id: int
    message: Outgoing


@dataclass(frozen=True, slots=True)
class _Entry:
    message: Outgoing
    created_at: datetime


ADD: Final = Bulk(
    table=outbox,
    paths=paths_of(outbox, prefix="message.", leave_out=("id", "claim_token", "claimed_until"))
    | {"routing_key": "message.key", "created_at": "created_at"},
)

_OURS: Final = (outbox.c.id.in_(KEYS), outbox.c.claim_token == bindparam("token"))
_MARK: Final = Keyed(
    outbox.update()
    .where(outbox.c.id.in_(KEYS))
    .values(claim_token=bindparam("token"), claimed_until=bindparam("until")),
)
_DELETE: Final = Keyed(outbox.delete().where(*_OURS))
_RELEASE: Final = Keyed(outbox.update().where(*_OURS).values(claim_token=None, claimed_until=None))


class Outbox:
    """Messages waiting for a relay, in order of writing."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def add(self, messages: Sequence[Outgoing]) -> None:
        """Append messages; they leave after this transaction has committed."""
        now = self._clock()
        await self._session.write(ADD, [_Entry(message, now) for message in messages])

    async def claim(self, *, limit: int, token: str, lease: timedelta, now: datetime) -> list[OutboxRow]:
        """Take the oldest rows that no relay holds; after the lease another relay may take them."""
        oldest = select(outbox).where(is_free(outbox.c.claimed_until, now)).order_by(outbox.c.id).limit(limit)
        rows = (await self._session.execute(oldest.with_for_update(skip_locked=True))).all()
        await self._session.change(_MARK, [row.id for row in rows], token=token, until=now + lease)
        return [OutboxRow(row.id, _message_of(row)) for row in rows]

    async def delete(self, ids: Collection[int], *, token: str) -> None:
        """Forget messages that the broker has confirmed, where the claim is still ours."""
        await self._session.change(_DELETE, sorted(ids), token=token)

    async def release(self, ids: Collection[int], *, token: str) -> None:
        """Give messages back that could not be published, where the claim is still ours."""
        await self._session.change(_RELEASE, sorted(ids), token=token)

    async def backlog(self, now: datetime) -> tuple[int, timedelta]:
        """Return how many messages wait and how long the oldest has waited."""
        first = select(outbox.c.created_at).order_by(outbox.c.id).limit(1).scalar_subquery()
        counted = select(func.count().label("waiting"), first.label("oldest")).select_from(outbox)
        found = (await self._session.execute(counted)).one()
        return found.waiting, now - found.oldest if found.oldest is not None else timedelta()


def _message_of(row: Row[Any]) -> Outgoing:
    return Outgoing(
        exchange=row.exchange,
        key=row.routing_key,
        body=row.body,
        message_id=row.message_id,
        type=row.type,
        correlation_id=row.correlation_id,
        reply_to=row.reply_to,
        timestamp=row.timestamp,
        headers=row.headers,
    )

"""Messages that committed transactions have said and the broker has not confirmed yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Integer, bindparam, func, select

from brokers.outgoing import Outgoing
from persistence.dialect import Bulk, paths_of
from persistence.keyed import KEYS, Keyed
from persistence.lease import NOW, UNREAL, is_free, moments
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

#: What a message is made of, by the column that keeps each part.
_COLUMNS: Final = {
    "exchange": outbox.c.exchange,
    "key": outbox.c.routing_key,
    "body": outbox.c.body,
    "message_id": outbox.c.message_id,
    "type": outbox.c.type,
    "correlation_id": outbox.c.correlation_id,
    "reply_to": outbox.c.reply_to,
    "timestamp": outbox.c.timestamp,
    "headers": outbox.c.headers,
}
_PARTS: Final = tuple(_COLUMNS)
_OLDEST: Final = Keyed(
    select(outbox.c.id, *_COLUMNS.values())
    .where(is_free(outbox.c.claimed_until, NOW, UNREAL))
    .order_by(outbox.c.id)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
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
        rows = await self._session.rows(_OLDEST, most=limit, **moments(now))
        await self._session.change(_MARK, [row[0] for row in rows], token=token, until=now + lease)
        return [OutboxRow(row[0], Outgoing(**dict(zip(_PARTS, row[1:], strict=True)))) for row in rows]

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

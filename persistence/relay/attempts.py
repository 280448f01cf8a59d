"""Every attempt of every delivery: recorded before the call, finished after it, kept when configuration goes."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import select

from persistence.dialect import Bulk, paths_of
from persistence.relay.rows import columns_of, records_of
from persistence.session import Session, chunks
from persistence.tables import event_attempts
from schemas.relay.records import Attempt, AttemptStatus

_PATHS: Final = {name: path for name, path in paths_of(event_attempts).items() if name != "id"}
BEGIN: Final = Bulk(table=event_attempts, paths=_PATHS)
FINISH: Final = Bulk(
    table=event_attempts,
    paths={"id": "id", **_PATHS},
    key=("id",),
    replace=("status", "http_status_code", "request", "response_body", "error_message", "duration_ms"),
)


class Attempts:
    """Attempts by delivery and by event."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def begin(self, attempts: Sequence[Attempt]) -> None:
        """Record that these calls are about to be made."""
        await self._session.write(BEGIN, attempts)

    async def open_of(self, delivery_ids: Collection[int]) -> dict[int, Attempt]:
        """Return the newest unfinished attempt of each of these deliveries."""
        found: dict[int, Attempt] = {}
        for chunk in chunks(sorted(set(delivery_ids))):
            query = select(*columns_of(Attempt)).where(
                event_attempts.c.delivery_id.in_(chunk), event_attempts.c.status == AttemptStatus.SENDING
            )
            rows = (await self._session.execute(query.order_by(event_attempts.c.id))).all()
            found |= {each.delivery_id: each for each in records_of(Attempt, rows)}
        return found

    async def finish(self, attempts: Sequence[Attempt]) -> None:
        """Write what became of attempts, by number."""
        await self._session.write(FINISH, sorted(attempts, key=lambda each: each.id or 0))

    async def forget(self, event_id: int) -> None:
        """Drop what was said both ways about an event; that it was tried, when and how it ended stays."""
        mine = event_attempts.update().where(event_attempts.c.event_id == event_id)
        await self._session.execute(mine.values(request=None, response_body=None))

    async def of_event(self, event_id: int) -> list[Attempt]:
        """Return every attempt of every delivery of an event, oldest first."""
        query = select(*columns_of(Attempt)).where(event_attempts.c.event_id == event_id)
        rows = (await self._session.execute(query.order_by(event_attempts.c.id))).all()
        return records_of(Attempt, rows)

"""What TikTok has notified us of, once each: taken in, claimed by who answers it, settled with the answer."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select

from persistence.replies.rows import number_of, record_of, selected, values_of
from persistence.session import Session, chunks
from persistence.tables import messages, threads, webhook_events
from schemas.replies.records import Role, WebhookEvent, WebhookState

#: What an operator or the poller may still want to see answered.
WAITING: Final = (WebhookState.RECEIVED, WebhookState.CLAIMED)
_ADD: Final = webhook_events.insert()


class Webhooks:
    """Notifications by what makes two of them the same, and by conversation."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, event: WebhookEvent) -> int | None:
        """Store a notification and return its number; None where it is known already. A lost race is a Conflict."""
        known = select(webhook_events.c.id).where(webhook_events.c.dedup_key == event.dedup_key)
        if (await self._session.execute(known)).first() is not None:
            return None
        added = await self._session.execute(_ADD, values_of(event))
        return number_of(added)

    async def claim(
        self, conversation_id: str, *, now: datetime, token: str, lease: timedelta, limit: int = 50
    ) -> list[WebhookEvent]:
        """Take what waits in a conversation, in the order in which it was written, and count the attempt.

        What somebody else holds is left to them until the lease ends; what was claimed with the same token, by a
        message that is delivered again, is taken over at once.
        """
        is_free = or_(webhook_events.c.claimed_until <= now, webhook_events.c.claim_token == token)
        free = or_(
            webhook_events.c.state == WebhookState.RECEIVED,
            and_(webhook_events.c.state == WebhookState.CLAIMED, is_free),
        )
        waiting = _all().where(webhook_events.c.conversation_id == conversation_id, free)
        in_order = waiting.order_by(webhook_events.c.provider_ts, webhook_events.c.id).limit(limit)
        taken = await self._read(in_order.with_for_update())
        for chunk in chunks([each.id for each in taken]):
            await self._session.execute(
                webhook_events.update()
                .where(webhook_events.c.id.in_(chunk))
                .values(
                    state=WebhookState.CLAIMED,
                    attempts=webhook_events.c.attempts + 1,
                    claim_token=token,
                    claimed_until=now + lease,
                )
            )
        return taken

    async def settle(
        self, numbers: Collection[int], state: WebhookState, *, token: str, error: str | None = None
    ) -> set[int]:
        """End what is still ours, and return it; what another has taken over since is not."""
        ours: set[int] = set()
        for chunk in chunks(sorted(set(numbers))):
            held = select(webhook_events.c.id).where(
                webhook_events.c.id.in_(chunk),
                webhook_events.c.state == WebhookState.CLAIMED,
                webhook_events.c.claim_token == token,
            )
            found = list((await self._session.execute(held.with_for_update())).scalars())
            if found:
                await self._session.execute(
                    webhook_events.update()
                    .where(webhook_events.c.id.in_(found))
                    .values(state=state, last_error=error, claim_token=None, claimed_until=None)
                )
            ours.update(found)
        return ours

    async def done(self, numbers: Collection[int], *, token: str) -> int:
        """Write down that what is still ours was answered, and return how much of it that is."""
        held = webhook_events.update().where(
            webhook_events.c.id.in_(sorted(numbers)),
            webhook_events.c.state == WebhookState.CLAIMED,
            webhook_events.c.claim_token == token,
        )
        values = {"state": WebhookState.DONE, "last_error": None, "claim_token": None, "claimed_until": None}
        return (await self._session.execute(held.values(**values))).rowcount

    async def turn(self, number: int, state: WebhookState, error: str | None = None) -> None:
        """Say what has become of a notification that nobody has claimed yet."""
        await self._session.execute(
            webhook_events.update().where(webhook_events.c.id == number).values(state=state, last_error=error)
        )

    async def drop(
        self, state: WebhookState, reason: str, *, conversation_id: str | None = None, business_id: str | None = None
    ) -> int:
        """End what waits in a conversation, or for a business; who has claimed any of it finds it settled."""
        equal = {"conversation_id": conversation_id, "business_id": business_id}
        named = [webhook_events.c[name] == value for name, value in equal.items() if value is not None]
        assert named
        waiting = webhook_events.update().where(*named, webhook_events.c.state.in_(WAITING))
        values = {"state": state, "last_error": reason, "claim_token": None, "claimed_until": None}
        return (await self._session.execute(waiting.values(**values))).rowcount

    async def count_from(self, user_id: str, *, since: datetime, until: datetime) -> int:
        """Return how many messages a customer wrote between two moments, without those that were ignored."""
        theirs = select(threads.c.conversation_id).where(threads.c.user_id == user_id)
        counted = (
            select(func.count())
            .select_from(messages.join(webhook_events, webhook_events.c.id == messages.c.event_id))
            .where(
                messages.c.conversation_id.in_(theirs),
                messages.c.provider_ts > since,
                messages.c.provider_ts <= until,
                messages.c.role == Role.USER,
                webhook_events.c.state != WebhookState.IGNORED,
            )
        )
        return int((await self._session.execute(counted)).scalar_one())

    async def waits(self, conversation_id: str) -> bool:
        """Tell whether anything in a conversation has not been answered."""
        waiting = select(webhook_events.c.id).where(
            webhook_events.c.conversation_id == conversation_id, webhook_events.c.state.in_(WAITING)
        )
        return (await self._session.execute(waiting.limit(1))).first() is not None

    async def get(self, number: int) -> WebhookEvent | None:
        """Return one notification, or None."""
        found = await self._read(_all().where(webhook_events.c.id == number))
        return found[0] if found else None

    async def listed(self, state: WebhookState, limit: int) -> list[WebhookEvent]:
        """Return the notifications in a state, the oldest first."""
        in_state = _all().where(webhook_events.c.state == state)
        return await self._read(in_state.order_by(webhook_events.c.received_at, webhook_events.c.id).limit(limit))

    async def backlog(self, now: datetime) -> tuple[int, timedelta]:
        """Return how many wait to be answered and how long the oldest has waited."""
        is_waiting = webhook_events.c.state.in_(WAITING)
        counted = select(func.count()).select_from(webhook_events).where(is_waiting)
        waiting = int((await self._session.execute(counted)).scalar_one())
        first = select(webhook_events.c.received_at).where(is_waiting).order_by(webhook_events.c.received_at).limit(1)
        oldest = (await self._session.execute(first)).scalar_one_or_none()
        return waiting, now - oldest if oldest is not None else timedelta()

    async def erase(self, business_id: str) -> int:
        """Empty every body that concerns a business; that it came, and what became of it, stays."""
        emptied = webhook_events.update().where(
            webhook_events.c.business_id == business_id, func.length(webhook_events.c.raw) > 0
        )
        return (await self._session.execute(emptied.values(raw=b""))).rowcount

    async def _read(self, query: Select[Any]) -> list[WebhookEvent]:
        return [record_of(WebhookEvent, row) for row in await self._session.execute(query)]


def _all() -> Select[Any]:
    return selected(WebhookEvent)

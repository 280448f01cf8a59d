"""What TikTok has notified us of, once each: taken in, claimed by who answers it, settled with the answer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, Select, and_, bindparam, exists, func, or_, select

from persistence.keyed import KEYS, Keyed
from persistence.replies.rows import columns_of, insert_of, made, record_of, selected
from persistence.session import Session, chunks
from persistence.tables import messages, threads, users, webhook_events
from schemas.replies.records import ChatMessage, Role, WebhookEvent, WebhookState

#: What an operator or the poller may still want to see answered.
WAITING: Final = (WebhookState.RECEIVED, WebhookState.CLAIMED)
_ADD: Final = insert_of(WebhookEvent)
_NUMBER: Final = Keyed(select(webhook_events.c.id).where(webhook_events.c.dedup_key == bindparam("dedup_key")))
_NUMBERS: Final = Keyed(
    select(webhook_events.c.dedup_key, webhook_events.c.id).where(webhook_events.c.dedup_key.in_(KEYS))
)
_HERE: Final = webhook_events.c.conversation_id == bindparam("conversation")
_IS_OURS: Final = webhook_events.c.claim_token == bindparam("token")
_WAITS: Final = Keyed(select(webhook_events.c.id).where(_HERE, webhook_events.c.state.in_(WAITING)).limit(1))
_IS_FREE: Final = or_(
    webhook_events.c.state == WebhookState.RECEIVED,
    and_(
        webhook_events.c.state == WebhookState.CLAIMED,
        or_(webhook_events.c.claimed_until <= bindparam("now"), _IS_OURS),
    ),
)
_OTHER: Final = webhook_events.alias("other")
#: Whether somebody else answers, or died answering, something of the same conversation.
_IS_HELD: Final = exists().where(
    _OTHER.c.conversation_id == bindparam("conversation"),
    _OTHER.c.state == WebhookState.CLAIMED,
    _OTHER.c.claimed_until > bindparam("now"),
    _OTHER.c.claim_token != bindparam("token"),
)
_OPTED_OUT: Final = select(users.c.opted_out_at).where(users.c.tiktok_id == bindparam("user")).scalar_subquery()
_FREE: Final = Keyed(
    select(*columns_of(WebhookEvent), *columns_of(ChatMessage, prefix="m_"), _OPTED_OUT, _IS_HELD)
    .select_from(webhook_events.outerjoin(messages, messages.c.event_id == webhook_events.c.id))
    .where(_HERE, _IS_FREE)
    .order_by(webhook_events.c.provider_ts, webhook_events.c.id)
    .limit(bindparam("most", type_=Integer))
    .with_for_update()
)
_COLUMNS: Final = len(columns_of(WebhookEvent))
_CLAIM: Final = Keyed(
    webhook_events.update()
    .where(webhook_events.c.id.in_(KEYS))
    .values(
        state=WebhookState.CLAIMED,
        attempts=webhook_events.c.attempts + 1,
        claim_token=bindparam("token"),
        claimed_until=bindparam("until"),
    )
)
_ENDED: Final = {"state": WebhookState.DONE, "last_error": None, "claim_token": None, "claimed_until": None}
_DONE: Final = Keyed(
    webhook_events.update()
    .where(webhook_events.c.id.in_(KEYS), webhook_events.c.state == WebhookState.CLAIMED, _IS_OURS)
    .values(**_ENDED)
)
_ANSWERED: Final = Keyed(
    webhook_events.update()
    .where(webhook_events.c.id.in_(KEYS))
    .values(attempts=webhook_events.c.attempts + 1, **_ENDED)
)
_TRIED: Final = Keyed(
    webhook_events.update()
    .where(webhook_events.c.id.in_(KEYS), webhook_events.c.state == WebhookState.RECEIVED)
    .values(attempts=webhook_events.c.attempts + 1)
)
_WROTE: Final = Keyed(
    select(threads.c.user_id, messages.c.provider_ts)
    .select_from(
        threads.join(messages, messages.c.conversation_id == threads.c.conversation_id).join(
            webhook_events, webhook_events.c.id == messages.c.event_id
        )
    )
    .where(
        threads.c.user_id.in_(KEYS),
        messages.c.provider_ts > bindparam("since"),
        messages.c.provider_ts <= bindparam("until"),
        messages.c.role == Role.USER,
        webhook_events.c.state != WebhookState.IGNORED,
    )
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in a conversation and may be answered now, in the order in which it was written, with its words.

    `is_held` tells that somebody else answers some of it, `goes_on` that more waits than that, whoever holds it.
    Without events the rest is unknown.
    """

    events: Sequence[WebhookEvent]
    said: Sequence[ChatMessage]
    goes_on: bool
    is_held: bool
    opted_out_at: datetime | None

    @property
    def numbers(self) -> list[int]:
        """The numbers of the events."""
        return [each.id for each in self.events if each.id is not None]


class Webhooks:
    """Notifications by what makes two of them the same, and by conversation."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, event: WebhookEvent) -> int | None:
        """Store a notification and return its number; None where it is known already. A lost race is a Conflict."""
        if await self._session.rows(_NUMBER, dedup_key=event.dedup_key):
            return None
        return await self._session.write(_ADD, [event])

    async def add_all(self, events: Sequence[WebhookEvent]) -> list[int]:
        """Store notifications that are not known and return their numbers. A lost race is a Conflict."""
        number = await self._session.write(_ADD, events)
        if len(events) == 1:
            return [number]
        numbers: dict[str, int] = dict(await self._session.read(_NUMBERS, [each.dedup_key for each in events]))
        return [numbers[each.dedup_key] for each in events]

    async def known(self, dedup_keys: Collection[str]) -> set[str]:
        """Return which notifications are stored."""
        return {row[0] for row in await self._session.read(_NUMBERS, sorted(set(dedup_keys)))}

    async def free(self, conversation_id: str, user_id: str, *, now: datetime, token: str, limit: int) -> Waiting:
        """Return what waits in a customer's conversation and nobody else holds, locked, in the order of writing.

        What somebody else holds is left to them until the lease ends; what was claimed with the same token, by a
        message that is delivered again, is taken over at once.
        """
        named = {"conversation": conversation_id, "user": user_id, "now": now, "token": token}
        rows = await self._session.rows(_FREE, most=limit + 1, **named)  # one more tells whether there is more
        events = [made(WebhookEvent, row[:_COLUMNS]) for row in rows[:limit]]
        said = [made(ChatMessage, row[_COLUMNS:-2]) for row in rows[:limit] if row[-3] is not None]
        is_held = any(row[-1] for row in rows)
        return Waiting(events, said, len(rows) > limit or is_held, is_held, rows[0][-2] if rows else None)

    async def claim(
        self, conversation_id: str, *, now: datetime, token: str, lease: timedelta, limit: int = 50
    ) -> list[WebhookEvent]:
        """Take what waits in a conversation and nobody else holds, and count the attempt."""
        waiting = await self.free(conversation_id, "", now=now, token=token, limit=limit)
        await self.take(waiting.numbers, token=token, until=now + lease)
        return list(waiting.events)

    async def take(self, numbers: Collection[int], *, token: str, until: datetime) -> None:
        """Note who answers what was found free, and count the attempt."""
        await self._session.change(_CLAIM, numbers, token=token, until=until)

    async def tried(self, numbers: Collection[int]) -> None:
        """Count that what nobody has claimed was found, and not answered."""
        await self._session.change(_TRIED, numbers)

    async def answered(self, numbers: Collection[int]) -> None:
        """Write down that what was found free was answered in the same transaction, and count the attempt."""
        await self._session.change(_ANSWERED, numbers)

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
        return await self._session.change(_DONE, sorted(numbers), token=token)

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

    async def wrote(self, user_ids: Collection[str], *, since: datetime, until: datetime) -> list[tuple[str, datetime]]:
        """Return which customers wrote between two moments, and when, without what was ignored."""
        rows = await self._session.read(_WROTE, sorted(set(user_ids)), since=since, until=until)
        return [(row[0], row[1]) for row in rows]

    async def waits(self, conversation_id: str) -> bool:
        """Tell whether anything in a conversation has not been answered."""
        return bool(await self._session.rows(_WAITS, conversation=conversation_id))

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

"""What the business says: written with the answer's transaction, begun before the call, settled after it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, literal, select

from persistence.replies.rows import new_values_of, number_of, record_of, selected, update_of, values_of
from persistence.session import Session
from persistence.tables import replies
from schemas.replies.records import Reply, ReplyKind, ReplyState

#: What a call may have brought to the customer without our knowing.
_UNKNOWN: Final = (ReplyState.SENDING, ReplyState.UNCERTAIN)
#: TikTok's clock and ours differ; an echo of the same words from before that is of an earlier reply.
CLOCKS_DIFFER: Final = timedelta(minutes=2)
#: What a call changes nothing of.
_FIXED: Final = ("id", "created_at", "attempts")
_ADD: Final = replies.insert()
_FINISH: Final = (
    update_of(Reply, by="id", leave_out=_FIXED)
    .where(replies.c.state == ReplyState.SENDING, replies.c.claim_token == bindparam("old_claim_token"))
    .values(claim_token=None, claimed_until=None)
)


class Replies:
    """Replies by conversation and by what they answer."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, reply: Reply) -> int | None:
        """Store a reply and return its number; None where its event has one of that ordinal already."""
        if reply.reply_to_event is not None:
            known = select(replies.c.id).where(
                replies.c.reply_to_event == reply.reply_to_event, replies.c.ordinal == reply.ordinal
            )
            if (await self._session.execute(known)).first() is not None:
                return None
        added = await self._session.execute(_ADD, values_of(reply))
        return number_of(added)

    async def get(self, number: int, *, for_update: bool = False) -> Reply | None:
        """Return one reply, or None."""
        query = _all().where(replies.c.id == number)
        found = await self._read(query.with_for_update() if for_update else query)
        return found[0] if found else None

    async def open_of(self, conversation_id: str) -> list[Reply]:
        """Return what has not ended in a conversation, in the order in which it is to be sent, locked.

        A reply behind one that waits must wait too, or the customer reads them in the wrong order.
        """
        is_open = replies.c.state.in_((ReplyState.PENDING, *_UNKNOWN))
        open_ = _all().where(replies.c.conversation_id == conversation_id, is_open)
        return await self._read(open_.order_by(replies.c.id).with_for_update())

    async def begin(self, number: int, *, now: datetime, token: str, lease: timedelta) -> bool:
        """Record that a call is about to be made; false where the reply is not to be sent any more."""
        begun = replies.update().where(replies.c.id == number, replies.c.state == ReplyState.PENDING)
        met = await self._session.execute(
            begun.values(
                state=ReplyState.SENDING,
                attempts=replies.c.attempts + 1,
                claim_token=token,
                claimed_until=now + lease,
                sending_at=now,
                updated_at=now,
            )
        )
        return met.rowcount == 1

    async def finish(self, reply: Reply, *, token: str) -> bool:
        """Write what became of a call, where it is still ours; an echo may have told before."""
        assert reply.id is not None
        values = new_values_of(reply, by="id", leave_out=_FIXED)
        return (await self._session.execute(_FINISH, {**values, "old_claim_token": token})).rowcount == 1

    async def abandoned(self, conversation_id: str, now: datetime) -> list[int]:
        """Make uncertain what a sender that died had begun in a conversation, and return it."""
        left = select(replies.c.id).where(
            replies.c.conversation_id == conversation_id,
            replies.c.state == ReplyState.SENDING,
            replies.c.claimed_until <= now,
        )
        numbers = list((await self._session.execute(left.with_for_update())).scalars())
        if numbers:
            await self._session.execute(
                replies.update()
                .where(replies.c.id.in_(numbers))
                .values(
                    state=ReplyState.UNCERTAIN,
                    reason="interrupted while it was being sent",
                    claim_token=None,
                    claimed_until=None,
                    updated_at=now,
                )
            )
        return numbers

    async def echoed(
        self, conversation_id: str, provider_message_id: str, body: str, at: datetime, now: datetime
    ) -> Reply | None:
        """Settle the reply that TikTok says was delivered, and return it; None where it is none of ours.

        It is known by its number, or else, where the call's answer never came, by its words: the first such reply
        whose call began before the echo.
        """
        here = _all().where(replies.c.conversation_id == conversation_id)
        known = await self._read(here.where(replies.c.provider_message_id == provider_message_id).with_for_update())
        if known:
            return known[0]
        unknown = here.where(replies.c.state.in_(_UNKNOWN), replies.c.sending_at <= at + CLOCKS_DIFFER)
        in_order = unknown.order_by(replies.c.sending_at, replies.c.id).with_for_update()
        same = [each for each in await self._read(in_order) if each.body == body]
        if not same:
            return None
        number = same[0].id
        assert number is not None
        settled = {"state": ReplyState.SENT, "provider_message_id": provider_message_id, "sent_at": at}
        await self._session.execute(
            replies.update()
            .where(replies.c.id == number)
            .values(**settled, reason=None, claim_token=None, claimed_until=None, updated_at=now)
        )
        return await self.get(number)

    async def open_states(self, conversation_id: str) -> set[ReplyState]:
        """Return the states of what has not ended in a conversation; nothing is locked for that."""
        is_open = replies.c.state.in_((ReplyState.PENDING, *_UNKNOWN))
        open_ = select(replies.c.state).where(replies.c.conversation_id == conversation_id, is_open).distinct()
        return {ReplyState(state) for state in (await self._session.execute(open_)).scalars()}

    async def end(self, number: int, state: ReplyState, now: datetime, reason: str, code: str | None = None) -> bool:
        """Say that a reply which waits will never be sent; false where it does not wait any more."""
        waiting = replies.update().where(replies.c.id == number, replies.c.state == ReplyState.PENDING)
        values = {"state": state, "reason": reason, "error_code": code, "updated_at": now}
        return (await self._session.execute(waiting.values(**values))).rowcount == 1

    async def put_off(self, conversation_id: str, until: datetime, now: datetime, reason: str) -> int:
        """Send nothing of what waits in a conversation before a moment: all of it, so that its order is kept."""
        waiting = replies.update().where(
            replies.c.conversation_id == conversation_id,
            replies.c.state == ReplyState.PENDING,
            replies.c.not_before < until,
        )
        values = {"not_before": until, "reason": reason, "updated_at": now}
        return (await self._session.execute(waiting.values(**values))).rowcount

    async def ask_at(self, numbers: Collection[int], at: datetime | None) -> None:
        """Note when TikTok is to be asked whether uncertain replies arrived; None once it has told what it knows."""
        uncertain = replies.update().where(replies.c.id.in_(sorted(numbers)), replies.c.state == ReplyState.UNCERTAIN)
        await self._session.execute(uncertain.values(claimed_until=at))

    async def to_ask(self, conversation_id: str, now: datetime, until: datetime) -> list[Reply]:
        """Take the uncertain replies of a conversation that TikTok is to be asked about now; nobody else does so."""
        due = _all().where(
            replies.c.conversation_id == conversation_id,
            replies.c.state == ReplyState.UNCERTAIN,
            replies.c.claimed_until <= now,
        )
        found = await self._read(due.order_by(replies.c.id).with_for_update())
        await self.ask_at([each.id for each in found if each.id is not None], until)
        return found

    async def is_numbered(self, conversation_id: str, provider_message_id: str) -> bool:
        """Tell whether a reply of a conversation is known to be this message of TikTok's."""
        known = select(replies.c.id).where(
            replies.c.conversation_id == conversation_id, replies.c.provider_message_id == provider_message_id
        )
        return (await self._session.execute(known)).first() is not None

    async def failed_since(self, business_id: str, code: str, since: datetime) -> int:
        """Return how many replies of an account TikTok refused with a code since a moment."""
        failed = select(func.count()).where(
            replies.c.state == ReplyState.FAILED,
            replies.c.business_id == business_id,
            replies.c.error_code == code,
            replies.c.updated_at >= since,
        )
        return int((await self._session.execute(failed)).scalar_one())

    async def judge(self, number: int, state: ReplyState, now: datetime, reason: str) -> bool:
        """Do what an operator says of an uncertain reply: it arrived, it is to be sent again, or it is given up."""
        uncertain = replies.update().where(replies.c.id == number, replies.c.state == ReplyState.UNCERTAIN)
        values: dict[str, Any] = {"state": state, "reason": reason, "claimed_until": None, "updated_at": now}
        if state is ReplyState.PENDING:
            values["not_before"] = now
        if state is ReplyState.SENT:
            values["sent_at"] = func.coalesce(replies.c.sending_at, literal(now, replies.c.sent_at.type))
        return (await self._session.execute(uncertain.values(**values))).rowcount == 1

    async def cancel(self, conversation_id: str, now: datetime, reason: str, *, but: Collection[ReplyKind] = ()) -> int:
        """Never send what still waits in a conversation, but for some kinds."""
        waiting = replies.update().where(
            replies.c.conversation_id == conversation_id,
            replies.c.state == ReplyState.PENDING,
            replies.c.kind.not_in(but),
        )
        values = {"state": ReplyState.CANCELLED, "reason": reason, "updated_at": now}
        return (await self._session.execute(waiting.values(**values))).rowcount

    async def erase(self, business_id: str, now: datetime, reason: str) -> int:
        """Never send what waits for an account, and empty everything that was said for it; return what waited."""
        its = replies.update().where(replies.c.business_id == business_id)
        values = {"state": ReplyState.CANCELLED, "reason": reason, "updated_at": now}
        cancelled = await self._session.execute(its.where(replies.c.state == ReplyState.PENDING).values(**values))
        await self._session.execute(its.where(replies.c.body != "").values(body=""))
        return cancelled.rowcount

    async def listed(self, states: Collection[ReplyState], limit: int, *, after: int = 0, skip: int = 0) -> list[Reply]:
        """Return replies in some states, the oldest first."""
        in_states = _all().where(replies.c.state.in_(states), replies.c.id > after)
        return await self._read(in_states.order_by(replies.c.id).limit(limit).offset(skip))

    async def of(self, conversation_id: str, limit: int) -> list[Reply]:
        """Return the newest replies of a conversation, the newest first."""
        here = _all().where(replies.c.conversation_id == conversation_id)
        return await self._read(here.order_by(replies.c.id.desc()).limit(limit))

    async def unsettled(self, before: datetime, limit: int) -> list[Reply]:
        """Return uncertain replies whose call began before a moment: no echo has come, so TikTok may be asked."""
        uncertain = _all().where(replies.c.state == ReplyState.UNCERTAIN, replies.c.sending_at <= before)
        return await self._read(uncertain.order_by(replies.c.sending_at).limit(limit))

    async def counts(self, states: Collection[ReplyState] = tuple(ReplyState)) -> dict[ReplyState, int]:
        """Return how many replies there are in each of some states."""
        counted = select(replies.c.state, func.count().label("n")).where(replies.c.state.in_(states))
        rows = await self._session.execute(counted.group_by(replies.c.state))
        return {ReplyState(row.state): row.n for row in rows}

    async def _read(self, query: Select[Any]) -> list[Reply]:
        return [record_of(Reply, row) for row in await self._session.execute(query)]


def _all() -> Select[Any]:
    return selected(Reply)

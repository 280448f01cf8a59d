"""What the business says: written with the answer's transaction, begun before the call, settled after it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, literal, select

from persistence.keyed import KEYS, Keyed
from persistence.replies.rows import insert_of, made, new_values_of, record_of, selected, update_of
from persistence.replies.standing import IS_OPEN, UNKNOWN, Leave, Standing, leave_of, standing_of
from persistence.session import Session
from persistence.tables import replies
from schemas.replies.records import Reply, ReplyKind, ReplyState

#: TikTok's clock and ours differ; an echo of the same words from before that is of an earlier reply.
CLOCKS_DIFFER: Final = timedelta(minutes=2)
#: What a call changes nothing of.
_FIXED: Final = (
    "id",
    "conversation_id",
    "business_id",
    "kind",
    "body",
    "created_at",
    "attempts",
    "expires_at",
    "reply_to_event",
    "ordinal",
    "intent",
    "decided_by",
    "prompt_version",
)
_ADD: Final = insert_of(Reply)
_FINISH: Final = Keyed(
    update_of(Reply, by="id", leave_out=_FIXED)
    .where(replies.c.state == ReplyState.SENDING, replies.c.claim_token == bindparam("token"))
    .values(claim_token=None, claimed_until=None)
)
_HERE: Final = replies.c.conversation_id == bindparam("conversation")
_OF_EVENT: Final = Keyed(
    select(replies.c.id).where(
        replies.c.reply_to_event == bindparam("event"), replies.c.ordinal == bindparam("ordinal")
    )
)
_OF_EVENTS: Final = Keyed(
    select(replies.c.reply_to_event, replies.c.id).where(replies.c.reply_to_event.in_(KEYS), replies.c.ordinal == 0)
)
_GET: Final = Keyed(selected(Reply).where(replies.c.id == bindparam("number")))
_OPEN_OF: Final = Keyed(selected(Reply).where(_HERE, IS_OPEN).order_by(replies.c.id).with_for_update())
_OPEN_STATES: Final = Keyed(select(replies.c.state).where(_HERE, IS_OPEN).distinct())
_BEGIN: Final = Keyed(
    replies.update()
    .where(replies.c.id == bindparam("number"), replies.c.state == ReplyState.PENDING)
    .values(
        state=ReplyState.SENDING,
        attempts=replies.c.attempts + 1,
        claim_token=bindparam("token"),
        claimed_until=bindparam("until"),
        sending_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
)
_NUMBERED: Final = Keyed(select(replies.c.id).where(_HERE, replies.c.provider_message_id == bindparam("theirs")))
_SETTLED: Final = Keyed(
    select(replies.c.conversation_id, replies.c.provider_message_id).where(
        replies.c.conversation_id.in_(KEYS),
        replies.c.provider_message_id.in_(bindparam("theirs", expanding=True)),
        replies.c.state == ReplyState.SENT,
    )
)


class Replies:
    """Replies by conversation and by what they answer."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, reply: Reply) -> int | None:
        """Store a reply and return its number; None where its event has one of that ordinal already."""
        event = reply.reply_to_event
        if event is not None and await self._session.rows(_OF_EVENT, event=event, ordinal=reply.ordinal):
            return None
        return await self.answer(reply)

    async def answer(self, reply: Reply) -> int:
        """Store a reply to what has none and return its number. A lost race is a Conflict."""
        return await self._session.write(_ADD, [reply])

    async def answer_all(self, answers: Sequence[Reply]) -> list[int]:
        """Store replies to events that have none and return their numbers. A lost race is a Conflict."""
        number = await self._session.write(_ADD, answers)
        if len(answers) == 1:
            return [number]
        rows = await self._session.read(_OF_EVENTS, [each.reply_to_event for each in answers])
        numbers: dict[int | None, int] = dict(rows)
        return [numbers[each.reply_to_event] for each in answers]

    async def get(self, number: int, *, for_update: bool = False) -> Reply | None:
        """Return one reply, or None."""
        if for_update:
            found = await self._read(_all().where(replies.c.id == number).with_for_update())
        else:
            found = [made(Reply, row) for row in await self._session.rows(_GET, number=number)]
        return found[0] if found else None

    async def open_of(self, conversation_id: str) -> list[Reply]:
        """Return what has not ended in a conversation, in the order in which it is to be sent, locked.

        A reply behind one that waits must wait too, or the customer reads them in the wrong order.
        """
        return [made(Reply, row) for row in await self._session.rows(_OPEN_OF, conversation=conversation_id)]

    async def standing(self, conversation_id: str) -> Standing | None:
        """Return how it stands in a conversation; None where nothing is left to be sent or settled."""
        return await standing_of(self._session, conversation_id)

    async def leave(self, reply: Reply) -> Leave:
        """Return by whose leave a reply of a known conversation is sent."""
        return await leave_of(self._session, reply)

    async def begin(self, number: int, *, now: datetime, token: str, lease: timedelta) -> bool:
        """Record that a call is about to be made; false where the reply is not to be sent any more."""
        return await self._session.run(_BEGIN, number=number, now=now, token=token, until=now + lease) == 1

    async def finish(self, reply: Reply, *, token: str) -> bool:
        """Write what became of a call, where it is still ours; an echo may have told before.

        TikTok's number of it, where another reply of the conversation has it already, is a Conflict.
        """
        values = new_values_of(reply, by="id", leave_out=_FIXED)
        return await self._session.run(_FINISH, token=token, **values) == 1

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
        unknown = here.where(replies.c.state.in_(UNKNOWN), replies.c.sending_at <= at + CLOCKS_DIFFER)
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
        return {ReplyState(row[0]) for row in await self._session.rows(_OPEN_STATES, conversation=conversation_id)}

    async def settled(self, conversation_ids: Collection[str], theirs: Collection[str]) -> set[tuple[str, str]]:
        """Return which of TikTok's numbers are of replies that are known to be sent, with their conversation."""
        rows = await self._session.read(_SETTLED, sorted(set(conversation_ids)), theirs=sorted(set(theirs)))
        return {(row[0], row[1]) for row in rows}

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
        return bool(await self._session.rows(_NUMBERED, conversation=conversation_id, theirs=provider_message_id))

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

"""Replies by what became of them; those of which nobody knows are settled by whoever looks into the chat."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field

from persistence.uow import Transaction, Uow
from publishers.admin.desk import Changer, Desk, Listed, Number, Paging, Reader, listed, remember, says, there
from publishers.admin.errors import conflict
from publishers.admin.people import Person
from publishers.admin.replies.insisting import in_turn
from publishers.admin.replies.talk import ReplyShown, reply_shown
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.replies.messages import SendReplies
from schemas.replies.records import Reply, ReplyState

RESOURCE: Final = "sends"


class Judgement(StrEnum):
    """What an operator says of an uncertain reply: it is in the chat, it is not and shall be, or it is given up."""

    SENT = "sent"
    RESEND = "resend"
    DROP = "drop"


_BECOMES: Final = {
    Judgement.SENT: ReplyState.SENT,
    Judgement.RESEND: ReplyState.PENDING,
    Judgement.DROP: ReplyState.CANCELLED,
}
_SAYS: Final = {
    Judgement.SENT: "saw it in the chat",
    Judgement.RESEND: "did not see it in the chat",
    Judgement.DROP: "gave it up",
}


class SendsPaging(Paging):
    """Which states, and which part of the list; `after` is the last number seen."""

    state: list[ReplyState] = Field(default_factory=lambda: [ReplyState.UNCERTAIN])
    after: int = Field(0, ge=0)


@dataclass(frozen=True, slots=True)
class Judge:
    """Somebody who has looked into the chat, by HTTP or on the command line."""

    uow: Uow
    clock: Clock
    person: Person

    async def settle(self, number: int, judgement: Judgement) -> Reply:
        """Settle an uncertain reply; raises the 409 of one that is not uncertain, or too late to be sent again."""

        async def work(tx: Transaction) -> Reply:
            now = whole_milliseconds(self.clock())
            known = there(await tx.replies.get(number), "reply", number)
            await tx.threads.get(known.conversation_id, for_update=True)  # whoever sends in it waits for this
            if judgement is Judgement.RESEND and now >= known.expires_at:
                raise conflict("It is too late: the customer's window has closed", expires_at=str(known.expires_at))
            reason = f"{self.person.name} {_SAYS[judgement]}"
            if not await tx.replies.judge(number, _BECOMES[judgement], now, reason):
                now_is = there(await tx.replies.get(number), "reply", number).state
                raise conflict(f"This reply is not uncertain but {now_is}", state=now_is)
            settled = there(await tx.replies.get(number), "reply", number)
            await self._follow(tx, settled, judgement)
            return settled

        return await in_turn(self.uow, work)

    async def _follow(self, tx: Transaction, settled: Reply, judgement: Judgement) -> None:
        if judgement is Judgement.SENT:
            await tx.chat.brought(settled)
        if judgement is Judgement.RESEND:
            await tx.threads.wake([settled.conversation_id], None, to_send=True)
            await tx.send(SendReplies(conversation_id=settled.conversation_id))
        about = {"conversation": settled.conversation_id}
        await remember(tx, self.person, judgement.value, RESOURCE, settled.id, **about)


def sends(desk: Desk) -> APIRouter:
    """Return the routes of replies."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_sends(page: Annotated[SendsPaging, Query()], _: Reader) -> Listed[ReplyShown]:
        """List replies in some states, the oldest first: those that may have arrived, unless `state` says others."""
        async with desk.uow() as tx:
            found = await tx.replies.listed(page.state, page.limit, after=page.after, skip=page.skip)
            total = sum((await tx.replies.counts(page.state)).values())
        told = listed([reply_shown(each) for each in found], total, page)
        is_full = len(found) == page.limit
        return told.model_copy(update={"has_more": is_full, "next_after": found[-1].id if is_full else None})

    @router.get("/{number}", responses=says(404))
    async def read_send(number: Number, _: Reader) -> ReplyShown:
        """Show one reply."""
        async with desk.uow() as tx:
            return reply_shown(there(await tx.replies.get(number), "reply", number))

    @router.post("/{number}/{judgement}", responses=says(404, 409))
    async def judge_send(number: Number, judgement: Judgement, person: Changer) -> ReplyShown:
        """Settle an uncertain reply: `sent` was seen in the chat, `resend` was not, `drop` is given up."""
        return reply_shown(await Judge(desk.uow, desk.clock, person).settle(number, judgement))

    return router

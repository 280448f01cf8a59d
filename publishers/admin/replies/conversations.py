"""Conversations: listed, read, taken over, given back, and written to by hand."""

from datetime import timedelta
from typing import Annotated, Final
from unicodedata import category

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from publishers.admin.desk import Body, Changer, Desk, Listed, Paging, Reader, Words, listed, says, there
from publishers.admin.people import Person
from publishers.admin.replies.speaking import RESOURCE, Speaker
from publishers.admin.replies.talk import ConversationShown, ConversationTruth, ReplyShown, reply_shown, shown, truth
from schemas.replies.records import Handoff
from schemas.replies.window import LONGEST

#: Older than anything that is kept.
EVER: Final = timedelta(days=36_500)
#: A fortnight's leave; who wants the bot silent for longer says so again.
_LONGEST_HOURS: Final = 14 * 24
#: Controls, and halves of characters.
_UNSEEN: Final = frozenset({"Cc", "Cs"})


def plain_text(text: str) -> str:
    """Return a text without control characters, its lines kept; raises ValueError where nothing is left."""
    said = "".join(each for each in text if each == "\n" or category(each) not in _UNSEEN).strip()
    if not said:
        raise ValueError("must say something")
    return said


#: TikTok's ids hold slashes, so that the path may; what follows is told by its last word.
ConversationId = Annotated[str, Path(min_length=1, max_length=255)]
Text = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(plain_text)]


class ConversationPaging(Paging):
    """Which part of the list, whose, and of whom: the bot's or those of people."""

    handoff: Handoff | None = None
    business_id: str | None = None


class TakeOver(Body):
    """For how long a person speaks, unless it is the shop's usual time, and why."""

    hours: float | None = Field(None, gt=0, le=_LONGEST_HOURS)
    reason: Words = ""


class TakenOver(BaseModel):
    """A conversation in which a person speaks; `cancelled` replies of the bot's are not sent any more."""

    conversation: ConversationShown
    cancelled: int


class ReplyByHand(Body):
    """What to write to the customer: plain text, as TikTok shows no other."""

    text: Text


def conversations(desk: Desk) -> APIRouter:
    """Return the routes of conversations."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())
    _speaking(router, desk)  # before reading, whose path takes any end
    _reading(router, desk)
    return router


def _reading(router: APIRouter, desk: Desk) -> None:
    @router.get("")
    async def list_conversations(page: Annotated[ConversationPaging, Query()], _: Reader) -> Listed[ConversationShown]:
        """List conversations, the one that a customer wrote to last first."""
        equal = page.model_dump(include={"handoff", "business_id"})
        async with desk.uow() as tx:
            found = await tx.threads.listed(skip=page.skip, limit=page.limit, **equal)
            total = await tx.threads.count(**equal)
            return listed(await shown(tx, found, desk.clock()), total, page)

    @router.get("/{conversation_id:path}", responses=says(404))
    async def read_conversation(
        conversation_id: ConversationId, _: Reader, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> ConversationTruth:
        """Tell all of one conversation: what was said, replies that did not arrive and why, holds and orders."""
        async with desk.uow() as tx:
            found = there(await tx.threads.get(conversation_id), "conversation", conversation_id)
            return await truth(tx, found, desk.clock(), limit=limit, kept=EVER)


def _speaking(router: APIRouter, desk: Desk) -> None:
    @router.post("/{conversation_id:path}/take-over", responses=says(404))
    async def take_over(conversation_id: ConversationId, person: Changer, asked: TakeOver | None = None) -> TakenOver:
        """Silence the bot: what it had to say and has not sent is cancelled, what the customer writes is kept."""
        asked = asked or TakeOver()
        lasts = timedelta(hours=asked.hours) if asked.hours else None
        thread, cancelled = await _speaker(desk, person).take_over(conversation_id, lasts, asked.reason)
        async with desk.uow() as tx:
            (told,) = await shown(tx, [thread], desk.clock())
        return TakenOver(conversation=told, cancelled=cancelled)

    @router.post("/{conversation_id:path}/release", responses=says(404))
    async def release(conversation_id: ConversationId, person: Changer) -> ConversationShown:
        """Let the bot answer from the next message on; a pause after TikTok's refusal is lifted too."""
        thread = await _speaker(desk, person).release(conversation_id)
        async with desk.uow() as tx:
            (told,) = await shown(tx, [thread], desk.clock())
        return told

    @router.post("/{conversation_id:path}/reply", status_code=202, responses=says(404, 409))
    async def reply(conversation_id: ConversationId, person: Changer, asked: ReplyByHand) -> ReplyShown:
        """Write to the customer, who hears no more from the bot for a while; 409 where TikTok would not take it."""
        return reply_shown(await _speaker(desk, person).reply(conversation_id, asked.text))


def _speaker(desk: Desk, person: Person) -> Speaker:
    return Speaker(desk.uow, desk.clock, person, desk.handoff)

"""A person in a conversation: takes it over, gives it back, writes to the customer."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from persistence.uow import Transaction, Uow
from publishers.admin.desk import remember, there
from publishers.admin.errors import conflict
from publishers.admin.people import Person
from publishers.admin.replies.insisting import in_turn
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.replies.messages import SendReplies
from schemas.replies.records import Handoff, Reply, ReplyKind, Thread, WebhookState
from schemas.replies.window import QUOTA_OF_MOST, WINDOW, is_open

RESOURCE: Final = "conversations"
#: What the bot had in mind belongs to what it said last, and a person has spoken since.
_SILENT: Final = {"answer_at": None, "proposal": None, "proposed_at": None, "menu_shown_at": None}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who speaks for the shop, by HTTP or on the command line; `handoff` is for how long."""

    uow: Uow
    clock: Clock
    person: Person
    handoff: timedelta

    async def take_over(self, conversation_id: str, lasts: timedelta | None, reason: str) -> tuple[Thread, int]:
        """Silence the bot for a while; return the conversation, and how many of its replies are not sent any more."""

        async def work(tx: Transaction) -> tuple[Thread, int]:
            now = whole_milliseconds(self.clock())
            thread = await _locked(tx, conversation_id)
            taken, cancelled = await self._take(tx, thread, now + (lasts or self.handoff), now)
            await remember(tx, self.person, "take over", RESOURCE, conversation_id, reason=reason, cancelled=cancelled)
            return taken, cancelled

        return await in_turn(self.uow, work)

    async def release(self, conversation_id: str) -> Thread:
        """Let the bot speak again from the next message on, and lift what paused the conversation."""

        async def work(tx: Transaction) -> Thread:
            now = whole_milliseconds(self.clock())
            thread = await _locked(tx, conversation_id)
            free = {"handoff_until": None, "paused_until": None, "paused_reason": None}
            freed = replace(thread, handoff=Handoff.BOT, updated_at=now, **free)  # type: ignore[arg-type] # all may be None
            await tx.threads.save(freed)
            await _let_send(tx, conversation_id)
            await remember(tx, self.person, "release", RESOURCE, conversation_id)
            return freed

        return await in_turn(self.uow, work)

    async def reply(self, conversation_id: str, text: str) -> Reply:
        """Write to the customer. The bot is silenced as if the person had written in TikTok itself."""

        async def work(tx: Transaction) -> Reply:
            now = whole_milliseconds(self.clock())
            thread = await _locked(tx, conversation_id)
            await _check_may_write(tx, thread, now)
            await self._take(tx, thread, now + self.handoff, now)
            reply = _reply(thread, text, now)
            number = await tx.replies.add(reply)
            assert number is not None
            asked = [each.event_id for each in await tx.chat.unanswered(conversation_id) if each.event_id is not None]
            await tx.chat.answered(asked, number)
            await _let_send(tx, conversation_id)
            await remember(tx, self.person, "reply", RESOURCE, conversation_id, reply=number, characters=len(text))
            return replace(reply, id=number)

        return await in_turn(self.uow, work)

    async def _take(self, tx: Transaction, thread: Thread, until: datetime, now: datetime) -> tuple[Thread, int]:
        """Hand a locked conversation over, never for less time than it was, and call off what the bot had to say."""
        who = f"{self.person.name} took the conversation over"
        is_human = thread.handoff is Handoff.HUMAN
        if is_human and thread.handoff_until is not None:
            until = max(until, thread.handoff_until)
        end = None if is_human and thread.handoff_until is None else until
        taken = replace(thread, handoff=Handoff.HUMAN, handoff_until=end, updated_at=now, **_SILENT)  # type: ignore[arg-type] # all may be None
        await tx.threads.save(taken)
        await tx.webhooks.drop(WebhookState.DONE, "a person answers", conversation_id=thread.conversation_id)
        return taken, await tx.replies.cancel(thread.conversation_id, now, who, but=(ReplyKind.OPERATOR,))


async def _locked(tx: Transaction, conversation_id: str) -> Thread:
    return there(await tx.threads.get(conversation_id, for_update=True), "conversation", conversation_id)


async def _let_send(tx: Transaction, conversation_id: str) -> None:
    await tx.threads.wake([conversation_id], None, to_send=True)
    await tx.send(SendReplies(conversation_id=conversation_id))


async def _check_may_write(tx: Transaction, thread: Thread, now: datetime) -> None:
    """Raise the 409 of a customer whom nobody may write to now: it would only be found out when it is sent."""
    user = await tx.people.get(thread.user_id)
    if user is not None and user.opted_out_at is not None:
        raise conflict("The customer wants no messages", opted_out_at=user.opted_out_at.isoformat())
    if not is_open(thread, now):
        last = thread.last_inbound_at.isoformat() if thread.last_inbound_at else None
        raise conflict("TikTok takes replies for 48 hours after the customer's last message", last_inbound_at=last)
    if thread.window_sent_count >= QUOTA_OF_MOST:
        sent = thread.window_sent_count
        raise conflict("The messages that TikTok takes until the customer writes again are used up", sent=sent)


def _reply(thread: Thread, text: str, now: datetime) -> Reply:
    assert thread.last_inbound_at
    return Reply(
        conversation_id=thread.conversation_id,
        business_id=thread.business_id,
        kind=ReplyKind.OPERATOR,
        body=text,
        not_before=now,
        expires_at=thread.last_inbound_at + WINDOW,
        created_at=now,
        updated_at=now,
        decided_by="operator",
    )

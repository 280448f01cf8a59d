"""What was said in a conversation, by whom, in the order of TikTok's clock."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select

from persistence.replies.rows import number_of, record_of, selected, values_of
from persistence.session import Session, chunks
from persistence.tables import messages, threads
from schemas.replies.records import ChatMessage, Reply, ReplyKind, Role

#: Who says what a reply says.
_ROLES = dict.fromkeys(ReplyKind, Role.ASSISTANT) | {ReplyKind.OPERATOR: Role.OPERATOR}
_ADD: Final = messages.insert()


class Chat:
    """Messages by conversation."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, message: ChatMessage) -> int | None:
        """Store what was said and return its number; None where the conversation has it already."""
        if message.provider_message_id is not None:
            known = select(messages.c.id).where(
                messages.c.conversation_id == message.conversation_id,
                messages.c.provider_message_id == message.provider_message_id,
            )
            if (await self._session.execute(known)).first() is not None:
                return None
        added = await self._session.execute(_ADD, values_of(message))
        return number_of(added)

    async def brought(self, reply: Reply) -> None:
        """Note that a reply reached the customer: among what was said, once, under TikTok's number."""
        assert reply.sent_at
        its = (messages.c.conversation_id == reply.conversation_id, messages.c.role == _ROLES[reply.kind])
        number = reply.provider_message_id
        if number is not None:
            same = (messages.c.conversation_id == reply.conversation_id, messages.c.provider_message_id == number)
            if (await self._session.execute(select(messages.c.id).where(*same))).first() is not None:
                return
        ours = messages.update().where(*its, messages.c.reply_id == reply.id)
        if (await self._session.execute(ours.values(provider_message_id=number))).rowcount:
            return
        said = ChatMessage(
            conversation_id=reply.conversation_id,
            role=_ROLES[reply.kind],
            provider_ts=reply.sent_at,
            content=reply.body,
            created_at=reply.sent_at,
            provider_message_id=number,
            intent=reply.intent,
            reply_id=reply.id,
        )
        await self._session.execute(_ADD, values_of(said))

    async def of_events(self, event_numbers: Collection[int]) -> dict[int, ChatMessage]:
        """Return the messages that notifications brought, by the notification's number."""
        found: dict[int, ChatMessage] = {}
        for chunk in chunks(sorted(set(event_numbers))):
            said = await self._read(_all().where(messages.c.event_id.in_(chunk)))
            found |= {each.event_id: each for each in said if each.event_id is not None}
        return found

    async def recent(self, conversation_id: str, *, since: datetime, limit: int) -> list[ChatMessage]:
        """Return the last messages of a conversation, oldest first; of equal times the one stored later is later."""
        said = _all().where(messages.c.conversation_id == conversation_id, messages.c.provider_ts >= since)
        newest = said.order_by(messages.c.provider_ts.desc(), messages.c.id.desc()).limit(limit)
        return list(reversed(await self._read(newest)))

    async def count_since(self, conversation_id: str, since: datetime) -> int:
        """Return how many messages of the customer's are younger than a moment, by TikTok's clock."""
        counted = select(func.count()).where(
            messages.c.conversation_id == conversation_id,
            messages.c.provider_ts > since,
            messages.c.role == Role.USER,
        )
        return int((await self._session.execute(counted)).scalar_one())

    async def answered(self, event_numbers: Collection[int], reply_id: int) -> None:
        """Note which reply answers the messages that notifications brought."""
        for chunk in chunks(sorted(set(event_numbers))):
            await self._session.execute(
                messages.update().where(messages.c.event_id.in_(chunk)).values(reply_id=reply_id)
            )

    async def unanswered(self, conversation_id: str) -> list[ChatMessage]:
        """Return what the customer said that no reply answers, oldest first."""
        said = _all().where(
            messages.c.conversation_id == conversation_id, messages.c.role == Role.USER, messages.c.reply_id.is_(None)
        )
        return await self._read(said.order_by(messages.c.provider_ts, messages.c.id))

    async def erase(self, business_id: str) -> int:
        """Empty everything that was said with a business."""
        its = select(threads.c.conversation_id).where(threads.c.business_id == business_id)
        emptied = messages.update().where(messages.c.conversation_id.in_(its), messages.c.content != "")
        return (await self._session.execute(emptied.values(content="", button_id=None))).rowcount

    async def _read(self, query: Select[Any]) -> list[ChatMessage]:
        return [record_of(ChatMessage, row) for row in await self._session.execute(query)]


def _all() -> Select[Any]:
    return selected(ChatMessage)

"""What was said in a conversation, by whom, in the order of TikTok's clock."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, Select, bindparam, func, select

from persistence.keyed import KEYS, Keyed
from persistence.replies.rows import insert_of, made, record_of, selected
from persistence.session import Session
from persistence.tables import messages, threads
from schemas.replies.records import ChatMessage, Reply, ReplyKind, Role

#: Who says what a reply says.
_ROLES = dict.fromkeys(ReplyKind, Role.ASSISTANT) | {ReplyKind.OPERATOR: Role.OPERATOR}
_ADD: Final = insert_of(ChatMessage)
_HERE: Final = messages.c.conversation_id == bindparam("conversation")
_KNOWN: Final = Keyed(
    select(messages.c.id).where(_HERE, messages.c.provider_message_id == bindparam("provider_message_id"))
)
_KNOWN_OF: Final = Keyed(
    select(messages.c.conversation_id, messages.c.provider_message_id).where(
        messages.c.provider_message_id.in_(bindparam("numbers", expanding=True)), messages.c.conversation_id.in_(KEYS)
    )
)
_BROUGHT: Final = Keyed(
    messages.update()
    .where(_HERE, messages.c.role == bindparam("speaker"), messages.c.reply_id == bindparam("reply"))
    .values(provider_message_id=bindparam("number", type_=messages.c.provider_message_id.type))
)
_OF_EVENTS: Final = Keyed(selected(ChatMessage).where(messages.c.event_id.in_(KEYS)))
_RECENT: Final = Keyed(
    selected(ChatMessage)
    .where(_HERE, messages.c.provider_ts >= bindparam("since"))
    .order_by(messages.c.provider_ts.desc(), messages.c.id.desc())
    .limit(bindparam("most", type_=Integer))
)
_ANSWERED: Final = Keyed(messages.update().where(messages.c.event_id.in_(KEYS)).values(reply_id=bindparam("reply")))


class Chat:
    """Messages by conversation."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, message: ChatMessage) -> int | None:
        """Store what was said and return its number; None where the conversation has it already."""
        number = message.provider_message_id
        if number is not None and await self._is_known(message.conversation_id, number):
            return None
        return await self._session.write(_ADD, [message])

    async def add_all(self, said: Sequence[ChatMessage]) -> None:
        """Store what was said and is not known. A lost race is a Conflict."""
        await self._session.write(_ADD, said)

    async def known(self, conversation_ids: Collection[str], numbers: Collection[str]) -> set[tuple[str, str]]:
        """Return the messages that conversations have, of these numbers of TikTok's, with their conversation."""
        rows = await self._session.read(_KNOWN_OF, sorted(set(conversation_ids)), numbers=sorted(set(numbers)))
        return {(row[0], row[1]) for row in rows}

    async def brought(self, reply: Reply) -> None:
        """Note that a reply reached the customer: among what was said, once, under TikTok's number."""
        assert reply.sent_at
        number = reply.provider_message_id
        if number is not None and await self._is_known(reply.conversation_id, number):
            return
        if await self.numbered(reply):
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
        await self._session.write(_ADD, [said])

    async def numbered(self, reply: Reply) -> bool:
        """Note TikTok's number of a reply where it stands among what was said; a number that is taken is a Conflict."""
        met = await self._session.run(
            _BROUGHT,
            conversation=reply.conversation_id,
            speaker=_ROLES[reply.kind],
            reply=reply.id,
            number=reply.provider_message_id,
        )
        return met > 0

    async def of_events(self, event_numbers: Collection[int]) -> dict[int, ChatMessage]:
        """Return the messages that notifications brought, by the notification's number."""
        rows = await self._session.read(_OF_EVENTS, sorted(set(event_numbers)))
        said = (made(ChatMessage, row) for row in rows)
        return {each.event_id: each for each in said if each.event_id is not None}

    async def recent(self, conversation_id: str, *, since: datetime, limit: int) -> list[ChatMessage]:
        """Return the last messages of a conversation, oldest first; of equal times the one stored later is later."""
        rows = await self._session.rows(_RECENT, conversation=conversation_id, since=since, most=limit)
        return [made(ChatMessage, row) for row in reversed(rows)]

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
        await self._session.change(_ANSWERED, sorted(set(event_numbers)), reply=reply_id)

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

    async def _is_known(self, conversation_id: str, number: str) -> bool:
        return bool(await self._session.rows(_KNOWN, conversation=conversation_id, provider_message_id=number))

    async def _read(self, query: Select[Any]) -> list[ChatMessage]:
        return [record_of(ChatMessage, row) for row in await self._session.execute(query)]


def _all() -> Select[Any]:
    return selected(ChatMessage)

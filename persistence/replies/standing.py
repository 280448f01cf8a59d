"""How it stands in a conversation before something is sent there: what has not ended, and by whose leave it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, exists, select

from persistence.keyed import Keyed
from persistence.replies.rows import columns_of, made
from persistence.session import Session
from persistence.tables import messages, oauth_tokens, replies, threads, users
from schemas.replies.records import Reply, ReplyState, Role, Thread, Tokens

#: What a call may have brought to the customer without our knowing.
UNKNOWN: Final = (ReplyState.SENDING, ReplyState.UNCERTAIN)
IS_OPEN: Final = replies.c.state.in_((ReplyState.PENDING, *UNKNOWN))
_STANDING: Final = Keyed(
    select(*columns_of(Reply), *columns_of(Thread, prefix="t_"), *columns_of(Tokens, prefix="a_"))
    .select_from(
        replies.join(threads, threads.c.conversation_id == replies.c.conversation_id).outerjoin(
            oauth_tokens, oauth_tokens.c.business_id == replies.c.business_id
        )
    )
    .where(replies.c.conversation_id == bindparam("conversation"), IS_OPEN)
    .order_by(replies.c.id)
)
_OF_REPLY, _OF_THREAD = len(columns_of(Reply)), len(columns_of(Reply)) + len(columns_of(Thread))
#: What is to be known before a reply is sent, beside its conversation.
_LEAVE: Final = Keyed(
    select(
        users.c.opted_out_at,
        exists().where(
            messages.c.conversation_id == bindparam("conversation"),
            messages.c.role == Role.OPERATOR,
            messages.c.provider_ts >= bindparam("since"),
        ),
        *columns_of(Tokens),
    )
    .select_from(
        threads.outerjoin(users, users.c.tiktok_id == threads.c.user_id).outerjoin(
            oauth_tokens, oauth_tokens.c.business_id == bindparam("business")
        )
    )
    .where(threads.c.conversation_id == bindparam("conversation"))
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What has not ended in a conversation, in the order of sending, with its account; nothing of it is locked."""

    replies: Sequence[Reply]
    thread: Thread
    account: Tokens | None


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether the customer wants no messages, whether a person spoke since a reply was written, and its account."""

    opted_out_at: datetime | None
    is_with_person: bool
    account: Tokens | None


async def standing_of(session: Session, conversation_id: str) -> Standing | None:
    """Return how it stands in a conversation; None where nothing is left to be sent or settled."""
    rows = await session.rows(_STANDING, conversation=conversation_id)
    if not rows:
        return None
    thread, account = made(Thread, rows[0][_OF_REPLY:_OF_THREAD]), _account(rows[0][_OF_THREAD:])
    return Standing([made(Reply, row[:_OF_REPLY]) for row in rows], thread, account)


async def leave_of(session: Session, reply: Reply) -> Leave:
    """Return by whose leave a reply of a known conversation is sent."""
    named = {"conversation": reply.conversation_id, "business": reply.business_id}
    (row,) = await session.rows(_LEAVE, since=reply.created_at, **named)
    return Leave(row[0], bool(row[1]), _account(row[2:]))


def _account(columns: Sequence[Any]) -> Tokens | None:
    # An outer join that found nothing has no number, which is the last of a record.
    return made(Tokens, columns) if columns[-1] is not None else None

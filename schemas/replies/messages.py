"""What the webhook says, and what the conversations say to themselves."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Base64Bytes, Field

from schemas.base import Command

#: A moment that every database takes, whatever zone it is said in.
Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))]


class TakeWebhook(Command):
    """Take in a notification of TikTok's, whose signature was found right; `raw` is every byte of it.

    `conversation_id` is empty where none could be read. `signed_at` is the signature's own time.
    """

    key: ClassVar[str] = "replies.webhooks.take"

    raw: Base64Bytes
    conversation_id: str
    dedup_key: str = Field(min_length=64, max_length=64)
    received_at: Moment
    signed_at: Moment
    log_id: str | None = None


class AnswerThread(Command):
    """Answer what waits in a conversation. A wake-up only: what waits is in SQL, so that a repeat does nothing."""

    key: ClassVar[str] = "replies.threads.answer"

    conversation_id: str


class SendReplies(Command):
    """Send the replies that are due in a conversation. A wake-up only, as `AnswerThread` is."""

    key: ClassVar[str] = "replies.threads.send"

    conversation_id: str

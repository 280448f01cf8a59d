"""A process that sends what waits in a conversation, for whoever wants to kill it: `URL BASE KEY [waits]`."""

import asyncio
import sys
from datetime import timedelta

from adapters.replies.pace import Pace
from adapters.replies.tiktok import TikTokMessages
from adapters.vault import Vault
from brokers.delivery import Delivery
from deploy.sandbox.tiktok_messages import APP, SECRET
from handlers.replies.sending import send_replies
from handlers.replies.voice import Voice
from persistence.engine import open_uow
from schemas.replies.messages import SendReplies
from tests.build.records import NOON
from tests.build.replies import CONVERSATION
from tests.build.sandbox import local_http


class Waiting(Pace):
    """Says that the sender has looked, and lets it go no further."""

    async def turn(self, business_id: str) -> timedelta:
        print("has looked", flush=True)  # noqa: T201 -- what the one who started it waits for
        await asyncio.Event().wait()
        return await super().turn(business_id)


async def main(url: str, base: str, key: str, waits: str) -> None:
    """Send, as a worker does when it is woken."""
    database = open_uow(url)
    pace = (Waiting if waits else Pace).at(None, 600)
    async with local_http() as http:
        tiktok = TikTokMessages(http, base, client_key=APP, client_secret=SECRET)
        message = SendReplies(conversation_id=CONVERSATION)
        carried = Delivery(message=message, message_id="w", is_derived=False, key="", observed_at=NOON, raw=b"")
        await send_replies(carried, database.uow, lambda: NOON, Voice(tiktok, Vault([key]), pace))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

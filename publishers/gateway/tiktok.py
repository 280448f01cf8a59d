"""POST /webhook/tiktok: notifications in, verified over their raw bytes and published as they came.

https://developers.tiktok.com/doc/webhooks-overview: whatever is not answered with 200 is repeated for 72 hours. So what
no repetition can mend is answered with 200 too, and kept by whoever takes it in.
"""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog
from starlette.responses import Response
from starlette.types import Receive

from brokers import metrics
from brokers.outgoing import new_message_id, outgoing
from brokers.verdict import Verdict
from publishers.gateway.body import read_bytes
from publishers.gateway.call import Call
from publishers.gateway.envelope import json_response
from publishers.gateway.errors import Refusal, unavailable
from publishers.gateway.ports import Desk, NothingSeen, Seen
from publishers.gateway.signature import HEADER, verify
from schemas.clock import Clock, utc_now
from schemas.replies.messages import TakeWebhook
from schemas.replies.tiktok import read

log = structlog.get_logger()

PATH: Final = "/webhook/tiktok"
#: A hundred times the longest message.
MOST_BYTES: Final = 256 * 1024
#: TikTok's own patience is not documented; it repeats what we gave up.
DEADLINE: Final = timedelta(seconds=1)
#: A trace id is for people to look up, and a column of a log.
_LOG_ID: Final = 128
_OK: Final = {"status": "ok"}


@dataclass(frozen=True, slots=True)
class Webhook:
    """What taking notifications in needs; `secrets` are the app's, two of them while one is replaced."""

    secrets: Sequence[bytes]
    tolerance: timedelta = timedelta(seconds=300)
    seen: Seen = field(default_factory=NothingSeen)
    clock: Clock = utc_now


class Notifications:
    """The route: what TikTok signed is published once and confirmed before it is answered."""

    def __init__(self, desk: Desk, webhook: Webhook) -> None:
        if not webhook.secrets or not all(webhook.secrets):
            raise ValueError("a webhook needs the secret of the app")
        self._desk = desk
        self._webhook = webhook
        self._log = log.bind()  # as logging is set up by now; an unbound logger is made anew for each line

    async def __call__(self, call: Call, receive: Receive) -> Response:
        """Take one notification in; a repeat is answered in the same way and published no more."""
        body = await read_bytes(call, receive, MOST_BYTES)
        message = self._verified(call, body)
        call.message_id = new_message_id()
        if await self._webhook.seen.has(message.dedup_key):
            self._account(call, message, body, "duplicate")
            return json_response(200, _OK)
        await self._publish(call, message)
        # Only now: a note of what was never confirmed would lose it.
        await self._webhook.seen.note(message.dedup_key)
        self._account(call, message, body, "taken")
        return json_response(200, _OK)

    def _verified(self, call: Call, body: bytes) -> TakeWebhook:
        webhook, now = self._webhook, self._webhook.clock()
        try:
            signed_at = verify(call.headers.get(HEADER), body, webhook.secrets, now=now, tolerance=webhook.tolerance)
        except Refusal:
            metrics.webhooks.labels("refused").inc()
            raise
        heard = read(body)
        return TakeWebhook(
            raw=b64encode(body),
            conversation_id=heard.conversation_id,
            dedup_key=heard.dedup_key,
            received_at=now,
            signed_at=signed_at,
            log_id=(call.header(b"x-tt-logid") or "")[:_LOG_ID] or None,
        )

    async def _publish(self, call: Call, message: TakeWebhook) -> None:
        headers = {"traceparent": call.traceparent} if call.traceparent else {}
        said = outgoing(message, message_id=call.message_id, correlation_id=call.request_id, headers=headers)
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                await self._desk.publisher.publish(said)
        except (Verdict, TimeoutError) as error:
            metrics.webhooks.labels("unconfirmed").inc()
            log.warning("not_published", key=said.key, message_id=said.message_id, reason=str(error) or "too slow")
            raise unavailable("The notification was not confirmed; send it again") from None

    def _account(self, call: Call, message: TakeWebhook, body: bytes, outcome: str) -> None:
        """Count it, and note how old its signature was, from which the tolerance can be chosen."""
        age = (message.received_at - message.signed_at).total_seconds()
        metrics.webhooks.labels(outcome).inc()
        metrics.webhook_age.observe(abs(age))
        self._log.info(
            "webhook_received",
            outcome=outcome,
            signature_age=round(age, 1),
            bytes=len(body),
            message_id=call.message_id,
            log_id=message.log_id,
        )

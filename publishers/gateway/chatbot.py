"""POST /chatbot/messages: an array of chat tasks, each published as a message of its own."""

from typing import Any

import structlog
from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.types import Receive

from brokers.outgoing import Outgoing
from brokers.topology import CHATBOT_SAMPLE_BATCH
from publishers.gateway.body import parsed, read_body
from publishers.gateway.call import Call
from publishers.gateway.envelope import success
from publishers.gateway.errors import Refusal, invalid, unavailable
from publishers.gateway.identity import Identity
from publishers.gateway.message import message_of, record_accepted
from publishers.gateway.ports import Desk
from publishers.gateway.prefer import preferred
from schemas.chatbot.messages import MAX_TASKS, ChatTask

log = structlog.get_logger()

PATH = "/chatbot/messages"
_BODY = TypeAdapter(list[ChatTask])


class ChatbotMessages:
    """The route: 200 means that every task is confirmed by the broker."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, call: Call, receive: Receive) -> Response:
        """Publish the tasks, all in flight together."""
        tasks = _tasks(await read_body(call, receive, self._desk.limits.max_body_bytes))
        identity = Identity(call)
        messages = [_message(call, task, identity.message_id(place)) for place, task in enumerate(tasks)]
        call.message_id = messages[0].message_id
        outcomes = await self._desk.publisher.publish_many(messages)
        if any(outcomes):
            raise _unconfirmed(outcomes)
        return await self._told(call, [message.message_id for message in messages])

    async def _told(self, call: Call, message_ids: list[str]) -> Response:
        """Answer with the count, and with the ids for a caller that prefers `return=representation`."""
        prefers = preferred(call.header(b"prefer"), self._desk.limits.max_wait)
        data: dict[str, Any] = {"count": len(message_ids)}
        if prefers.is_representation_wanted:
            await record_accepted(self._desk.board, CHATBOT_SAMPLE_BATCH, message_ids)
            data["messageIds"] = message_ids
        return success(data, prefers.headers)


def _tasks(body: bytes) -> list[ChatTask]:
    tasks = parsed(_BODY, body)
    if not tasks:
        raise Refusal(400, "The array is empty")
    if len(tasks) > MAX_TASKS:
        raise invalid([("body", f"At most {MAX_TASKS} tasks at once, not {len(tasks)}")])
    return tasks


def _message(call: Call, task: ChatTask, message_id: str) -> Outgoing:
    body = b"[" + task.model_dump_json(exclude_none=True).encode() + b"]"
    headers = {"task_id": task.task_id or message_id, "task_count": 1}
    return message_of(call, CHATBOT_SAMPLE_BATCH, body, message_id, headers=headers)


def _unconfirmed(outcomes: list[Exception | None]) -> Refusal:
    """Say which tasks are queued: those must not be sent again, unless under the same Idempotency-Key."""
    queued = [place for place, outcome in enumerate(outcomes) if outcome is None]
    failed = [place for place, outcome in enumerate(outcomes) if outcome is not None]
    log.warning("not_published", key=CHATBOT_SAMPLE_BATCH.name, tasks=len(failed), reason=str(outcomes[failed[0]]))
    return unavailable(
        "Some tasks were not confirmed; send those again, or all of them with the same Idempotency-Key",
        {"queued": queued, "failed": failed},
    )

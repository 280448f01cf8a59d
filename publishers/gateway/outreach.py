"""The routes of outreach: tasks in, progress counted, creators handed over, tasks controlled."""

from collections.abc import Mapping

from brokers.outgoing import Outgoing
from brokers.topology import (
    OUTREACH_CONTACTS_DECIDE,
    OUTREACH_TASKS_CONTROL,
    OUTREACH_TASKS_INGEST,
    OUTREACH_TASKS_PROGRESS,
)
from publishers.gateway.asking import Asking
from publishers.gateway.border import HotRoute
from publishers.gateway.call import Call
from publishers.gateway.errors import Refusal
from publishers.gateway.message import message_of
from publishers.gateway.ports import Desk
from publishers.gateway.queueing import Queueing, Telling
from schemas.outreach.messages import MAX_CONTACTS, CreatorToContact

TASKS = "/outreach_tasks/ingest"
PROGRESS = "/outreach_tasks/progress"
MESSAGES = "/chatbot/outreach/messages"
CONTROL = "/chatbot/outreach/control"


class OutreachMessages(Queueing[CreatorToContact]):
    """The route that hands creators over, each as a message of its own."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, OUTREACH_CONTACTS_DECIDE, list[CreatorToContact], MAX_CONTACTS)

    def message(self, call: Call, item: CreatorToContact, message_id: str) -> Outgoing:
        """Return the message of one creator."""
        body = b"[" + item.model_dump_json(exclude_none=True).encode() + b"]"
        headers = {"task_id": item.task_id or message_id, "task_count": 1}
        return message_of(call, self.queue, body, message_id, headers=headers)


def routes(desk: Desk) -> Mapping[str, HotRoute]:
    """Return the routes by path."""
    return {
        TASKS: Asking(desk, OUTREACH_TASKS_INGEST),
        PROGRESS: Asking(desk, OUTREACH_TASKS_PROGRESS, refusal=lambda reason: Refusal(400, reason)),
        MESSAGES: OutreachMessages(desk),
        CONTROL: Telling(desk, OUTREACH_TASKS_CONTROL),
    }

"""POST /chatbot/messages: an array of chat tasks, each published as a message of its own."""

from brokers.outgoing import Outgoing
from brokers.topology import CHATBOT_SAMPLE_BATCH
from publishers.gateway.call import Call
from publishers.gateway.message import message_of
from publishers.gateway.ports import Desk
from publishers.gateway.queueing import Queueing
from schemas.chatbot.messages import MAX_TASKS, ChatTask

PATH = "/chatbot/messages"


class ChatbotMessages(Queueing[ChatTask]):
    """The route: 200 means that every task is confirmed by the broker."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, CHATBOT_SAMPLE_BATCH, list[ChatTask], MAX_TASKS)

    def message(self, call: Call, item: ChatTask, message_id: str) -> Outgoing:
        """Return the message of one task."""
        body = b"[" + item.model_dump_json(exclude_none=True).encode() + b"]"
        headers = {"task_id": item.task_id or message_id, "task_count": 1}
        return message_of(call, self.queue, body, message_id, headers=headers)

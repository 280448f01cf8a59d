"""Chat tasks: written to their creators once, and what became of each is recorded and told."""

from handlers.chatbot.recording import RECORD_TRIES, Unrecorded, outcome_of
from handlers.chatbot.sending import router, send_chat_messages

__all__ = ["RECORD_TRIES", "Unrecorded", "outcome_of", "router", "send_chat_messages"]

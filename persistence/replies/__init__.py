"""Conversations with customers, what was said in them, and what was promised there."""

from persistence.replies.chat import Chat
from persistence.replies.holds import Holds
from persistence.replies.orders import Orders
from persistence.replies.replies import Replies
from persistence.replies.stock import Stock
from persistence.replies.threads import People, Threads
from persistence.replies.tokens import Tokens
from persistence.replies.webhooks import Webhooks

__all__ = ["Chat", "Holds", "Orders", "People", "Replies", "Stock", "Threads", "Tokens", "Webhooks"]

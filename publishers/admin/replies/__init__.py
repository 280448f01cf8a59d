"""What operators see and do of conversations with customers, of what is for sale, and of orders."""

from fastapi import APIRouter

from publishers.admin.desk import Desk
from publishers.admin.replies.accounts import accounts
from publishers.admin.replies.connecting import connecting
from publishers.admin.replies.conversations import conversations
from publishers.admin.replies.orders import orders
from publishers.admin.replies.sends import sends
from publishers.admin.replies.stock import stock

PREFIX = "/replies"


def replies(desk: Desk) -> APIRouter:
    """Return the routes below `/replies`."""
    router = APIRouter(prefix=PREFIX)
    for resource in (conversations, sends, connecting, accounts, stock, orders):
        router.include_router(resource(desk))
    return router

"""The consumers of conversations: hearing customers, deciding what they are told, telling them."""

from brokers.router import Router
from handlers.replies import answering, inbound, sending

ROUTERS: tuple[Router, ...] = (inbound.router, answering.router, sending.router)

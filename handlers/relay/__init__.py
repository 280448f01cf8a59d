"""The consumers of marketing events: taking them in, and sending them on."""

from brokers.router import Router
from handlers.relay import adoption, forwarding, intake

ROUTERS: tuple[Router, ...] = (intake.router, adoption.router, forwarding.router)

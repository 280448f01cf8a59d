"""Consumers: one message in, effects and further messages out."""

from brokers.router import Route, Router
from handlers import chatbot, crawl, creators, outreach, relay, replies, samples

ROUTERS: tuple[Router, ...] = (
    samples.router,
    chatbot.router,
    *relay.ROUTERS,
    *creators.ROUTERS,
    *outreach.ROUTERS,
    *replies.ROUTERS,
    crawl.router,
)
ROUTES: tuple[Route, ...] = tuple(route for router in ROUTERS for route in router)

"""How it is told what became of a chat task: an event whose key says it, for whoever listens to some outcomes only."""

from dataclasses import replace

from brokers.outgoing import Outgoing, outgoing
from schemas.outreach.messages import ChatOutcome


def told(outcome: ChatOutcome) -> Outgoing:
    """Return an outcome as a message."""
    return replace(outgoing(outcome), key=f"{outcome.key}.{outcome.state}")

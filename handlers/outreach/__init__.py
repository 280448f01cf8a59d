"""Outreach: whom a task may write to, what they are written, and what came of it."""

from brokers import topology
from brokers.delivery import Delivery
from brokers.router import Router
from brokers.verdict import Reject
from schemas.outreach.messages import ChatOutcome, ControlOutreach, CountProgress, DecideContacts, IngestOutreachTask

router = Router()


@router.consume(topology.OUTREACH_TASKS_INGEST)
async def ingest_outreach_task(delivery: Delivery[IngestOutreachTask]) -> None:
    """Store a task. Safe to repeat."""
    raise Reject("not yet")


@router.consume(topology.OUTREACH_TASKS_PROGRESS)
async def count_progress(delivery: Delivery[CountProgress]) -> None:
    """Count. Safe to repeat."""
    raise Reject("not yet")


@router.consume(topology.OUTREACH_TASKS_CONTROL)
async def control_outreach(delivery: Delivery[ControlOutreach]) -> None:
    """Control. Safe to repeat."""
    raise Reject("not yet")


@router.consume(topology.OUTREACH_CONTACTS_DECIDE)
async def decide_contacts(batch: list[Delivery[DecideContacts]]) -> None:
    """Decide. Safe to repeat."""
    raise Reject("not yet")


@router.consume(topology.OUTREACH_ON_CHAT_OUTCOME)
async def on_chat_outcome(batch: list[Delivery[ChatOutcome]]) -> None:
    """Record. Safe to repeat."""
    raise Reject("not yet")

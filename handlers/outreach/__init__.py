"""Outreach: whom a task may write to, what they are written, and what came of it."""

from handlers.outreach import contacting, outcomes, tasks
from handlers.outreach.contacting import decide_contacts
from handlers.outreach.outcomes import on_chat_outcome
from handlers.outreach.tasks import control_outreach, count_progress, ingest_outreach_task

ROUTERS = (tasks.router, contacting.router, outcomes.router)

__all__ = [
    "ROUTERS",
    "control_outreach",
    "count_progress",
    "decide_contacts",
    "ingest_outreach_task",
    "on_chat_outcome",
]

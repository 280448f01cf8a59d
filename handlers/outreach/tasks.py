"""The consumers of what is said about tasks: their fields, their progress, and what an operator wants of them."""

from dataclasses import replace

import structlog
import uuid_utils

from brokers import topology
from brokers.delivery import Delivery
from brokers.router import Router
from brokers.verdict import Reject, Retryable
from handlers.outreach.merging import Report, merged
from handlers.outreach.settling import settle
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.outreach.crawling import crawl_of
from schemas.outreach.messages import (
    Action,
    ControlOutreach,
    CountProgress,
    CountProgressResult,
    IgnoredField,
    IngestOutreachTask,
    IngestOutreachTaskResult,
)
from schemas.outreach.records import OutreachTask, TaskStatus
from schemas.outreach.statuses import MOST, controlled
from schemas.outreach.tasks import parse_task
from schemas.readers import whole_milliseconds

log = structlog.get_logger()

router = Router()

NOT_FOUND = "Outreach task not found"
_NAMESPACE = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "mesh:outreach:task")


@router.consume(topology.OUTREACH_TASKS_INGEST)
async def ingest_outreach_task(
    delivery: Delivery[IngestOutreachTask], uow: Uow, clock: Clock
) -> IngestOutreachTaskResult:
    """Store what is said of a task: fields that are not mentioned stay, a report older than the last one only fills in.

    Safe to repeat: a message is applied once, and a task without an id gets one that follows from its message.
    """
    task_id = _task_id(delivery)
    fields = parse_task(delivery.message.task)
    now = whole_milliseconds(clock())
    report = Report(
        source=delivery.message.source,
        operator_id=delivery.message.operator_id,
        observed_at=whole_milliseconds(delivery.observed_at),
        now=now,
    )
    ignored: list[IgnoredField] = fields.ignored
    async with uow() as tx:
        if await tx.inbox.claim(delivery.message_id, is_derived=delivery.is_derived):
            stored = (await tx.outreach_tasks.find([task_id])).get(task_id)
            task, ignored = merged(task_id, stored, fields, report)
            if stored is None:
                await tx.outreach_tasks.add(task)
            await settle(tx, [task], clock)
            log.info("outreach_task_stored", task_id=task_id, is_new=stored is None, status=task.status)
    return IngestOutreachTaskResult(task_id=task_id, ignored=ignored)


@router.consume(topology.OUTREACH_TASKS_PROGRESS)
async def count_progress(delivery: Delivery[CountProgress], uow: Uow, clock: Clock) -> CountProgressResult:
    """Add creators that somebody else has written to; the task completes when that makes as many as wanted.

    Safe to repeat: a message counts once.
    """
    message = delivery.message
    async with uow() as tx:
        task = await _known(tx, message.task_id)
        if await tx.inbox.claim(delivery.message_id, is_derived=delivery.is_derived):
            task = replace(
                task,
                new_creators_real_count=min(task.new_creators_real_count + message.delta, MOST),
                last_modifier_id=message.operator_id or task.last_modifier_id,
                last_modification_time=whole_milliseconds(clock()),
            )
            await settle(tx, [task], clock)
    return CountProgressResult(task_id=task.id, new_creators_real_count=task.new_creators_real_count)


@router.consume(topology.OUTREACH_TASKS_CONTROL)
async def control_outreach(delivery: Delivery[ControlOutreach], uow: Uow, clock: Clock) -> None:
    """Start, end, pause, resume or cancel a task, whichever process does its work: its state is in SQL.

    Safe to repeat: a message acts once, and an action that changes nothing does nothing.
    """
    message = delivery.message
    async with uow() as tx:
        task = (await tx.outreach_tasks.find([message.task_id])).get(message.task_id)
        if task is None:
            raise Retryable(NOT_FOUND)  # Its report may be on its way.
        if await tx.inbox.claim(delivery.message_id, is_derived=delivery.is_derived):
            after = await apply(tx, task, message.action, clock, reason=message.reason, crawls=message.crawl)
            log.info("outreach_task_controlled", task_id=task.id, action=message.action, status=after.status)


async def apply(
    tx: Transaction,
    task: OutreachTask,
    action: Action,
    clock: Clock,
    *,
    reason: str | None = None,
    crawls: bool = False,
) -> OutreachTask:
    """Do to a locked task what is asked of it, with what follows; `crawls` also searches for its creators at once.

    The search of a task that was paused under way goes on by itself, and one that has what it wants needs none.
    """
    now = whole_milliseconds(clock())
    after = controlled(task, action, now, reason)
    if after is task:
        return task
    after = (await settle(tx, [after], clock))[task.id]
    was_under_way = task.status is TaskStatus.PAUSED and task.real_start_at is not None
    if crawls and action is Action.START and after.status is TaskStatus.RUNNING and not was_under_way:
        await tx.send(crawl_of(after))
    return after


async def _known(tx: Transaction, task_id: str) -> OutreachTask:
    task = (await tx.outreach_tasks.find([task_id])).get(task_id)
    if task is None:
        raise Reject(NOT_FOUND)
    return task


def _task_id(delivery: Delivery[IngestOutreachTask]) -> str:
    return delivery.message.task_id or str(uuid_utils.uuid5(_NAMESPACE, delivery.message_id)).upper()

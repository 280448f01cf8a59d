"""`mesh publishers`: the outbox relay, what is due of chats, outreach and marketing events, and the purge."""

import asyncio
import os
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog

from handlers.replies.wording import free_again
from mesh.compose import Composition
from mesh.lifetime import begin, live
from mesh.probes import probes
from persistence.clock import SharedClock
from persistence.uow import Uow
from publishers.backlog import BacklogWatch
from publishers.clockwork import Pace, Polling
from publishers.deliveries import DeliveriesPoller
from publishers.marketing_events import PACE, MarketingEventsPoller
from publishers.outbox import OutboxRelay
from publishers.outreach import OutreachPoller
from publishers.purge import Purge
from publishers.replies import RepliesPoller, RepliesSweeper
from publishers.schedules.judgement import Policy
from publishers.schedules.publisher import SchedulePublisher
from publishers.schedules.renderer import Renderer
from schemas.clock import Clock
from settings import Settings

log = structlog.get_logger()


class _Works(Protocol):
    async def run(self, stop: asyncio.Event) -> None: ...


def run() -> None:
    """Publish what is due until told to stop."""
    settings = begin("publishers")
    live(lambda stop: _publish(settings, stop))


async def _publish(settings: Settings, stop: asyncio.Event) -> None:
    composition = Composition(settings, "publishers")
    uow, publisher = composition.database.uow, composition.publisher
    clock = SharedClock(composition.database.now)
    work = (
        OutboxRelay(uow, publisher, clock, Polling(lease=_lease(settings))),
        schedule_publisher(composition, clock),
        MarketingEventsPoller(uow, publisher, clock, Polling(lease=_lease(settings), pace=PACE)),
        DeliveriesPoller(uow, publisher, clock),
        RepliesPoller(uow, publisher, clock),
        sweeper(settings, uow, clock),
        OutreachPoller(uow, clock),
        BacklogWatch(uow, clock),
        Purge(
            uow,
            clock,
            keep=timedelta(days=settings.retention_days),
            keep_events=timedelta(days=settings.relay_retention_days),
            keep_replies=timedelta(days=settings.replies_retention_days),
        ),
    )
    running = [asyncio.create_task(clock.run(stop))]
    running += [asyncio.create_task(_keep(each, clock, stop)) for each in work]
    alive = lambda: not any(task.done() for task in running)  # noqa: E731 - one claim, used twice
    with probes(settings.metrics_host, settings.publishers_metrics_port, live=alive, ready=alive):
        log.info("publishers_started", pid=os.getpid())
        await asyncio.gather(*running)
    await composition.close()
    log.info("publishers_stopped")


async def _keep(work: _Works, clock: SharedClock, stop: asyncio.Event) -> None:
    """Do a publisher's work from the moment that the time is known."""
    await clock.known(stop)
    await work.run(stop)


def sweeper(settings: Settings, uow: Uow, clock: Clock) -> RepliesSweeper:
    """Return what ends holds, orders and hand-overs, and tells who waits; whoever is told may keep a piece first."""
    minutes = settings.stock_hold_minutes
    return RepliesSweeper(uow, clock, partial(free_again, minutes=minutes), head_start=timedelta(minutes=minutes))


def schedule_publisher(composition: Composition, clock: Clock) -> SchedulePublisher:
    """Return the chat schedule publisher with the politeness that the settings ask for."""
    settings = composition.settings
    return SchedulePublisher(
        composition.database.uow,
        composition.publisher,
        clock,
        policy=Policy(
            politeness=composition.politeness,
            regions=frozenset(settings.chatbot_regions),
            default_region=settings.samples_default_region,
        ),
        renderer=Renderer(link_template=settings.chatbot_link_template),
        polling=Polling(lease=_lease(settings), pace=Pace(longest=timedelta(seconds=settings.chatbot_poll_seconds))),
    )


def _lease(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.publishers_lease_seconds)

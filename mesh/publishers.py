"""`mesh publishers`: the outbox relay, the due chat schedules and the purge, in one process."""

import asyncio
import os
from datetime import timedelta

import structlog

from mesh.compose import Composition
from mesh.lifetime import begin, live
from mesh.probes import probes
from publishers.clockwork import Pace, Polling
from publishers.outbox import OutboxRelay
from publishers.purge import Purge
from publishers.schedules.judgement import Policy
from publishers.schedules.politeness import Politeness, QuietHours
from publishers.schedules.publisher import SchedulePublisher
from publishers.schedules.renderer import Renderer
from schemas.clock import utc_now
from settings import Settings

log = structlog.get_logger()


def run() -> None:
    """Publish what is due until told to stop."""
    settings = begin("publishers")
    live(lambda stop: _publish(settings, stop))


async def _publish(settings: Settings, stop: asyncio.Event) -> None:
    composition = Composition(settings, "publishers")
    uow, publisher = composition.database.uow, composition.publisher
    work = (
        OutboxRelay(uow, publisher, utc_now, Polling(lease=_lease(settings))),
        schedule_publisher(composition),
        Purge(uow, utc_now, keep=timedelta(days=settings.retention_days)),
    )
    running = [asyncio.create_task(each.run(stop)) for each in work]
    alive = lambda: not any(task.done() for task in running)  # noqa: E731 - one claim, used twice
    with probes(settings.metrics_host, settings.publishers_metrics_port, live=alive, ready=alive):
        log.info("publishers_started", pid=os.getpid())
        await asyncio.gather(*running)
    await composition.close()
    log.info("publishers_stopped")


def schedule_publisher(composition: Composition) -> SchedulePublisher:
    """Return the chat schedule publisher with the politeness that the settings ask for."""
    settings = composition.settings
    quiet = {region: QuietHours(*span) for region, span in settings.chatbot_quiet_hours.items()}
    politeness = Politeness.parse(daily_cap=settings.chatbot_daily_cap)
    return SchedulePublisher(
        composition.database.uow,
        composition.publisher,
        utc_now,
        policy=Policy(
            politeness=Politeness(quiet_hours=quiet, zones=politeness.zones, daily_cap=politeness.daily_cap),
            regions=frozenset(settings.chatbot_regions),
            default_region=settings.samples_default_region,
        ),
        renderer=Renderer(link_template=settings.chatbot_link_template),
        polling=Polling(lease=_lease(settings), pace=Pace(longest=timedelta(seconds=settings.chatbot_poll_seconds))),
    )


def _lease(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.publishers_lease_seconds)

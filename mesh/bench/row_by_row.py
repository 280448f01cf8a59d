"""`python -m mesh.bench.row_by_row`: the outbox relay as it would be with a row at a time: claim, publish, delete."""

import asyncio
from datetime import timedelta

from mesh import logs
from mesh.compose import Composition
from mesh.lifetime import live
from publishers.clockwork import Polling
from publishers.outbox import OutboxRelay
from schemas.clock import utc_now
from settings import Settings


async def _relay(settings: Settings, stop: asyncio.Event) -> None:
    composition = Composition(settings, "publishers")
    polling = Polling(batch_size=1, lease=timedelta(seconds=settings.publishers_lease_seconds))
    await OutboxRelay(composition.database.uow, composition.publisher, utc_now, polling).run(stop)
    await composition.close()


if __name__ == "__main__":
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    live(lambda stop: _relay(settings, stop))

"""An outreach task from its report to its counter: found, decided and typed in a real browser, by one mesh."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from brokers.outgoing import outgoing
from handlers import chatbot, crawl, creators, outreach
from publishers.outbox import OutboxRelay
from publishers.outreach import OutreachPoller
from schemas.clock import utc_now
from schemas.outreach.records import OutreachTask, TaskStatus
from tests.build.broker import DRAIN, eventually
from tests.build.outreach import task
from tests.build.typed_chat import TypedChat, typed_chat

TARGET = 3
TEXT = "Hola, ¿colaboramos?"


async def stored(chat: TypedChat) -> OutreachTask | None:
    async with chat.composition.database.uow() as tx:
        return (await tx.outreach_tasks.look_up(["T-1"])).get("T-1")


async def test_a_task_that_is_due_is_crawled_for_typed_and_counted_to_its_target(vhost: str, tmp_path: Path) -> None:
    async with typed_chat(vhost, tmp_path, creators=12) as chat:
        stop, composition = asyncio.Event(), chat.composition
        routers = (chatbot.router, crawl.router, *creators.ROUTERS, *outreach.ROUTERS)
        uow, publisher = composition.database.uow, composition.publisher
        running = [
            asyncio.create_task(composition.worker([route for each in routers for route in each]).run(stop, DRAIN)),
            asyncio.create_task(OutboxRelay(uow, publisher, utc_now).run(stop)),
            asyncio.create_task(OutreachPoller(uow, utc_now).run(stop)),
        ]

        async def has_ended() -> bool:
            known = await stored(chat)
            return known is not None and known.status is TaskStatus.COMPLETED

        try:
            now = datetime.now(UTC).isoformat()
            due = task(status="pending", runAtTime=now, targetNewCreators=TARGET, emailFirstBody=TEXT)
            await publisher.publish(outgoing(due))
            await eventually(has_ended, within=100)
            written_to = {name: each["messages"] for name, each in (await chat.truth()).items() if each["messages"]}
        finally:
            stop.set()
            await asyncio.gather(*running)
        known = await stored(chat)
        assert known is not None
        assert (known.stop_reason, known.new_creators_real_count) == ("target_reached", TARGET)
        assert [[each["content"] for each in said] for said in written_to.values()] == [[TEXT]] * TARGET

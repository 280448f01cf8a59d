"""A sender that is killed with SIGKILL, before, during or after its call: the customer hears it once at most."""

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from handlers.replies.sending import LEASE
from persistence.uow import Uow
from schemas.replies.records import ReplyState
from tests.build.replies import CONVERSATION
from tests.build.sending import Sending, sending

#: A process starts within seconds, on a machine that does much else.
DEADLINE = timedelta(seconds=60)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE.total_seconds()):
        while not is_so():
            await asyncio.sleep(0.01)


async def kill_a_sender(line: Sending, url: str, moment: str) -> None:
    """Let another process send, and kill it before its call, while TikTok reads it, or when it was delivered."""
    line.tiktok.set_faults(latency_ms=300 if moment == "during" else 0, hang_s=5)
    if moment == "after":
        line.tiktok.next.append("hang")
    waits = ["waits"] if moment == "before" else [""]
    command = [sys.executable, "-m", "tests.build.sender", url, line.base, line.key, *waits]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert child.stdout
        if moment == "before":
            async with asyncio.timeout(DEADLINE.total_seconds()):
                assert await child.stdout.readline() == b"has looked\n"
        elif moment == "during":
            await until(lambda: line.tiktok.counts()["calls"] > 0)
        else:
            await until(lambda: bool(line.heard))
    finally:
        child.kill()
        await child.wait()


@pytest.mark.parametrize("moment", ["before", "during", "after"])
async def test_whenever_a_sender_is_killed_the_customer_hears_it_once(uow: Uow, url: str, moment: str) -> None:
    async with sending(uow) as line:
        numbers = await line.say("one", "two")
        await kill_a_sender(line, url, moment)
        await line.send(after=timedelta(seconds=1))
        if moment != "before":
            assert (await line.reply(numbers[0])).state is ReplyState.SENDING
            await until(lambda: bool(line.heard))
            line.now += LEASE
            assert await line.due() == [CONVERSATION]
            await line.send()
        assert line.heard == ["one", "two"]
        assert [(await line.reply(each)).state for each in numbers] == [ReplyState.SENT] * 2

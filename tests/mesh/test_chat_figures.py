"""Due reminders typed by a browser that is killed again and again. Minutes long: `pytest -m long`.

`MESH_TEST_CHATS` says how many reminders (10,000 take hours), `MESH_TEST_CHATS_A_MINUTE` how politely they are typed
(0: as fast as it goes), `MESH_TEST_KILLED_EVERY_S` how long a browser lives.
"""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from schemas.chatbot.records import ChatDelivery, DeliveryState
from tests.build.telling import tell
from tests.build.typed_chat import SETTLED, TypedChat, typed_chat

pytestmark = [pytest.mark.long, pytest.mark.timeout(24 * 3600)]

CHATS = int(os.environ.get("MESH_TEST_CHATS", "150"))
A_MINUTE = float(os.environ.get("MESH_TEST_CHATS_A_MINUTE", "0"))
KILLED_EVERY_S = float(os.environ.get("MESH_TEST_KILLED_EVERY_S", "60"))
#: Nothing became of any reminder for so long: something is stuck.
STUCK_S = 600.0


async def test_every_reminder_is_typed_once_though_its_browser_is_killed_again_and_again(
    vhost: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with typed_chat(vhost, tmp_path, CHATS, A_MINUTE) as chat:
        await chat.fill()
        began = time.monotonic()
        async with chat.at_work():
            killing = asyncio.create_task(kill_on(chat))
            await until_settled(chat)
            killing.cancel()
        seconds = time.monotonic() - began
        settled, truth = await chat.settled(), await chat.truth()
        tell(request.config, "reminders typed by a browser that is killed", told(chat, settled, truth, seconds))
    assert [each["repeated"] for each in truth.values() if each["repeated"]] == []
    assert len(settled[DeliveryState.SENT]) + len(settled[DeliveryState.UNCERTAIN]) == CHATS
    for each in settled[DeliveryState.SENT]:
        assert len(truth[each.platform_creator_id]["messages"]) == 2, each  # a text and a link
    assert {each.sender for each in settled[DeliveryState.SENT]} == {"browser"}
    assert len(settled[DeliveryState.UNCERTAIN]) <= chat.kills


async def kill_on(chat: TypedChat) -> None:
    while True:
        await asyncio.sleep(KILLED_EVERY_S)
        chat.kill()


async def until_settled(chat: TypedChat) -> None:
    done, seen_at = 0, time.monotonic()
    while done < CHATS and time.monotonic() < seen_at + STUCK_S:
        await asyncio.sleep(1)
        now = sum(map(len, (await chat.settled()).values()))
        done, seen_at = now, time.monotonic() if now > done else seen_at


def told(
    chat: TypedChat, settled: dict[DeliveryState, list[ChatDelivery]], truth: dict[str, Any], seconds: float
) -> list[str]:
    bubbles = Counter(len(each["messages"]) for each in truth.values())
    rate = 60 * sum(map(len, settled.values())) / seconds
    return [
        f"{CHATS} reminders in {seconds:.0f} s: {rate:.1f} a minute, {chat.kills} browsers killed",
        ", ".join(f"{len(found)} {state}" for state, found in settled.items()),
        "creators by bubbles: " + ", ".join(f"{count} with {number}" for number, count in sorted(bubbles.items())),
        *sorted({f"{each.state}: {each.reason}" for state in SETTLED[1:] for each in settled[state]}),
    ]

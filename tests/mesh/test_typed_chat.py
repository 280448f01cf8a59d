"""Reminders from their schedules to the creators' chats: a browser types what the queue holds."""

import os
import signal
from pathlib import Path

import aiormq
import pytest

from brokers import metrics, topology
from crawlers.errors import PuzzleShown
from schemas.chatbot.records import DeliveryState
from tests.build.broker import eventually
from tests.build.typed_chat import TypedChat, creator, typed_chat

SEND = "/api/v1/im/message/send"


async def settled(chat: TypedChat) -> int:
    return sum(map(len, (await chat.settled()).values()))


async def test_reminders_are_typed_once_and_what_cannot_be_is_rejected_with_its_reason(
    vhost: str, tmp_path: Path
) -> None:
    async with typed_chat(vhost, tmp_path, creators=4) as chat:
        await chat.fill()
        await chat.asked("/_sandbox/faults", {"chat_unavailable": [creator(2)]})

        async def first_is_sent() -> bool:
            return bool((await chat.settled())[DeliveryState.SENT])

        async def all_are_settled() -> bool:
            return await settled(chat) == 4

        async with chat.at_work():
            await eventually(first_is_sent, within=60)
            chat.kill()
            await eventually(all_are_settled, within=60)
        found, truth = await chat.settled(), await chat.truth()
        (rejected,) = found[DeliveryState.FAILED]
        assert (rejected.platform_creator_id, rejected.reason) == (creator(2), "This creator is not accepting messages")
        assert len(found[DeliveryState.SENT]) + len(found[DeliveryState.UNCERTAIN]) == 3
        assert len(found[DeliveryState.UNCERTAIN]) <= 1
        assert [each["repeated"] for each in truth.values() if each["repeated"]] == []
        assert {len(truth[each.platform_creator_id]["messages"]) for each in found[DeliveryState.SENT]} == {2}
        connection = await aiormq.connect(vhost)
        dead = await (await connection.channel()).queue_declare("chatbot.sample.batch.dead", passive=True)
        await connection.close()
        assert dead.message_count == 1


async def test_while_the_only_account_rests_messages_wait_in_their_queue_and_burn_no_try(
    vhost: str, tmp_path: Path
) -> None:
    async with typed_chat(vhost, tmp_path, creators=2) as chat:
        await chat.fill()
        pauses = chat.composition.browsing.pauses
        await pauses.begin("sandbox-mx", PuzzleShown("a puzzle"))
        async with chat.at_work():
            is_open = metrics.breaker_open.labels(topology.CHATBOT_SAMPLE_BATCH.name)._value.get

            async def all_are_sent() -> bool:
                return len((await chat.settled())[DeliveryState.SENT]) == 2

            await eventually(lambda: is_open() == 1)
            assert await settled(chat) == 0
            await pauses.end("sandbox-mx")
            await eventually(all_are_sent, within=60)
        tries = [each.attempts for each in (await chat.settled())[DeliveryState.SENT]]
        assert tries == [1, 1]


@pytest.mark.long
async def test_a_worker_killed_while_it_types_leaves_one_message_and_a_doubt(vhost: str, tmp_path: Path) -> None:
    async with typed_chat(vhost, tmp_path, creators=2) as chat:
        await chat.fill()
        await chat.asked("/_sandbox/faults", {"slow": {SEND: 3000}})

        async def one_is_being_sent() -> bool:
            return bool((await chat.asked("/_sandbox/counts"))["by_path"].get(SEND))

        async def all_are_settled() -> bool:
            return await settled(chat) == 2

        async with chat.publishing():
            async with chat.typist() as typist:
                await eventually(one_is_being_sent, within=90)
                os.kill(typist.pid, signal.SIGKILL)
                await typist.wait()
            await chat.asked("/_sandbox/faults", {})
            async with chat.typist():
                await eventually(all_are_settled, within=120)
        found, truth = await chat.settled(), await chat.truth()
        (doubted,) = found[DeliveryState.UNCERTAIN]
        assert doubted.reason == "interrupted while it was being sent"
        assert len(truth.get(doubted.platform_creator_id, {"messages": []})["messages"]) <= 1
        (sent,) = found[DeliveryState.SENT]
        assert len(truth[sent.platform_creator_id]["messages"]) == 2
        assert [each["repeated"] for each in truth.values() if each["repeated"]] == []

"""Messages that can never succeed arrive in the midst of every batch."""

import pytest

from tests.chaos.under_fire import Begin

pytestmark = pytest.mark.chaos

POISON = (
    b"{not json",
    b'{"source": "chaos", "rows": []}',
    b'{"source": "chaos", "rows": "none"}',
    b"\xff\xfe",
    b"",
)


CHAT = {"exchange": "chatbot.topic", "key": "chatbot.sample.batch"}
CHAT_POISON = (
    b"[{",
    b"[]",
    b'[{"platformCreatorId": ""}]',
    b'[{"platformCreatorId": "1", "messages": []}]',
)


async def test_a_poisonous_message_in_every_batch_is_parked_alone(begin: Begin) -> None:
    mesh = await begin()
    batches = 8
    async with mesh.driver.load():
        for number in range(batches):
            mesh.driver.burst(20)
            for poison in POISON:
                await mesh.driver.publish(poison, message_id=f"poison-{number}-{POISON.index(poison)}")
            for place, poison in enumerate(CHAT_POISON):
                await mesh.driver.publish(poison, message_id=f"chat-poison-{number}-{place}", **CHAT)
            mesh.driver.burst(20)
    mesh.returned()
    parked = {
        "samples.ingest.dead": batches * len(POISON),
        "chatbot.sample.batch.dead": batches * len(CHAT_POISON),
    }
    await mesh.verdict("poison", parked=parked)

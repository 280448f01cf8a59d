"""Who writes to creators is chosen by a setting."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.message_sender import DevelopmentSender
from brokers import topology
from crawlers.chat_sender import BrowserSender
from handlers import chatbot, samples
from mesh.compose import Composition, Unconfigured
from settings import Settings


def composition(folder: Path, **changes: Any) -> Composition:
    values: dict[str, Any] = {
        "broker_url": SecretStr("amqp://127.0.0.1:1/"),
        "redis_url": None,
        "data_dir": folder,
        "chatbot_sender": "browser",
        "site_url": "http://127.0.0.1:1",
    }
    return Composition(Settings(_env_file=None, **values | changes), "test")


def test_a_browser_types_where_it_is_asked_for(tmp_path: Path) -> None:
    assert isinstance(composition(tmp_path).sender, BrowserSender)
    assert isinstance(composition(tmp_path, chatbot_sender="development").sender, DevelopmentSender)


def test_without_accounts_a_worker_that_types_does_not_start_and_one_that_does_not_is_not_asked(tmp_path: Path) -> None:
    nobody = composition(tmp_path, site_url=None)
    with pytest.raises(Unconfigured, match="MESH_CHATBOT_SENDER is browser, and MESH_ACCOUNTS_FILE is not set"):
        nobody.worker(list(chatbot.router))
    nobody.worker(list(samples.router))


async def test_the_queue_of_chats_also_waits_for_accounts(tmp_path: Path) -> None:
    typing = composition(tmp_path)
    worker = typing.worker([*chatbot.router, *samples.router])
    probes = {consumer.queue.name: consumer._breaker._probe for consumer in worker.consumers}
    assert probes[topology.SAMPLES_INGEST.name] == typing.database.probe
    assert probes[topology.CHATBOT_SAMPLE_BATCH.name] != typing.database.probe
    await typing.close()

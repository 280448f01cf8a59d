import asyncio
from pathlib import Path

import aiormq
import psutil
import pytest

from mesh.embedded.process import ServiceFailed
from mesh.embedded.rabbitmq import PrivateRabbitMQ, private_rabbitmq


async def test_it_listens_on_loopback_alone(broker: PrivateRabbitMQ) -> None:
    family = [psutil.Process(broker.pid), *psutil.Process(broker.pid).children(recursive=True)]
    listening = [each.laddr.ip for process in family for each in process.net_connections() if each.status == "LISTEN"]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}


async def test_vhosts_are_apart(broker: PrivateRabbitMQ) -> None:
    urls = [await broker.add_vhost(name) for name in ("one/a", "two")]
    for url in urls:
        connection = await aiormq.connect(url)
        channel = await connection.channel()
        answer = await channel.queue_declare("mine", durable=True, arguments={"x-queue-type": "quorum"})
        assert answer.message_count == 0
        await channel.basic_publish(b"{}", routing_key="mine")
        await connection.close()
    for name in ("one/a", "two"):
        await broker.remove_vhost(name)


async def test_closing_connections_leaves_the_broker_up(broker: PrivateRabbitMQ, vhost: str) -> None:
    connection = await aiormq.connect(vhost)
    async with asyncio.timeout(10):
        while not connection.is_closed:
            await broker.close_connections()  # a new one is known to the management pages only after a moment
            await asyncio.sleep(0.01)
    again = await aiormq.connect(vhost)
    await again.close()


async def test_what_was_confirmed_survives_a_kill_and_nothing_stays_behind(tmp_path: Path) -> None:
    async with private_rabbitmq(tmp_path / "a folder") as broker:
        await _publish(broker.url, "kept")
        await _until_registered("kept", broker)
        port = broker.port
        await broker.kill()
        await broker.start()
        assert broker.port == port
        connection = await aiormq.connect(broker.url)
        got = await (await connection.channel()).basic_get("kept")
        assert got.body == b"{}"
        await connection.close()
    assert _processes_of(tmp_path) == []


async def test_a_node_that_a_crash_left_behind_is_ended_by_the_next_start(tmp_path: Path) -> None:
    left = PrivateRabbitMQ(tmp_path)
    await left.start()
    async with private_rabbitmq(tmp_path) as broker:
        assert broker.port == left.port
        assert not left.is_running
    assert _processes_of(tmp_path) == []


async def test_a_start_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh.embedded.rabbitmq._CONFIG", "no_such_setting = 1\n")
    with pytest.raises(ServiceFailed, match="no_such_setting"):
        async with private_rabbitmq(tmp_path):
            pass


async def _publish(url: str, queue: str) -> None:
    connection = await aiormq.connect(url)
    channel = await connection.channel(publisher_confirms=True)
    await channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    await channel.basic_publish(b"{}", routing_key=queue)
    # Not closed: the broker is about to be killed.


async def _until_registered(queue: str, broker: PrivateRabbitMQ) -> None:
    """A quorum queue's name reaches the disk seconds after its declaration; killed before, it comes back leaderless."""
    async with asyncio.timeout(30):
        while not any(queue.encode() in names.read_bytes() for names in broker.folder.rglob("names.dets")):
            await asyncio.sleep(0.1)


def _processes_of(folder: Path) -> list[psutil.Process]:
    """What was started there shows it in its environment: epmd and the resolver have it nowhere else."""
    return [process for process in psutil.process_iter() if str(folder) in _environment(process)]


def _environment(process: psutil.Process) -> str:
    try:
        return process.environ().get("HOME", "")
    except psutil.Error:
        return ""

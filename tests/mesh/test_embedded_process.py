import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from mesh.embedded.process import ChildProcess, ServiceFailed, free_port, kept_port

ENV = {"PATH": os.environ["PATH"]}
FOREVER = ["sleep", "600"]
STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
ROOT = Path(__file__).parents[2]


async def test_a_child_is_asked_before_it_is_killed(tmp_path: Path) -> None:
    child = ChildProcess("stubborn", tmp_path)
    await child.spawn(STUBBORN, ENV)
    await child.wait_ready(_says(child, "ready"), timedelta(seconds=5))
    began = time.monotonic()
    await child.stop(patience=timedelta(seconds=0.5))
    assert 0.5 <= time.monotonic() - began < 3
    assert not child.is_running
    assert not (tmp_path / "stubborn.pid").exists()


async def test_one_that_ends_while_starting_is_told_with_its_last_words(tmp_path: Path) -> None:
    child = ChildProcess("broken", tmp_path)
    await child.spawn(["sh", "-c", "echo no such option; exit 3"], ENV)
    with pytest.raises(ServiceFailed, match=r"ended with 3 while starting\.\nno such option"):
        await child.wait_ready(_never, timedelta(seconds=5))


async def test_one_that_hangs_while_starting_is_told_too(tmp_path: Path) -> None:
    child = ChildProcess("hanging", tmp_path)
    await child.spawn(FOREVER, ENV)
    with pytest.raises(ServiceFailed, match="not ready within"):
        await child.wait_ready(_never, timedelta(seconds=0.1))
    await child.kill()


async def test_what_a_crashed_run_left_is_ended_by_the_next(tmp_path: Path) -> None:
    left = ChildProcess("service", tmp_path)
    await left.spawn(FOREVER, ENV)
    orphan = psutil.Process(left.pid)
    fresh = ChildProcess("service", tmp_path)
    await fresh.spawn(FOREVER, ENV)
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
    assert fresh.is_running
    await left.kill()
    await fresh.kill()


async def test_a_pid_that_belongs_to_somebody_else_by_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(FOREVER) as stranger:  # noqa: ASYNC220 - a fork is short
        (tmp_path / "service.pid").write_text(f'{{"pid": {stranger.pid}, "created": 1.0}}')
        assert not await ChildProcess("service", tmp_path).end_orphan()
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("content", ["", "{", "[]", "12", '{"pid": "x"}', '{"pid": 99999999, "created": 1}'])
async def test_a_pid_file_that_makes_no_sense_is_removed(tmp_path: Path, content: str) -> None:
    (tmp_path / "service.pid").write_text(content)
    assert not await ChildProcess("service", tmp_path).end_orphan()
    assert not (tmp_path / "service.pid").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends it")
async def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio, time
from pathlib import Path
from mesh.embedded.process import ChildProcess
child = ChildProcess("service", Path({str(tmp_path)!r}))
asyncio.run(child.spawn(["sleep", "600"], {{}}))
print(child.pid, flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:  # noqa: ASYNC220 - the same
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    await _until_gone(child)


def test_services_listen_where_no_outgoing_connection_is_made_from(tmp_path: Path) -> None:
    ports = {free_port() for _ in range(20)}
    assert all(20_000 <= port < 32_000 for port in ports)
    kept = kept_port(tmp_path / "port")
    assert kept_port(tmp_path / "port") == kept


async def _never() -> bool:
    return False


def _says(child: ChildProcess, word: str):  # noqa: ANN202
    async def said() -> bool:
        return word in child.log.read_text()

    return said


async def _until_gone(process: psutil.Process) -> None:
    async with asyncio.timeout(10):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)

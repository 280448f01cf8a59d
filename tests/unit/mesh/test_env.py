import os
import subprocess
from pathlib import Path

import pytest

from mesh import env
from mesh.data_dir import DataDir


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataDir:
    for name in [name for name in os.environ if name.startswith("MESH_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return DataDir(tmp_path / ".mesh")


def test_the_exports_survive_a_shell(folder: DataDir, capsys: pytest.CaptureFixture[str]) -> None:
    odd = "amqp://mesh:a'b $(c)@127.0.0.1/"
    with folder.held():
        folder.publish({"MESH_BROKER_URL": odd})
        assert env.run() == 0
    script = capsys.readouterr().out + 'printf %s "$MESH_BROKER_URL"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == odd


def test_without_a_running_mesh_nothing_is_exported(capsys: pytest.CaptureFixture[str]) -> None:
    assert env.run() == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "mesh up" in said.err


def test_commands_join_the_mesh_of_their_folder(folder: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_REDIS_URL", "redis://mine")
    with folder.held():
        folder.publish({"MESH_BROKER_URL": "amqp://running", "MESH_REDIS_URL": "redis://running"})
        monkeypatch.setenv("MESH_BROKER_URL", "")
        os.environ.pop("MESH_BROKER_URL")
        env.join()
    assert (os.environ["MESH_BROKER_URL"], os.environ["MESH_REDIS_URL"]) == ("amqp://running", "redis://mine")


def test_commands_with_a_broker_of_their_own_join_nothing(folder: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_BROKER_URL", "amqp://mine")
    with folder.held():
        folder.publish({"MESH_BROKER_URL": "amqp://running", "MESH_REDIS_URL": "redis://running"})
        env.join()
    assert os.environ["MESH_BROKER_URL"] == "amqp://mine"
    assert "MESH_REDIS_URL" not in os.environ

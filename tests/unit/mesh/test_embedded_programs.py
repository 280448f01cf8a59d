"""Which RabbitMQ a private broker is made of."""

from pathlib import Path

import pytest

from mesh.embedded import rabbitmq
from mesh.embedded.process import ServiceFailed
from mesh.embedded.rabbitmq import find_server


def program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_the_server_that_path_names_comes_before_the_machines_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = program(tmp_path, "rabbitmq-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server() == str(mine)


def test_what_debian_puts_in_the_servers_place_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = program(tmp_path, "rabbitmq-script-wrapper")
    (tmp_path / "sbin").mkdir()
    (tmp_path / "sbin" / "rabbitmq-server").symlink_to(wrapper)
    real = program(tmp_path / "lib", "rabbitmq-server")
    monkeypatch.setenv("PATH", str(tmp_path / "sbin"))
    monkeypatch.setattr(rabbitmq, "_SERVERS", ("rabbitmq-server", str(real)))
    assert find_server() == str(real)
    monkeypatch.setattr(rabbitmq, "_SERVERS", ("rabbitmq-server",))
    with pytest.raises(ServiceFailed, match="RabbitMQ is not installed"):
        find_server()

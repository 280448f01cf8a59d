import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from adapters.vault import Vault
from brokers.verdict import Unavailable
from mesh import cli, logs
from mesh.complaints import complaint
from settings import Settings

ROOT = Path(cli.__file__).parents[1]
COMMANDS = [
    "up",
    "demo",
    "chat",
    "gateway",
    "admin",
    "worker",
    "publishers",
    "queues",
    "dead",
    "schedules",
    "events",
    "rotate-keys",
    "stock",
    "env",
    "migrate",
    "doctor",
    "topology",
]


@pytest.fixture(autouse=True)
def _logs_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "configure", lambda *_: None)  # it is the whole process's


def test_help_names_every_command() -> None:
    said = CliRunner().invoke(cli.app, ["--help"]).output
    assert [name for name in COMMANDS if f"│ {name} " not in said] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_module_and_teaches(name: str) -> None:
    assert importlib.util.find_spec(f"mesh.{name.replace('-', '_')}")
    said = CliRunner().invoke(cli.app, [name, "--help"])
    assert said.exit_code == 0
    assert "Usage: " in said.output


def test_help_imports_nothing_heavy() -> None:
    look = "import sys, mesh.cli; print(sys.modules.keys() & {'pydantic', 'sqlalchemy', 'fastapi', 'aiormq'})"
    said = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


def test_a_wrong_setting_is_named_and_its_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_GATEWAY_PORT", "hunter2")
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None)
    told = complaint(caught.value) or ""
    assert "MESH_GATEWAY_PORT" in told
    assert "hunter2" not in told


def test_what_an_operator_can_mend_is_told_in_a_sentence() -> None:
    assert complaint(Unavailable("the broker is away")) == "the broker is away"


def test_a_bug_keeps_its_stack() -> None:
    assert complaint(KeyError("oops")) is None


def test_unparking_everything_has_to_be_said() -> None:
    said = CliRunner().invoke(cli.app, ["schedules", "unpark"])
    assert said.exit_code == 2
    assert "--all" in said.output


def test_replaying_everything_has_to_be_said() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MESH_DATABASE_URL", "sqlite:////nowhere/at/all.db")
        said = CliRunner().invoke(cli.app, ["events", "replay"])
    assert said.exit_code == 2
    assert "--all" in said.output


def test_a_state_that_cannot_be_meant_is_refused_with_those_that_can() -> None:
    said = CliRunner().invoke(cli.app, ["events", "cancel", "--all", "--state", "delivered"])
    assert said.exit_code == 2
    assert "dead, pending" in said.output


def test_a_new_key_is_all_that_is_printed() -> None:
    said = CliRunner().invoke(cli.app, ["rotate-keys", "--new"])
    assert len(Vault([said.output.strip()]).seal("x")) > 0

import base64
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.services.up import Up

ROW = {"platformProductId": "1729", "region": "MX", "creatorId": "c-1", "productName": "Cup"}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"))
    up.start()
    try:
        up.wait_ready()
        yield up
    finally:
        if up.process.poll() is None:
            up.end()


def test_rows_go_in_with_what_env_exports(up: Up) -> None:
    found = up.environment()
    request = urllib.request.Request(
        f"{found['MESH_GATEWAY_URL']}/samples/ingest",
        data=json.dumps({"source": "test", "rows": [ROW]}).encode(),
        headers={"X-INFound-Inner-Service-Token": found["MESH_SERVICE_TOKEN"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["data"] == {"inserted": 1, "products": 1}


def test_operators_enter_with_what_env_exports_and_nobody_else(up: Up) -> None:
    found = up.environment()
    url = f"{found['MESH_ADMIN_URL']}/admin/v1/platforms?limit=1"
    login = base64.b64encode(found["MESH_ADMIN_LOGIN"].encode()).decode()
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Basic {login}"})) as answer:
        assert json.load(answer)["limit"] == 1
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(url)


def test_a_second_one_in_the_same_folder_is_told_about_the_first(up: Up) -> None:
    said = up.mesh("up")
    assert said.returncode == 1
    assert up.environment()["MESH_GATEWAY_URL"] in said.stderr
    assert "Traceback" not in said.stderr


def test_the_doctor_finds_nothing_wrong(up: Up) -> None:
    said = up.mesh("doctor", "--json")
    findings = {each["check"]: each["health"] for each in json.loads(said.stdout)}
    assert [name for name, health in findings.items() if health == "fail"] == []
    assert (said.returncode, findings["topology"], findings["clock"]) == (0, "ok", "ok")


def test_commands_in_the_folder_find_the_broker_by_themselves(up: Up) -> None:
    assert up.mesh("topology", "plan").returncode == 0
    assert "samples.ingest" in up.mesh("queues", "--json").stdout


def test_secrets_are_readable_by_us_alone(up: Up) -> None:
    assert (up.folder / ".mesh").stat().st_mode & 0o777 == 0o700
    names = {"password", "service_token", "env.json"}
    secrets = [path for path in (up.folder / ".mesh").rglob("*") if path.name in names]
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}
    assert len(secrets) == 4


def test_a_role_that_dies_is_started_again(up: Up) -> None:
    worker = _role(up, "worker")
    worker.kill()
    up.wait_for(lambda: up.said.count("worker_started") == 2)
    assert _role(up, "worker").pid != worker.pid


def test_ctrl_c_ends_everything_in_order_and_leaves_nothing_behind(up: Up) -> None:
    assert up.end(signal.SIGINT) == 0
    assert "Stopped." in up.said
    stopped = ("gateway_stopped", "admin_stopped", "publishers_stopped", "worker_stopped")
    assert [word for word in stopped if word not in up.said] == []
    assert up.processes() == []
    assert up.mesh("env").returncode == 1


def test_a_mesh_that_was_killed_starts_again_where_it_was(tmp_path: Path) -> None:
    up = Up(tmp_path)
    up.start()
    up.wait_ready()
    before = up.environment()
    up.end(signal.SIGKILL)
    up.start()
    up.wait_ready()
    after = up.environment()
    assert after["MESH_BROKER_URL"] == before["MESH_BROKER_URL"]
    assert after["MESH_SERVICE_TOKENS"] == before["MESH_SERVICE_TOKENS"]
    assert up.end(signal.SIGTERM) == 0
    assert up.processes() == []


def test_ctrl_c_while_starting_leaves_nothing_behind(tmp_path: Path) -> None:
    up = Up(tmp_path)
    up.start()
    up.wait_for(lambda: "redis: ready" in up.said)
    assert up.end(signal.SIGINT) == 0
    assert up.processes() == []


def test_a_second_ctrl_c_does_not_wait_for_work(tmp_path: Path) -> None:
    up = Up(tmp_path)
    up.start()
    up.wait_ready()
    _role(up, "worker").suspend()  # it will not drain
    up.process.send_signal(signal.SIGINT)
    up.wait_for(lambda: "publishers_stopped" in up.said)
    assert up.end(signal.SIGINT) == 0
    assert up.processes() == []


def _role(up: Up, name: str) -> psutil.Process:
    (process,) = _processes(up, name)
    return process


def _processes(up: Up, role: str) -> list[psutil.Process]:
    return [process for process in up.processes() if process.cmdline()[-2:] == ["mesh", role]]

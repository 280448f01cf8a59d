"""Every role of docker-compose.yml as a plain process, with the services that compose would start beside it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from mesh.embedded.process import free_port
from mesh.embedded.redis import PrivateRedis
from tests.build.deploy import (
    ROOT,
    SHAPED,
    commands,
    dockerfile,
    environment,
    image_environment,
    required,
    seconds,
    services,
)
from tests.services.rabbitmq import running_rabbitmq
from tests.services.sql import running_sql_server

pytestmark = pytest.mark.timeout(180)

TOKEN = "a-token"
#: Two loaded cores have been seen to take 15 s.
START = 60
ROLES = ["gateway", "samples", "chatbot", "events", "forwarding", "conversations", "publishers", "admin"]


@dataclass(frozen=True)
class World:
    """The services, their tables and queues made, and a folder for logs."""

    addresses: Mapping[str, str]
    folder: Path

    def environment(self, name: str, port: int = 0) -> dict[str, str]:
        """What a service's process gets: as compose and the image say, with our addresses in place of compose's."""
        given = dict.fromkeys(required((ROOT / "docker-compose.yml").read_text()), "x")
        stated = {
            **image_environment(),
            **environment(services()[name], given | SHAPED | {"MESH_SERVICE_TOKENS": TOKEN}),
        }
        ours = {variable: value for variable, value in self.addresses.items() if variable in stated}
        here = {
            variable: str(port) if variable.endswith("_PORT") else "127.0.0.1"
            for variable in stated
            if variable.endswith(("_PORT", "_HOST"))
        }
        data = {"MESH_DATA_DIR": str(self.folder / "data")}
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **stated, **ours, **here, **data}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("compose")
    redis = PrivateRedis(folder / "redis")
    with running_rabbitmq(folder / "rabbitmq") as broker, running_sql_server(folder / "sql") as database:
        asyncio.run(redis.start())
        try:
            world = World(
                {"MESH_BROKER_URL": broker.url, "MESH_DATABASE_URL": database.url, "MESH_REDIS_URL": redis.url}, folder
            )
            for command in commands(services()["migrate"]):
                _run(command, world.environment("migrate"), folder)
            yield world
        finally:
            asyncio.run(redis.stop())


class Role:
    """One service's process and where it answers."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = world.folder / f"{name}-{self.port}.log"
        (command,) = commands(services()[name])
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mesh", *command],
                env=world.environment(name, self.port),
                cwd=world.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START
        while self.status("/health/ready") != 200:
            assert self.process.poll() is None, f"{self.name} ended:\n{self.log()}"
            assert time.monotonic() < deadline, f"{self.name} was not ready:\n{self.log()}"
            time.sleep(0.05)

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds(services()[self.name]["stop_grace_period"]))

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]


@contextlib.contextmanager
def running(world: World, *names: str) -> Iterator[list[Role]]:
    roles = [Role(world, name) for name in names]
    try:
        for role in roles:
            role.wait_ready()
        yield roles
    finally:
        for role in roles:
            role.process.kill()
            role.process.wait()


@pytest.mark.parametrize("name", ROLES)
def test_a_role_becomes_healthy_and_ends_cleanly(world: World, name: str) -> None:
    with running(world, name) as (role,):
        assert role.status("/health/live") == 200
        assert role.status("/metrics") == 200
        assert _image_is_healthy(role.port)
        assert role.stop() == 0, role.log()
    assert not _image_is_healthy(role.port)


def test_tables_and_queues_may_be_made_again(world: World) -> None:
    for command in commands(services()["migrate"]):
        _run(command, world.environment("migrate"), world.folder)


def test_the_tools_look_at_the_same_mesh(world: World) -> None:
    assert _run(["topology", "plan", "--json"], world.environment("mesh"), world.folder)
    assert _run(["dead", "list", "--json"], world.environment("mesh"), world.folder).strip() == "[]"


def test_together_they_store_a_crawl_also_when_scaled(world: World) -> None:
    with running(world, *ROLES, "samples") as roles:
        gateway = roles[0]
        row = {"platformProductId": "p-1", "platformCreatorId": "c-1", "region": "MX", "status": "shipped"}
        with httpx.Client(base_url=gateway.url, headers={"X-INFound-Inner-Service-Token": TOKEN}) as client:
            answers = [client.post("/samples/ingest", json={"source": "test", "rows": [row]}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200] * 4
        assert answers[0].json()["data"] == {"inserted": 1, "products": 1}
        assert [role.stop() for role in roles] == [0] * len(roles)


def test_nobody_enters_without_a_token(world: World) -> None:
    with running(world, "gateway") as (gateway,):
        assert httpx.post(f"{gateway.url}/samples/ingest", json={}).status_code == 401


def _image_is_healthy(port: int) -> bool:
    """Run the image's own health check against a role's port."""
    (check,) = [rest for name, rest in dockerfile() if name == "HEALTHCHECK"]
    code = check.split('"-c", "')[1].removesuffix('"]').replace(":8000/", f":{port}/")
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def _run(command: list[str], given: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mesh", *command], env=given, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

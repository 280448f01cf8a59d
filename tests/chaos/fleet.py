"""The roles of a mesh as real processes, to be killed, stopped and started again."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from mesh.embedded.process import ChildProcess, free_port, tail
from tests.build.broker import eventually
from tests.build.relay import KEY
from tests.chaos.tampered import TAMPERING

TOKEN = "chaos-token"
START_SECONDS = 40.0  # a loaded machine of two cores takes ten
STOP_SECONDS = 40.0


class RoleProcess:
    """One `python -m mesh …`, with a port on which it tells how it is."""

    def __init__(
        self, name: str, arguments: list[str], folder: Path, environment: Mapping[str, str], port: int
    ) -> None:
        self.name = name
        self.port = port
        program = "tests.chaos.tampered" if TAMPERING in environment else "mesh"
        self._command = [sys.executable, "-m", program, *arguments]
        self._environment = dict(environment)
        self._child = ChildProcess(name, folder)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.is_running

    @property
    def log(self) -> Path:
        return self._child.log

    def events(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the log lines of one event, over all lives of this role."""
        marker = f'"event":"{name}"'
        with self.log.open(errors="replace") as lines:
            for line in lines:
                if marker in line and line.endswith("\n"):  # or it is being written at this moment
                    yield json.loads(line)

    async def launch(self) -> None:
        await self._child.spawn(self._command, self._environment)

    async def start(self) -> None:
        await self.launch()
        await self.until_ready()

    async def until_ready(self) -> None:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                await eventually(lambda: self._answers(client), START_SECONDS)
        except TimeoutError:
            raise AssertionError(f"{self.name} is not ready:\n{tail(self.log)}") from None

    async def kill(self) -> None:
        """SIGKILL."""
        await self._child.kill()

    async def terminate(self) -> int:
        """SIGTERM, and wait for the drain to end; return the exit code."""
        os.kill(self._child.pid, signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            code = await self._child.wait()
        await self._child.kill()
        return code

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        assert self.is_running, f"{self.name} ended by itself:\n{tail(self.log)}"
        try:
            answer = await client.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=2)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200


@dataclass(frozen=True)
class Workers:
    """How many workers a fleet has, and how they are started."""

    count: int = 2
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Fleet:
    """A gateway, workers and two publishers of one mesh."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], worker_broker_url: str | None, workers: Workers
    ) -> None:
        """`worker_broker_url` is the first worker's own way to the broker."""
        self._folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MESH_")},
            "MESH_SERVICE_TOKENS": TOKEN,
            "MESH_ENCRYPTION_KEYS": KEY,
            "MESH_DATA_DIR": str(folder),
            "MESH_LOG_LEVEL": "debug",  # a repeat that was recognised is a debug line
            "MESH_CHATBOT_POLL_SECONDS": "0.3",
            "MESH_PUBLISHERS_LEASE_SECONDS": "4",  # so that the work of a killed publisher is taken up within a test
            **environment,
        }
        self.gateway = self._role(["gateway"], "MESH_GATEWAY_PORT")
        via = {"MESH_BROKER_URL": worker_broker_url} if worker_broker_url else {}
        self.workers = [
            self._role(
                ["worker", *workers.arguments],
                "MESH_WORKER_METRICS_PORT",
                number,
                **{**workers.environment, **(via if number == 1 else {})},
            )
            for number in range(1, workers.count + 1)
        ]
        self.publishers = [self._role(["publishers"], "MESH_PUBLISHERS_METRICS_PORT", number) for number in (1, 2)]

    @property
    def all(self) -> list[RoleProcess]:
        return [self.gateway, *self.workers, *self.publishers]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    async def start(self) -> None:
        for role in self.all:
            await role.launch()
        await asyncio.gather(*(role.until_ready() for role in self.all))

    async def stop(self) -> dict[str, int]:
        """End all in order, those that take in first; return the exit code of each."""
        codes = {"gateway": await self.gateway.terminate()}
        rest = [*self.publishers, *self.workers]
        codes.update(
            zip((role.name for role in rest), await asyncio.gather(*(r.terminate() for r in rest)), strict=True)
        )
        return codes

    async def kill(self) -> None:
        await asyncio.gather(*(role.kill() for role in self.all))

    def dead_by_themselves(self) -> list[str]:
        return [role.name for role in self.all if not role.is_running]

    def _role(
        self, arguments: list[str], port_setting: str, number: int | None = None, **environment: str
    ) -> RoleProcess:
        port = free_port()
        name = arguments[0] if number is None else f"{arguments[0]}-{number}"
        settings = {**self._environment, port_setting: str(port), **environment}
        return RoleProcess(name, arguments, self._folder, settings, port)

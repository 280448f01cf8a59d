"""`mesh up` as an operator runs it: a process, its output, its folder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]

#: Two loaded cores; alone it takes about 8 s.
PATIENCE_SECONDS = 90


class Up:
    """One `mesh up` in a folder of its own, on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MESH_")}
        self._environment = {**inherited, "MESH_GATEWAY_PORT": "0", "MESH_ADMIN_PORT": "0", "PYTHONPATH": str(ROOT)}
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        with self.output.open("wb") as output:
            command = [sys.executable, "-m", "mesh", "up"]
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )

    def wait_ready(self) -> None:
        self.wait_for(lambda: "The mesh runs" in self.said)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    @property
    def said(self) -> str:
        return self.output.read_text()

    def mesh(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mesh", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        lines = self.mesh("env").stdout.splitlines()
        return dict(line.removeprefix("export ").split("=", 1) for line in lines)

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def processes(self) -> list[psutil.Process]:
        """Everything that was started for this folder and still lives."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.cwd().startswith(str(self.folder)) and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

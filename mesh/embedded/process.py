"""A service as a child process: spawned, waited for, stopped, and never left behind."""

import asyncio
import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import psutil

#: How often a condition is looked at while waiting for it; a start takes seconds, so this costs nothing.
_LOOK = 0.03

#: The kernel knows a start to 10 ms, but derives the wall time from a clock that may be adjusted meanwhile.
_CLOCK_SLACK_SECONDS = 3.0

#: Below what Linux and macOS give to outgoing connections: a client that reconnects to a service which is down must not
#: be given the service's own port.
_PORTS = range(20_000, 32_000)

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Loaded here and not in the forked child, where another thread's lock could be held for ever.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


#: Of a log, in an error message: a stack fits, a screen is not filled.
_LINES = 20


class ServiceFailed(RuntimeError):
    """A private service did not start, with the last lines of its log."""


def free_port(preferred: int | None = None) -> int:
    """Return a loopback port that nobody listens on; the preferred one when it is free."""
    candidates = [preferred] if preferred else []
    candidates += random.sample(_PORTS, 100)
    for port in candidates:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise ServiceFailed(f"no free loopback port between {_PORTS.start} and {_PORTS.stop}")


def kept_port(file: Path) -> int:
    """Return the last run's port when it is still free: bookmarks and clients that reconnect stay right."""
    last = file.read_text() if file.exists() else ""
    port = free_port(int(last) if last.isdigit() else None)
    file.write_text(str(port))
    return port


async def port_answers(port: int, *, host: str = "127.0.0.1", say: bytes = b"", expect: bytes = b"") -> bool:
    """Tell whether something on a port takes a connection and begins its answer with the expected bytes."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(say)
                return await reader.readexactly(len(expect)) == expect
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError):
        return False


def tail(path: Path, lines: int = _LINES) -> str:
    """Return the last lines of a log, or nothing when there is none."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


class ChildProcess:
    """One child in its own session, logging to a file, known to the next start by its pid file.

    The pid file also holds the moment the process was created, so that a pid which meanwhile belongs to somebody
    else is never killed. On Linux the kernel ends the child when we die; elsewhere the next start does.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._pid_file = folder / f"{name}.pid"
        self._popen: subprocess.Popen[bytes] | None = None
        self._said_before = 0

    @property
    def pid(self) -> int:
        """The process id; an error when it was never started."""
        if self._popen is None:
            raise ServiceFailed(f"{self.name} is not running")
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, or None while it runs or before it was started."""
        return self._popen.poll() if self._popen else None

    @property
    def is_running(self) -> bool:
        """Whether the child is alive."""
        return self._popen is not None and self._popen.poll() is None

    async def spawn(self, command: Sequence[str], env: Mapping[str, str], *, cwd: Path | None = None) -> None:
        """Start it, after ending what a crashed run left behind."""
        await self.end_orphan()
        self._pid_file.parent.mkdir(parents=True, exist_ok=True)
        parent = os.getpid()
        with self.log.open("ab") as log:
            self._said_before = log.tell()
            self._popen = subprocess.Popen(  # noqa: S603, ASYNC220 - our own commands, and a fork is short
                list(command),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we stop our children in order
                preexec_fn=lambda: _tie_to(parent),  # noqa: PLW1509 - it takes no locks: one system call
            )
        self._remember(self._popen.pid)

    async def wait_ready(self, probe: Callable[[], Awaitable[bool]], within: timedelta) -> None:
        """Return once the probe says yes; raise with the log's tail when the child ends or the time is over."""
        deadline = time.monotonic() + within.total_seconds()
        while not await probe():
            if not self.is_running:
                raise ServiceFailed(f"{self.name} ended with {self.exit_code} while starting.\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise ServiceFailed(f"{self.name} was not ready within {within}.\n{self.last_words()}")
            await asyncio.sleep(_LOOK)

    def last_words(self) -> str:
        """Return what explains its end best: the errors it logged since its start, or else its last lines."""
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(self._said_before)
            lines = log.read().decode(errors="replace").splitlines()
            errors = [line for line in lines if "[error]" in line]
            return "\n".join(errors[:_LINES] or lines[-_LINES:])
        return ""

    async def wait(self) -> int:
        """Return the exit code once it has ended."""
        while (code := self.exit_code) is None:
            if self._popen is None:
                raise ServiceFailed(f"{self.name} is not running")
            await asyncio.sleep(_LOOK)
        return code

    async def stop(self, patience: timedelta = timedelta(seconds=20)) -> None:
        """Ask it to end, and end it when it does not."""
        if self._popen is not None and self.is_running:
            self._popen.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience.total_seconds()):
                    await self.wait()
        await self.kill()

    async def kill(self) -> None:
        """End it and its own children at once."""
        if self._popen is None:
            return
        self.hurry()
        await self.wait()
        self._popen = None
        self._pid_file.unlink(missing_ok=True)

    def hurry(self) -> None:
        """End it at once, without waiting; a `stop` that is under way then returns.

        Never once it has ended: only until then is its pid certainly its own.
        """
        if self._popen is not None and self.is_running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    async def end_orphan(self) -> bool:
        """End the process of a run that crashed, if it still lives; tell whether there was one."""
        orphan = self._orphan()
        if orphan is None:
            self._pid_file.unlink(missing_ok=True)
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            orphan.terminate()
            if not await _gone(orphan, timedelta(seconds=10)):
                orphan.kill()
                await _gone(orphan, timedelta(seconds=5))
        self._pid_file.unlink(missing_ok=True)
        return True

    def _orphan(self) -> psutil.Process | None:
        try:
            noted = json.loads(self._pid_file.read_text())
            process = psutil.Process(int(noted["pid"]))
            is_same = abs(process.create_time() - float(noted["created"])) < _CLOCK_SLACK_SECONDS
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            return None
        return process if is_same and process.pid != os.getpid() else None

    def _remember(self, pid: int) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self._pid_file.write_text(json.dumps({"pid": pid, "created": psutil.Process(pid).create_time()}))


async def _gone(process: psutil.Process, within: timedelta) -> bool:
    deadline = time.monotonic() + within.total_seconds()
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(_LOOK)
    return False


def _tie_to(parent: int) -> None:
    """In the child before exec: ask the kernel for SIGTERM when the parent dies.

    It is the thread that forks whose end counts, hence the spawn in the event loop's thread and not in a pool.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died between fork and prctl
        os._exit(1)

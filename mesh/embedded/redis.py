"""A private Redis in a folder of its own: own port, own password, nothing written to disk."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from mesh.embedded.process import ChildProcess, ServiceFailed, kept_port, port_answers, tail
from mesh.embedded.secrets import kept_secret, write_private

_START = timedelta(seconds=15)

#: What is kept here, the status of messages, is worth nothing after a restart of the whole mesh.
_CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir .
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-ttl
daemonize no
"""


class PrivateRedis:
    """A Redis of our own. `start` returns when it answers; the port outlives a restart, the data does not."""

    name = "redis"

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.password = kept_secret(self.folder / "password")
        self._port: int | None = None
        self._server = ChildProcess("redis", self.folder)

    @property
    def port(self) -> int:
        """The port, known from the first start on."""
        if self._port is None:
            raise ServiceFailed("redis was not started")
        return self._port

    @property
    def url(self) -> str:
        """The URL of database 0, password included."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._server.pid

    @property
    def is_running(self) -> bool:
        """Whether the server's process is alive."""
        return self._server.is_running

    async def ended(self) -> int:
        """Return the server's exit code once it has ended."""
        return await self._server.wait()

    async def start(self) -> None:
        """Start the server and wait until it can be used."""
        await self._server.end_orphan()
        self._port = self._port or kept_port(self.folder / "port")
        config = self.folder / "redis.conf"
        write_private(config, _CONFIG.format(port=self.port, password=self.password))
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        await self._server.spawn([find_server(), str(config)], environment, cwd=self.folder)
        try:
            await self._server.wait_ready(self._answers, _START)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Ask the server to end."""
        await self._server.stop()

    async def kill(self) -> None:
        """End the server as a power cut would."""
        await self._server.kill()

    def hurry(self) -> None:
        """Cut a stop short."""
        self._server.hurry()

    def last_words(self) -> str:
        """Return the end of its log."""
        return f"The end of {self._server.log}:\n{tail(self._server.log)}"

    async def restart(self) -> None:
        """Stop it and start it, empty, on the same port."""
        await self.stop()
        await self.start()

    async def _answers(self) -> bool:
        return await port_answers(self.port, say=f"AUTH {self.password}\r\n".encode(), expect=b"+OK")


@asynccontextmanager
async def private_redis(folder: Path) -> AsyncIterator[PrivateRedis]:
    """Run a private Redis in a folder for as long as the block lasts."""
    redis = PrivateRedis(folder)
    await redis.start()
    try:
        yield redis
    finally:
        await redis.stop()


def find_server() -> str:
    """Return the server's program; raises ServiceFailed where it is not installed."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/opt/homebrew/bin", "/usr/local/bin"])
    if found := shutil.which("redis-server", path=search):
        return found
    raise ServiceFailed("Redis is not installed: run `make up`, or install the package redis-server")

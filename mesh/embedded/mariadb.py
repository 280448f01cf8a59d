"""A private MariaDB server in a folder of its own, for tests and benchmarks."""

import asyncio
import json
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from mesh.embedded.process import ChildProcess, ServiceFailed, free_port, port_answers

#: Debian keeps servers where an ordinary user's PATH does not look.
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")

#: A fresh folder takes about a second on an idle machine; two loaded cores have been seen to take ten.
_START = timedelta(seconds=60)

#: Nobody else's my.cnf is read; what is not here is the server's own default, durability included.
_OPTIONS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--innodb-buffer-pool-size=128M",
    # Saving and warming the page cache makes stopping and starting slower, and the data here is small.
    "--innodb-buffer-pool-dump-at-shutdown=OFF",
    "--innodb-buffer-pool-load-at-startup=OFF",
)


class PrivateMariaDB:
    """A server of our own. `start` returns when it takes connections; data, port and password outlive a restart."""

    name = "mariadb"

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._options = tuple(options)
        self._data = self.folder / "data"
        self._process = ChildProcess(self.name, self.folder)
        self.port, self._password = self._address()

    @property
    def url(self) -> str:
        """The URL of the database `mesh`."""
        return self.url_of("mesh")

    def url_of(self, database: str) -> str:
        """Return the URL of any database on this server, credentials included."""
        return f"mysql+asyncmy://mesh:{self._password}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the server's process is alive."""
        return self._process.is_running

    async def start(self) -> None:
        """Start it, on a new data folder if there is none yet, and wait until it takes connections."""
        await self._process.end_orphan()
        if not (self._data / "mysql").exists():
            await self._install()
        await self._process.spawn(self._command(), dict(os.environ), cwd=self.folder)
        try:
            await self._process.wait_ready(self._answers, _START)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Let it write its pages, then end it."""
        await self._process.stop()

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._process.kill()

    async def restart(self) -> None:
        """Stop and start it with the same data and port."""
        await self.stop()
        await self.start()

    def _server(self) -> list[str]:
        """Return the server's program, with the options that only it knows."""
        return [_find("mariadbd"), "--no-defaults", "--innodb-log-file-size=64M"]

    def _grants(self) -> list[str]:
        """Return the statements that let our user do everything."""
        return [
            f"CREATE OR REPLACE USER mesh@'127.0.0.1' IDENTIFIED BY '{self._password}'",
            "GRANT ALL PRIVILEGES ON *.* TO mesh@'127.0.0.1' WITH GRANT OPTION",
        ]

    def _initialisation(self, data: Path) -> list[str]:
        """Return the command that makes a data folder with nothing but the system's tables."""
        program = _find("mariadb-install-db")
        return [program, "--no-defaults", f"--datadir={data}", "--skip-test-db", "--skip-name-resolve"]

    def _command(self) -> list[str]:
        first = self.folder / "init.sql"
        first.touch(mode=0o600)
        statements = ["CREATE DATABASE IF NOT EXISTS mesh CHARACTER SET utf8mb4", *self._grants()]
        # One statement a line is what the server reads.
        first.write_text("".join(f"{statement};\n" for statement in statements))
        return [
            *self._server(),
            f"--datadir={self._data}",
            f"--port={self.port}",
            # Relative to the data folder: the kernel allows 107 bytes, and folders of tests are long.
            f"--socket={self.name}.sock",
            f"--pid-file={self._data / self.name}.pid",
            f"--init-file={first}",
            *_as_root(),
            *_OPTIONS,
            *self._options,
        ]

    async def _install(self) -> None:
        """Create the system tables; a half-made folder of a start that was interrupted is made anew."""
        shutil.rmtree(self._data, ignore_errors=True)
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        command = self._initialisation(fresh)
        install = await asyncio.create_subprocess_exec(
            *command,
            *_as_root(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await install.communicate()
        if install.returncode != 0:
            raise ServiceFailed(f"{command[0]} ended with {install.returncode}.\n{said.decode(errors='replace')}")
        fresh.rename(self._data)

    async def _answers(self) -> bool:
        # In this order: a connection dropped before its login counts against the client's host.
        return (self._data / f"{self.name}.pid").exists() and await port_answers(self.port)

    def _address(self) -> tuple[int, str]:
        """Read the port and password of the last run, or choose them."""
        file = self.folder / "address.json"
        last = json.loads(file.read_text()) if file.exists() else {}
        port = free_port(preferred=last.get("port"))
        password = last.get("password") or secrets.token_urlsafe(18)
        file.touch(mode=0o600)
        file.write_text(json.dumps({"port": port, "password": password}))
        return port, password


@asynccontextmanager
async def private_mariadb(folder: Path, options: Sequence[str] = ()) -> AsyncIterator[PrivateMariaDB]:
    """Run a private server in a folder for as long as the block lasts."""
    server = PrivateMariaDB(folder, options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _as_root() -> tuple[str, ...]:
    """Tell the server that root may run it, where root does."""
    return ("--user=root",) if os.geteuid() == 0 else ()


def _find(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path=os.pathsep.join(_FOLDERS))
    if found is None:
        raise ServiceFailed(f"{program} is not installed: apt-get install mariadb-server, or brew install mariadb")
    return found

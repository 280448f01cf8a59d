"""Where benchmarks are played: a private broker and MariaDB, and for each measurement a place without a past."""

import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil

from brokers import declare
from brokers.link import Link
from brokers.topology import DOMAINS, QUEUES
from mesh.bench.sql import Sql
from mesh.data_dir import DataDir
from mesh.embedded.mariadb import PrivateMariaDB, private_mariadb
from mesh.embedded.process import ChildProcess, ServiceFailed
from mesh.embedded.rabbitmq import PrivateRabbitMQ, private_rabbitmq
from persistence import migrate

ROOT = Path(__file__).resolve().parents[2]

_DURABILITY = ("innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit", "log_bin", "sync_binlog")


@dataclass(frozen=True, slots=True)
class Place:
    """An empty vhost with the topology and a database with empty tables."""

    folder: Path
    broker_url: str = field(repr=False)
    database_url: str = field(repr=False)
    sql: Sql
    broker_pid: int

    @asynccontextmanager
    async def process(
        self,
        name: str,
        arguments: Sequence[str],
        settings: Mapping[str, str] | None = None,
        *,
        python: str | Path = sys.executable,
    ) -> AsyncIterator[psutil.Process]:
        """Run `python -m …` joined to this place, and end it in order; `settings` are environment variables besides.

        `python` is another interpreter than ours where a peer's libraries are needed: see `mesh.bench.peers`.
        Only warnings are logged: a line a transaction would count against whoever makes more transactions.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MESH_")}
        environment = kept | {
            "MESH_BROKER_URL": self.broker_url,
            "MESH_DATABASE_URL": self.database_url,
            "MESH_DATA_DIR": str(self.folder),
            "MESH_LOG_LEVEL": "warning",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
            **(settings or {}),
        }
        child = ChildProcess(name, self.folder)
        # In a folder of its own, so that nobody's .env is read.
        await child.spawn([str(python), "-m", *arguments], environment, cwd=self.folder)
        try:
            yield psutil.Process(child.pid)
        finally:
            await child.stop()

    def must_run(self, process: psutil.Process) -> None:
        """Raise ServiceFailed where a process of this place has ended by itself."""
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            raise ServiceFailed(f"the worker ended; its log is in {self.folder}")


class Stage:
    """The services of one run of benchmarks; they start when the first benchmark wants a place on them."""

    def __init__(self, folder: Path, services: AsyncExitStack) -> None:
        self._folder = folder
        self._services = services
        self._broker: PrivateRabbitMQ | None = None
        self._database: PrivateMariaDB | None = None
        self._numbers = count(1)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """Make an empty place, and remove it afterwards."""
        broker, database = await self._started()
        name = f"bench_{next(self._numbers)}"
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(Sql.connected(database.url))
            await server.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            stack.push_async_callback(server.execute, f"DROP DATABASE {name}")
            database_url = database.url_of(name)
            await migrate.upgrade(database_url)
            broker_url = await broker.add_vhost(name)
            stack.push_async_callback(broker.remove_vhost, name)
            await _declare(broker_url)
            sql = await stack.enter_async_context(Sql.connected(database_url))
            yield Place(self._folder, broker_url, database_url, sql, broker.pid)

    async def versions(self) -> dict[str, str]:
        """Return what the services say they are; nothing where none was needed."""
        if self._broker is None or self._database is None:
            return {}
        async with Sql.connected(self._database.url) as sql:
            database = str(await sql.value("SELECT VERSION()"))
        link = Link(self._broker.url, "mesh bench versions")
        await link.probe()
        broker = ".".join(map(str, link.version))
        await link.close()
        return {"RabbitMQ": broker, "MariaDB": database}

    async def settings(self) -> dict[str, str]:
        """Return what of the services' settings decides how long a commit takes; nothing where none was needed."""
        if self._database is None:
            return {}
        async with Sql.connected(self._database.url) as sql:
            _, found = await sql.rows(f"SHOW GLOBAL VARIABLES WHERE variable_name IN {_DURABILITY}")
        return {"RabbitMQ": "one node, quorum queues", "MariaDB": ", ".join(f"{name}={value}" for name, value in found)}

    async def _started(self) -> tuple[PrivateRabbitMQ, PrivateMariaDB]:
        if self._broker is None:
            _removed(self._folder / "rabbitmq")
            self._broker = await self._services.enter_async_context(private_rabbitmq(self._folder / "rabbitmq"))
        if self._database is None:
            _removed(self._folder / "mariadb")
            self._database = await self._services.enter_async_context(private_mariadb(self._folder / "mariadb"))
        return self._broker, self._database


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """Keep a folder for ourselves for as long as the block lasts; raises AlreadyRunning where it is in use."""
    async with AsyncExitStack() as services:
        services.enter_context(DataDir(folder).held())
        yield Stage(folder, services)


def _removed(folder: Path) -> None:
    """Begin without what an earlier run left: its data would be in the way of the figures."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


async def _declare(broker_url: str) -> None:
    link = Link(broker_url, "mesh bench")
    try:
        await declare.whole(DOMAINS, QUEUES).apply(await link.channel())
    finally:
        await link.close()

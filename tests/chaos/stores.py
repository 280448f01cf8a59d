"""The database that a mesh under fire works on, and where the truth is read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import text

from mesh.embedded.mariadb import PrivateMariaDB
from persistence.engine import open_engine
from tests.services.proxy import Proxy, proxy_to
from tests.services.sql import fresh_database


@dataclass
class Store:
    """A database: its administrator's URL, the roles' own, and the link between, which a scenario may spoil.

    `file` is the one of an embedded database, which has neither server nor link.
    """

    admin_url: str
    url: str
    proxy: Proxy
    file: Path | None = None

    @property
    def is_embedded(self) -> bool:
        return self.file is not None

    def embedded(self, folder: Path) -> "Store":
        """Return an SQLite database instead, in a folder."""
        file = folder / "mesh.db"
        return Store(f"sqlite+aiosqlite:///{file}", f"sqlite:///{file}", self.proxy, file)


@asynccontextmanager
async def store_on(server: PrivateMariaDB) -> AsyncIterator[Store]:
    """Make an empty database with a user of its own, who reaches it through a proxy or directly."""
    async with fresh_database(server) as admin_url, proxy_to(server.port) as proxy:
        yield Store(admin_url, await _ordinary_user(server, admin_url), proxy)


async def _ordinary_user(server: PrivateMariaDB, admin_url: str) -> str:
    """Create a user who may not write while the server is read-only, as an application's user should be."""
    parts = urlsplit(admin_url)
    database = parts.path.lstrip("/")
    name, password = f"user_{database}", "ordinary"
    engine = open_engine(server.url)
    async with engine.begin() as connection:
        await connection.execute(text(f"DROP USER IF EXISTS {name}@'127.0.0.1'"))
        await connection.execute(text(f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{password}'"))
        await connection.execute(text(f"GRANT ALL PRIVILEGES ON {database}.* TO {name}@'127.0.0.1'"))
    await engine.dispose()
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@127.0.0.1:{server.port}"))

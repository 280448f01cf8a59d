"""That the migrations make the tables which the code expects, whoever runs them and however often."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from brokers.verdict import Unavailable
from mesh.embedded.mariadb import PrivateMariaDB
from persistence.engine import open_engine, open_uow
from persistence.migrate import config, current, head, is_current, upgrade
from persistence.tables import metadata


async def looked_at(url: str, look: Any) -> Any:
    engine = open_engine(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(look)
        await connection.commit()
    await engine.dispose()
    return found


async def test_an_empty_database_is_brought_up_to_date(empty_url: str) -> None:
    assert await current(empty_url) is None
    assert not await is_current(empty_url)
    await upgrade(empty_url)
    assert await current(empty_url) == head()
    assert await is_current(empty_url)
    await upgrade(empty_url)


async def test_the_migrations_make_exactly_the_tables_of_the_code(own_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    assert await looked_at(own_url, differences) == []


async def test_the_columns_are_spelled_as_the_tables_of_the_code_spell_them(own_url: str) -> None:
    """Collations, lengths and defaults included, which the comparison of types leaves out."""

    def described(connection: Connection) -> dict[str, Any]:
        return {
            table: [
                (
                    each["name"],
                    str(each["type"]),
                    getattr(each["type"], "collation", None),
                    each["nullable"],
                    each["default"],
                )
                for each in inspect(connection).get_columns(table)
            ]
            for table in metadata.tables
        }

    def remade(connection: Connection) -> dict[str, Any]:
        metadata.drop_all(connection)
        metadata.create_all(connection)
        return described(connection)

    migrated = await looked_at(own_url, described)
    assert await looked_at(own_url, remade) == migrated


async def test_a_migration_can_be_taken_back(own_url: str) -> None:
    def take_back(connection: Connection) -> list[str]:
        command.downgrade(config(connection=connection), "base")
        return inspect(connection).get_table_names()

    assert await looked_at(own_url, take_back) == ["alembic_version"]
    await upgrade(own_url)
    assert await is_current(own_url)


async def test_several_processes_may_migrate_at_once(empty_url: str, tmp_path: Path) -> None:
    code = f"import asyncio; from persistence.migrate import upgrade; asyncio.run(upgrade({empty_url!r}))"
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    # From another folder: the migrations are found beside the code and not below the working directory.
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, cwd=tmp_path, env=environment, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    said = [(await process.communicate())[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, "\n".join(said)
    assert await is_current(empty_url)


async def test_a_database_that_was_not_migrated_is_unavailable_and_not_a_dead_letter(empty_url: str) -> None:
    database = open_uow(empty_url)
    with pytest.raises(Unavailable):
        async with database.uow() as tx:
            await tx.inbox.claim("one")
    await database.close()


async def test_texts_that_are_keys_are_compared_byte_by_byte_on_a_server(sql: PrivateMariaDB) -> None:
    await upgrade(sql.url)

    def collations(connection: Connection) -> dict[str, str]:
        keys = {"samples": "creator_key", "sample_contents": "content_key", "inbox": "message_id"}
        columns = {
            table: {each["name"]: each["type"] for each in inspect(connection).get_columns(table)} for table in keys
        }
        return {f"{table}.{key}": columns[table][key].collation for table, key in keys.items()}

    expected = "utf8mb4_nopad_bin" if sql.name == "mariadb" else "utf8mb4_0900_bin"
    assert set((await looked_at(sql.url, collations)).values()) == {expected}

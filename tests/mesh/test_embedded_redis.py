from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from mesh.embedded.process import ServiceFailed
from mesh.embedded.redis import private_redis


async def test_it_takes_its_password_and_no_other(tmp_path: Path) -> None:
    async with private_redis(tmp_path) as server:
        async with Redis.from_url(server.url) as redis:
            assert await redis.ping()
        async with Redis(port=server.port) as stranger:
            with pytest.raises(AuthenticationError):
                await stranger.ping()


async def test_it_comes_back_empty_on_the_same_port(tmp_path: Path) -> None:
    async with private_redis(tmp_path) as server, Redis.from_url(server.url) as redis:
        await redis.set("key", "value")
        await server.kill()
        with pytest.raises(RedisConnectionError):
            await redis.ping()
        await server.start()
        assert await redis.get("key") is None


async def test_a_config_that_is_refused_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh.embedded.redis._CONFIG", "no-such-directive yes\n")
    with pytest.raises(ServiceFailed, match="no-such-directive"):
        async with private_redis(tmp_path):
            pass


async def test_nothing_is_left_on_disk_but_its_own_files(tmp_path: Path) -> None:
    async with private_redis(tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"password", "port", "redis.conf", "redis.log"}
    assert (tmp_path / "redis.conf").stat().st_mode & 0o777 == 0o600

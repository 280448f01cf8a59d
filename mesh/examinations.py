"""What `mesh doctor` looks at, one function a dependency."""

import os
import resource
import shutil
import sys
import time
import zoneinfo
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from adapters.status import RedisStatusBoard
from adapters.vault import Vault
from brokers import declare
from brokers.link import Link
from brokers.plan import State, Topology
from brokers.topology import DOMAINS, QUEUES
from brokers.verdict import Verdict
from mesh import examinations_replies as tiktok
from mesh.addresses import admin_address, gateway_address, reachable, revealed
from mesh.compose import database_url
from mesh.doctor import Check, Finding, Health
from mesh.embedded.management import Management, ManagementError
from mesh.embedded.process import ServiceFailed, port_answers
from mesh.embedded.rabbitmq import find_server
from mesh.embedded.redis import find_server as find_redis
from persistence import migrate
from persistence.engine import open_uow
from publishers.schedules.renderer import TEMPLATES
from schemas.chatbot.records import Scenario
from schemas.clock import utc_now
from settings import Settings

#: RabbitMQ blocks publishers below 100 MB on a private node; a day of work should fit above that.
_DISK_LOW, _DISK_TIGHT = 200_000_000, 2_000_000_000

#: A gateway with a thousand clients and a worker's connections fit; macOS starts with 256.
_OPEN_FILES = 1024

_OLDEST_BROKER = (3, 10)

#: Quiet hours and freshness compare clocks of several machines; a minute apart, they begin to be wrong.
_CLOCK_SLACK_SECONDS = 30

_NO_BROKER = "start `mesh up` in this folder, or set MESH_BROKER_URL"


async def _python(_settings: Settings) -> Finding:
    return Finding(Health.OK, f"{sys.version.split()[0]} in {sys.prefix}")


async def _data_dir(settings: Settings) -> Finding:
    path = settings.data_dir.resolve()
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        return Finding(Health.FAIL, f"{existing} is not writable", "choose another folder with MESH_DATA_DIR")
    if path.exists() and path.stat().st_mode & 0o077:
        return Finding(Health.WARN, f"{path} holds secrets and others may read it", f"chmod 700 {path}")
    return Finding(Health.OK, str(path))


async def _disk(settings: Settings) -> Finding:
    path = settings.data_dir.resolve()
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    said = f"{free / 1e9:.1f} GB free at {existing}"
    if free < _DISK_LOW:
        return Finding(Health.FAIL, said, "make room: the broker refuses messages when the disk is full")
    return Finding(Health.WARN, said, "make room soon") if free < _DISK_TIGHT else Finding(Health.OK, said)


async def _open_files(_settings: Settings) -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _OPEN_FILES:
        return Finding(Health.WARN, f"{soft} open files allowed", f"ulimit -n {_OPEN_FILES}")
    return Finding(Health.OK, f"{soft} allowed")


async def _broker(settings: Settings) -> Finding:
    if settings.broker_url is None:
        return _startable(find_server, "RabbitMQ", "MESH_BROKER_URL")
    link = Link(settings.broker_url.get_secret_value(), "mesh doctor")
    try:
        await link.probe()
    except Verdict as error:
        return Finding(
            Health.FAIL, str(error), "see that it runs, and that MESH_BROKER_URL names user, password and vhost"
        )
    finally:
        await link.close()
    version = ".".join(map(str, link.version))
    if link.version < _OLDEST_BROKER:
        return Finding(Health.FAIL, f"RabbitMQ {version}", "upgrade it to 3.10 or later")
    return Finding(Health.OK, f"RabbitMQ {version}")


async def _topology(settings: Settings) -> Finding:
    if settings.broker_url is None:
        return Finding(Health.WARN, "no broker to ask", _NO_BROKER)
    link = Link(settings.broker_url.get_secret_value(), "mesh doctor")
    try:
        steps = await Topology(link, declare.whole(DOMAINS, QUEUES)).plan()
    except Verdict as error:
        return Finding(Health.FAIL, str(error), "mend the broker first")
    finally:
        await link.close()
    wrong = [step.name for step in steps if step.state is not State.EQUAL]
    if wrong:
        return Finding(Health.FAIL, f"missing or different: {', '.join(wrong[:5])}", "mesh topology plan, then apply")
    return Finding(Health.OK, f"all {len(steps)} exchanges and queues as declared")


async def _management(settings: Settings) -> Finding:
    url = revealed(settings.broker_management_url)
    if url is None:
        return Finding(Health.WARN, "not set", "set MESH_BROKER_MANAGEMENT_URL to see rates in `mesh queues`")
    try:
        await Management.at(url).call("GET", "whoami")
    except (ManagementError, OSError) as error:
        return Finding(Health.WARN, str(error), "see MESH_BROKER_MANAGEMENT_URL: only `mesh queues` shows less without")
    return Finding(Health.OK, urlsplit(url).netloc.rpartition("@")[2])


async def _database(settings: Settings) -> Finding:
    url = database_url(settings)
    if _is_unmade(url):
        return Finding(Health.WARN, "no SQLite file yet", "mesh migrate makes it; `mesh up` does so by itself")
    database = open_uow(url)
    try:
        await database.probe()
    except Verdict as error:
        return Finding(Health.FAIL, str(error), "see that it runs, and that MESH_DATABASE_URL is right")
    finally:
        await database.close()
    if not await migrate.is_current(url):
        return Finding(Health.FAIL, f"at {await migrate.current(url)}, the code needs {migrate.head()}", "mesh migrate")
    return Finding(Health.OK, f"{url.partition(':')[0]}, migrated to {migrate.head()}")


async def _redis(settings: Settings) -> Finding:
    url = revealed(settings.redis_url)
    if url is None:
        return _startable(find_redis, "Redis", "MESH_REDIS_URL")
    board = RedisStatusBoard.at(url)
    try:
        await board.probe()
    except Verdict as error:
        return Finding(Health.WARN, str(error), "see MESH_REDIS_URL: without it only the states of messages are lost")
    finally:
        await board.close()
    return Finding(Health.OK, "answers")


async def _gateway(settings: Settings) -> Finding:
    return await _served("gateway", lambda: gateway_address(settings))


async def _admin(settings: Settings) -> Finding:
    return await _served("admin", lambda: admin_address(settings))


async def _served(role: str, address: Callable[[], tuple[str, int]]) -> Finding:
    """Ask a role that serves HTTP whether it is ready, or say where it would listen."""
    name = role.upper()
    running = os.environ.get(f"MESH_{name}_URL")
    if running:
        at = urlsplit(running)
        request = f"GET /health/ready HTTP/1.1\r\nHost: {at.hostname}\r\nConnection: close\r\n\r\n".encode()
        if await port_answers(at.port or 80, host=at.hostname or "", say=request, expect=b"HTTP/1.1 200"):
            return Finding(Health.OK, f"ready at {running}")
        return Finding(Health.FAIL, f"{running} is not ready", f"see {running}/health/ready and its log")
    try:
        host, port = address()
    except ServiceFailed as error:
        return Finding(Health.FAIL, str(error), f"choose another with MESH_{name}_PORT")
    return Finding(Health.OK, f"not running; it would listen on {reachable(host)}:{port}")


async def _operators(settings: Settings) -> Finding:
    if settings.admin_users:
        return Finding(Health.OK, f"{len(settings.admin_users)} may use the admin API")
    return Finding(Health.WARN, "none set: an admin API by itself refuses every call", "set MESH_ADMIN_USERS")


async def _keys(settings: Settings) -> Finding:
    keys = [key.get_secret_value() for key in settings.encryption_keys]
    if not keys:
        return Finding(Health.WARN, "none set: nothing that opens secrets starts by itself", "set MESH_ENCRYPTION_KEYS")
    try:
        Vault(keys)
    except ValueError as error:
        return Finding(Health.FAIL, str(error), "make one with `mesh rotate-keys --new`")
    return Finding(Health.OK, f"{len(keys)}, the first of them current")


async def _tokens(settings: Settings) -> Finding:
    if settings.service_tokens:
        return Finding(Health.OK, f"{len(settings.service_tokens)} valid")
    return Finding(Health.WARN, "none set: a gateway by itself refuses every call", "set MESH_SERVICE_TOKENS")


async def _clock(settings: Settings) -> Finding:
    url = revealed(settings.broker_management_url)
    if url is None:
        return Finding(Health.OK, f"{utc_now():%Y-%m-%d %H:%M:%S} UTC (nothing to compare it with)")
    asked = time.time()
    stated = await Management.at(url).date()
    apart = abs(parsedate_to_datetime(stated).timestamp() - asked)
    if apart > _CLOCK_SLACK_SECONDS:
        return Finding(Health.FAIL, f"{apart:.0f} s apart from the broker's", "let NTP set the clocks of both machines")
    return Finding(Health.OK, "agrees with the broker's")


async def _zones(_settings: Settings) -> Finding:
    try:
        zoneinfo.ZoneInfo("America/Mexico_City")
    except zoneinfo.ZoneInfoNotFoundError:
        return Finding(Health.FAIL, "no time zone data: quiet hours cannot be kept", "pip install tzdata")
    return Finding(Health.OK, "known")


async def _templates(_settings: Settings) -> Finding:
    missing = [scenario for scenario in Scenario if not any(TEMPLATES.rglob(f"{scenario}.jinja"))]
    if missing:
        return Finding(Health.FAIL, f"missing for {', '.join(missing)}", f"restore them in {TEMPLATES}")
    return Finding(Health.OK, f"{len(Scenario)} scenarios")


async def _accounts(settings: Settings) -> Finding:
    # Looking at a database that is not there would make it.
    if _is_unmade(database_url(settings)):
        return Finding(Health.OK, "none, as there is no database yet")
    return await tiktok.accounts(settings)


def _is_unmade(url: str) -> bool:
    return url.startswith("sqlite") and not Path(url.partition("///")[2]).exists()


def _startable(find: Callable[[], str], name: str, setting: str) -> Finding:
    try:
        found = find()
    except ServiceFailed as error:
        return Finding(Health.FAIL, str(error), f"or set {setting} to one that runs")
    return Finding(Health.OK, f"{setting} is not set: `mesh up` starts a private {name} ({found})")


CHECKS: dict[str, Check] = {
    "python": _python,
    "data folder": _data_dir,
    "disk": _disk,
    "open files": _open_files,
    "broker": _broker,
    "topology": _topology,
    "management": _management,
    "database": _database,
    "redis": _redis,
    "gateway": _gateway,
    "tokens": _tokens,
    "admin": _admin,
    "operators": _operators,
    "keys": _keys,
    "tiktok": tiktok.app,
    "accounts": _accounts,
    "clock": _clock,
    "time zones": _zones,
    "templates": _templates,
}

"""A private RabbitMQ node in a folder of its own: own ports, own user, own cookie, own epmd."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from mesh.embedded.management import Management
from mesh.embedded.process import ChildProcess, ServiceFailed, kept_port, port_answers, tail
from mesh.embedded.secrets import kept_secret, write_private

#: Where the start script may be: the one that PATH names comes first.
_SERVERS = (
    "rabbitmq-server",
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/homebrew/sbin/rabbitmq-server",
    "/usr/local/sbin/rabbitmq-server",
)

#: What Debian puts into /usr/sbin in the server's place: it refuses every user but root and rabbitmq.
_DEBIANS_WRAPPER = "rabbitmq-script-wrapper"

#: A two-core machine under load has been seen to take 20 s.
_START = timedelta(seconds=90)

#: What the node listens on, each a file in its folder.
_PORTS = ("amqp", "management", "epmd", "distribution")

_NODE = "mesh@localhost"

_DROP_STATISTICS = "gen_event delete_handler [rabbit_event, rabbit_mgmt_db_handler, []]"

_CONFIG = """\
listeners.tcp.default = 127.0.0.1:{port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management_port}
default_user = {user}
default_pass = {password}
loopback_users.{user} = true
log.file = {log}
log.file.level = info
log.console = false
# A laptop with little room left should still run; the broker's own data is small.
disk_free_limit.absolute = 100MB
vm_memory_high_watermark.relative = 0.5
# Keeps the folder small: the default lets the write-ahead log grow to 512 MB.
raft.wal_max_size_bytes = 67108864
# Queue depths and connections are read by people and tests, who should not wait for five seconds.
collect_statistics_interval = 1000
"""

#: Delays and dead letters leave a quorum queue this many at a time; RabbitMQ's own 32 is for little memory, and its
#: pages advise more where thousands a second do: https://www.rabbitmq.com/docs/quorum-queues
ADVANCED = "[{rabbit, [{dead_letter_worker_consumer_prefetch, 1000}]}].\n"


class PrivateRabbitMQ:
    """A broker of our own: `start` returns when it can be used; data and ports outlive a restart."""

    name = "rabbitmq"

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "broker.log"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.user = "mesh"
        self.password = kept_secret(self.folder / "password")
        self._ports: dict[str, int] = {}
        self._epmd = ChildProcess("epmd", self.folder)
        self._node = ChildProcess("rabbitmq", self.folder)

    @property
    def port(self) -> int:
        """The AMQP port, known from the first start on."""
        return self._ports["amqp"]

    @property
    def url(self) -> str:
        """The AMQP URL of the default vhost, credentials included."""
        return f"amqp://{self.user}:{self.password}@127.0.0.1:{self.port}/"

    @property
    def management_url(self) -> str:
        """The address of the management pages and API."""
        return f"http://127.0.0.1:{self._ports['management']}/"

    @property
    def management_login(self) -> str:
        """The same with our user and password, as programs need it."""
        return self.management_url.replace("://", f"://{self.user}:{self.password}@")

    @property
    def pid(self) -> int:
        """The process id of the Erlang machine."""
        return self._node.pid

    @property
    def is_running(self) -> bool:
        """Whether the node's process is alive."""
        return self._node.is_running

    async def ended(self) -> int:
        """Return the node's exit code once it has ended."""
        return await self._node.wait()

    async def start(self) -> None:
        """Start the node and wait until it can be used."""
        await self._node.end_orphan()
        await self._epmd.end_orphan()
        # Chosen once a crashed run has let go of them, so that they can be the same again.
        self._ports = self._ports or {use: kept_port(self.folder / f"{use}.port") for use in _PORTS}
        self._write_files()
        env = self._environment()
        server = find_server()
        await self._epmd.spawn([_find_epmd(), "-port", str(self._ports["epmd"]), "-address", "127.0.0.1"], env)
        try:
            await self._node.spawn([server], env, cwd=self.folder)
            await self._node.wait_ready(self._answers, _START)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Let the node close its files, then end it."""
        if self._node.is_running:
            await self._drop_statistics()
        await self._node.stop()
        await self._epmd.kill()

    async def kill(self) -> None:
        """End the node as a power cut would.

        A quorum queue declared within the last seconds then comes back without a leader: RabbitMQ 3.10 writes its
        name lazily.
        """
        await self._node.kill()
        await self._epmd.kill()

    def hurry(self) -> None:
        """Cut a stop short."""
        self._node.hurry()

    def last_words(self) -> str:
        """Return the end of its log."""
        return f"The end of {self.log}:\n{tail(self.log)}"

    async def restart(self) -> None:
        """Stop and start it with the same data and ports."""
        await self.stop()
        await self.start()

    async def add_vhost(self, name: str) -> str:
        """Create a vhost that our user may do everything in; return its AMQP URL."""
        await self._management.call("PUT", "vhosts", name)
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        await self._management.call("PUT", "permissions", name, self.user, body=everything)
        return self.url + quote(name, safe="")

    async def remove_vhost(self, name: str) -> None:
        """Delete a vhost with all that is in it."""
        await self._management.call("DELETE", "vhosts", name)

    async def close_connections(self) -> None:
        """End every client's connection; the broker and its data stay as they are."""
        await self._management.call("DELETE", "connections", "username", self.user)

    @property
    def _management(self) -> Management:
        return Management(self.management_url, self.user, self.password)

    async def _answers(self) -> bool:
        return (
            await port_answers(self.port, say=b"AMQP\0\0\x09\x01", expect=b"\x01") and await self._management.answers()
        )

    async def _drop_statistics(self) -> None:
        """Spare the stop five seconds, where Erlang's own small client is installed.

        A handler of the management plugin asks a process for leave that is itself busy stopping the broker, and waits
        until that times out. Removed before the stop, it gets its answer. Failing here only costs the five seconds.
        """
        if erl_call := _find_erl_call():
            caller = ChildProcess("erl_call", self.folder)
            await caller.spawn(
                [erl_call, "-sname", _NODE, "-timeout", "5", "-a", _DROP_STATISTICS], self._environment()
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await caller.wait()
            await caller.kill()

    def _write_files(self) -> None:
        (self.folder / "home").mkdir(exist_ok=True, mode=0o700)
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        config = _CONFIG.format(
            port=self.port,
            management_port=self._ports["management"],
            user=self.user,
            password=self.password,
            log=self.log,
        )
        write_private(self.folder / "rabbitmq.conf", config)
        (self.folder / "advanced.config").write_text(ADVANCED)

    def _environment(self) -> Mapping[str, str]:
        """Return the node's whole environment: nothing of the machine's own RabbitMQ settings gets in."""
        folder = self.folder
        return {
            "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/opt/homebrew/bin"]),
            "LANG": "C.UTF-8",
            "HOME": str(folder / "home"),
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            # The start script then becomes the Erlang machine, not its minder: one pid, and SIGTERM is a clean stop.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": _NODE,
            "RABBITMQ_DIST_PORT": str(self._ports["distribution"]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(folder / "conf.d"),
            "RABBITMQADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        }


@asynccontextmanager
async def private_rabbitmq(folder: Path) -> AsyncIterator[PrivateRabbitMQ]:
    """Run a private broker in a folder for as long as the block lasts."""
    broker = PrivateRabbitMQ(folder)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


def find_server() -> str:
    """Return the server's program; raises ServiceFailed where it is not installed."""
    for candidate in _SERVERS:
        if (found := shutil.which(candidate)) and Path(found).resolve().name != _DEBIANS_WRAPPER:
            return found
    raise ServiceFailed("RabbitMQ is not installed: run `make up`, or install the package rabbitmq-server")


def _find_epmd() -> str:
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/bin", "/opt/homebrew/bin", "/usr/local/bin"])
    if found := shutil.which("epmd", path=search):
        return found
    raise ServiceFailed("Erlang's epmd is not installed: it comes with the package rabbitmq-server")


def _find_erl_call() -> str | None:
    erl = shutil.which("erl") or shutil.which("/opt/homebrew/bin/erl")
    if erl is None:
        return None
    found = Path(erl).resolve().parent.parent.glob("erts-*/bin/erl_call")
    return next((str(path) for path in found), None)

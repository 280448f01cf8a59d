"""Three RabbitMQ nodes on loopback that find one another: quorum queues of three members, addressed as one broker."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from mesh.embedded.process import ChildProcess, free_port
from mesh.embedded.rabbitmq import PrivateRabbitMQ, _find_epmd
from mesh.embedded.secrets import kept_secret, write_private

NODES = 3

_CONFIG = """\
cluster_formation.peer_discovery_backend = classic_config
{members}
# Leaders of new queues are spread over the nodes.
queue_leader_locator = balanced
# A node that finds itself without a majority refuses to work, instead of working on alone.
cluster_partition_handling = pause_minority
"""


class ClusterNode(PrivateRabbitMQ):
    """One node: a private broker with a name, a cookie and a port mapper that it shares with the others."""

    def __init__(self, folder: Path, number: int, epmd_port: int) -> None:
        super().__init__(folder)
        self.node = f"mesh{number}@localhost"
        self._epmd_port = epmd_port
        self._ports = {use: free_port() for use in ("amqp", "management", "distribution")} | {"epmd": epmd_port}

    def _write_files(self) -> None:
        super()._write_files()
        members = "\n".join(
            f"cluster_formation.classic_config.nodes.{number} = mesh{number}@localhost"
            for number in range(1, NODES + 1)
        )
        config = self.folder / "rabbitmq.conf"
        write_private(config, config.read_text() + _CONFIG.format(members=members))
        cookie = self.folder / "home" / ".erlang.cookie"
        if not cookie.exists():
            shutil.copyfile(self.folder.parent / "cookie", cookie)
            cookie.chmod(0o400)

    def _environment(self) -> Mapping[str, str]:
        more = "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
        return {
            **super()._environment(),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": more,
        }

    async def _drop_statistics(self) -> None:
        """Stop as it is; a scenario has the time."""


class Cluster:
    """Three nodes that look like one broker to whoever starts, stops and addresses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept_secret(self.folder / "cookie")
        password = kept_secret(self.folder / "password")
        self._epmd = ChildProcess("epmd", self.folder)
        self._epmd_port = free_port()
        self.nodes = []
        for number in range(1, NODES + 1):
            folder = self.folder / str(number)
            folder.mkdir(exist_ok=True, mode=0o700)
            write_private(folder / "password", password)
            self.nodes.append(ClusterNode(folder, number, self._epmd_port))

    @property
    def is_running(self) -> bool:
        return all(node.is_running for node in self.nodes)

    @property
    def port(self) -> int:
        return self.nodes[0].port

    @property
    def password(self) -> str:
        return self.nodes[0].password

    @property
    def management_url(self) -> str:
        return next(node for node in self.nodes if node.is_running).management_url

    async def start(self) -> None:
        """Start what does not run, and wait until all nodes have found one another."""
        if not self._epmd.is_running:
            command = [_find_epmd(), "-port", str(self._epmd_port), "-address", "127.0.0.1"]
            await self._epmd.spawn(command, self.nodes[0]._environment())
        await asyncio.gather(*(node.start() for node in self.nodes if not node.is_running))

    async def stop(self) -> None:
        await asyncio.gather(*(node.stop() for node in self.nodes))
        await self._epmd.kill()

    async def add_vhost(self, name: str) -> str:
        """Create a vhost; return the addresses of it on all nodes, comma-separated."""
        url = await self.nodes[0].add_vhost(name)
        path = url.removeprefix(self.nodes[0].url)
        return ",".join(node.url + path for node in self.nodes)

    async def remove_vhost(self, name: str) -> None:
        await self.nodes[0].remove_vhost(name)

    async def members(self) -> int:
        """Return how many nodes count themselves to the cluster."""
        told = await self.nodes[0]._management.call("GET", "nodes")
        return sum(bool(node["running"]) for node in told)

    async def is_in_sync(self) -> bool:
        """Tell whether every member of every quorum queue is online."""
        told = await self.nodes[0]._management.call("GET", "queues")
        return all(set(queue.get("online", ())) >= set(queue["members"]) for queue in told if "members" in queue)

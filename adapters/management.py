"""RabbitMQ's management API: what AMQP does not tell, which is rates and the names of queues.

https://www.rabbitmq.com/docs/http-api-reference
"""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import httpx

from brokers.verdict import Unavailable

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second into and out of one queue, over the broker's last sample, and those in consumers' hands."""

    incoming: float
    acked: float
    unacked: int


class Management:
    """Reads the queues of one vhost."""

    def __init__(self, url: str, vhost: str) -> None:
        """`url` carries user and password."""
        parts = urlsplit(url)
        self._auth = httpx.BasicAuth(parts.username or "guest", parts.password or "guest")
        self._base = f"{parts.scheme}://{parts.hostname}:{parts.port or 15672}"
        self._vhost = vhost

    async def rates(self) -> dict[str, Rates]:
        """Return rates by queue. Raises Unavailable if the API does not answer."""
        return {str(queue["name"]): _rates(queue) for queue in await self._queues()}

    async def messages(self) -> dict[str, int]:
        """Return how many messages each queue holds. Raises Unavailable if the API does not answer."""
        return {str(queue["name"]): int(str(queue.get("messages", 0))) for queue in await self._queues()}

    async def _queues(self) -> list[dict[str, object]]:
        path = f"/api/queues/{quote(self._vhost, safe='')}"
        try:
            # No proxy of the environment may come between us and the broker.
            async with httpx.AsyncClient(
                base_url=self._base, auth=self._auth, timeout=TIMEOUT_SECONDS, trust_env=False
            ) as client:
                queues: list[dict[str, object]] = (await client.get(path)).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(f"the management API is away: {error!r}") from error
        return queues


def _rates(queue: dict[str, object]) -> Rates:
    stats = queue.get("message_stats")
    return Rates(
        incoming=_rate(stats, "publish_details"),
        acked=_rate(stats, "ack_details"),
        unacked=int(str(queue.get("messages_unacknowledged", 0))),
    )


def _rate(stats: object, name: str) -> float:
    details = stats.get(name) if isinstance(stats, dict) else None
    return float(details.get("rate", 0.0)) if isinstance(details, dict) else 0.0

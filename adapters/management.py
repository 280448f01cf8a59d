"""RabbitMQ's management API: the rates that AMQP does not tell.

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
    """Reads queue rates of one vhost."""

    def __init__(self, url: str, vhost: str) -> None:
        """`url` carries user and password."""
        parts = urlsplit(url)
        self._auth = httpx.BasicAuth(parts.username or "guest", parts.password or "guest")
        self._base = f"{parts.scheme}://{parts.hostname}:{parts.port or 15672}"
        self._vhost = vhost

    async def rates(self) -> dict[str, Rates]:
        """Return rates by queue. Raises Unavailable if the API does not answer."""
        path = f"/api/queues/{quote(self._vhost, safe='')}"
        try:
            # No proxy of the environment may come between us and the broker.
            async with httpx.AsyncClient(
                base_url=self._base, auth=self._auth, timeout=TIMEOUT_SECONDS, trust_env=False
            ) as client:
                answer = (await client.get(path)).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(f"the management API is away: {error!r}") from error
        return {queue["name"]: _rates(queue) for queue in answer}


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

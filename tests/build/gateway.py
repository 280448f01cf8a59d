"""A gateway with fakes behind it, and a client in front of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr

from publishers.gateway.app import gateway
from publishers.gateway.auth import Callers
from publishers.gateway.border import Border
from publishers.gateway.ports import Check, Limits
from publishers.gateway.tiktok import Webhook
from tests.fakes.gateway import FakeAnswers, FakePublisher
from tests.fakes.status import FakeStatusBoard

TOKEN = "an-old-and-valid-token"
NEXT_TOKEN = "its-valid-replacement"
PASSWORD = "a-password-of-the-oms"
AUTH = {"X-INFound-Inner-Service-Token": TOKEN}


@dataclass
class World:
    """The gateway and everything around it."""

    limits: Limits = field(default_factory=Limits)
    checks: Sequence[Check] = ()
    asyncapi: bytes | None = None
    publisher: FakePublisher = field(default_factory=FakePublisher)
    answers: FakeAnswers = field(default_factory=FakeAnswers)
    board: FakeStatusBoard = field(default_factory=FakeStatusBoard)
    webhook: Webhook | None = None

    @property
    def app(self) -> Border:
        return gateway(
            self.publisher,
            self.answers,
            self.board,
            Callers([SecretStr(TOKEN), SecretStr(NEXT_TOKEN)], [SecretStr(f"oms:{PASSWORD}")]),
            limits=self.limits,
            checks=self.checks,
            asyncapi=self.asyncapi,
            webhook=self.webhook,
        )

    def client(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        """Return a client that shows a valid token, unless told other headers."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(
            transport=transport, base_url="http://mesh", headers=AUTH if headers is None else headers
        )

    async def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> httpx.Response:
        """Post JSON, or bytes as they are, with a valid token."""
        async with self.client() as client:
            if isinstance(body, bytes):
                return await client.post(path, content=body, headers=headers)
            return await client.post(path, json=body, headers=headers)

    async def get(self, path: str) -> httpx.Response:
        async with self.client() as client:
            return await client.get(path)


def crawl(**changes: Any) -> dict[str, Any]:
    """Return a valid body of /samples/ingest."""
    return {"source": "a_crawler", "rows": [{"platformProductId": "1", "platformCreatorUsername": "@ñ 🧴"}], **changes}


def task(**changes: Any) -> dict[str, Any]:
    """Return a valid task of /chatbot/messages."""
    return {"platformCreatorId": "7495", "messages": [{"type": "text", "content": "Hola 👋"}], **changes}

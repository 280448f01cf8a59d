"""`python -m mesh.bench.peers.gateway`: a typed FastAPI route that publishes through aio-pika, as one is usually built.

It is given every advantage that its documentation names: uvloop and httptools, one robust connection and one channel
for the life of the process, no access log. It checks no token, no size and no `Idempotency-Key`, and traces and counts
nothing.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

import aio_pika
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Camel(BaseModel):
    """Snake case here, camel case in JSON."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class Ingest(Camel):
    """The rows of a crawl."""

    source: Annotated[str, Field(min_length=1, max_length=255)]
    operator_id: str | None = None
    options: dict[str, Any] | None = None
    rows: Annotated[list[dict[str, Any]], Field(min_length=1)]


class ChatMessage(Camel):
    """One bubble of a chat."""

    type: str = "text"
    content: Annotated[str, Field(min_length=1, max_length=10_000)]
    meta: dict[str, Any] | None = None


class ChatTask(Camel):
    """What to write to one creator."""

    platform_creator_id: str
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    region: str | None = None
    sample_id: str | None = None
    platform_product_name: str | None = None


class Accepted(Camel):
    """The message is with the broker."""

    message_id: str


class Queued(Camel):
    """How many messages are with the broker."""

    count: int


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    connection = await aio_pika.connect_robust(os.environ["MESH_BROKER_URL"])
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        app.state.samples = await channel.get_exchange("samples.topic")
        app.state.chatbot = await channel.get_exchange("chatbot.topic")
        yield


app = FastAPI(lifespan=_lifespan)


async def _publish(exchange: aio_pika.abc.AbstractExchange, key: str, body: bytes) -> str:
    message_id = str(uuid4())
    message = aio_pika.Message(
        body,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message_id,
    )
    await exchange.publish(message, routing_key=key, mandatory=True, timeout=10)
    return message_id


@app.post("/samples/ingest", status_code=202)
async def ingest(body: Ingest) -> Accepted:
    """Publish the rows as one message."""
    key = "samples.ingest"
    return Accepted(message_id=await _publish(app.state.samples, key, body.model_dump_json(exclude_none=True).encode()))


@app.post("/chatbot/messages")
async def chat(tasks: list[ChatTask]) -> Queued:
    """Publish each task as a message of its own, all in flight together."""
    bodies = [b"[" + task.model_dump_json(exclude_none=True).encode() + b"]" for task in tasks]
    await asyncio.gather(*(_publish(app.state.chatbot, "chatbot.sample.batch", body) for body in bodies))
    return Queued(count=len(bodies))


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """Answer once the broker is connected."""
    return {"broker": "up"}


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["MESH_GATEWAY_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )

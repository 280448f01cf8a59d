"""The mesh described for publishers and consumers in any language: AsyncAPI 3.0, generated from the topology page.

Specification: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from brokers.queue import Queue
from brokers.router import Route

PROTOCOL = "amqp"


def asyncapi(queues: Iterable[Queue], routes: Iterable[Route], version: str) -> dict[str, Any]:
    """Return the document: one channel, message and receive operation a queue, the handler's docstring as its story."""
    listed = tuple(queues)
    stories = {route.queue.name: inspect.getdoc(route.handler) or "" for route in routes}
    schemas: dict[str, Any] = {}
    messages = {_message_name(queue): _message(queue, schemas) for queue in listed}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Mesh",
            "version": version,
            "description": "Publish a JSON body to a domain's topic exchange under the routing key of the queue. "
            "Only the body and the key are required.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {queue.name: _channel(queue) for queue in listed},
        "operations": {_operation_name(queue): _operation(queue, stories.get(queue.name, "")) for queue in listed},
        "components": {"messages": messages, "schemas": schemas},
    }


def _channel(queue: Queue) -> dict[str, Any]:
    return {
        "address": queue.name,
        "description": f"Queue {queue.name}, bound to {queue.exchange} for {', '.join(queue.keys)}. "
        f"What cannot be handled waits in {queue.dead}.",
        "messages": {_message_name(queue): {"$ref": f"#/components/messages/{_message_name(queue)}"}},
        "bindings": {
            PROTOCOL: {
                "is": "routingKey",
                "exchange": {"name": queue.exchange, "type": "topic", "durable": True, "autoDelete": False},
            }
        },
    }


def _operation(queue: Queue, story: str) -> dict[str, Any]:
    summary, _, description = story.partition("\n")
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{_pointer(queue.name)}"},
        "summary": summary,
        **({"description": description.strip()} if description.strip() else {}),
        "messages": [{"$ref": f"#/channels/{_pointer(queue.name)}/messages/{_message_name(queue)}"}],
        "bindings": {PROTOCOL: {"ack": True}},
    }


def _message(queue: Queue, schemas: dict[str, Any]) -> Mapping[str, Any]:
    name = _message_name(queue)
    schema = TypeAdapter(queue.message).json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema
    return {
        "name": name,
        "title": name,
        "contentType": "application/json",
        "summary": schema.get("description", ""),
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }


def _message_name(queue: Queue) -> str:
    return str(getattr(queue.message, "__name__", queue.name))


def _operation_name(queue: Queue) -> str:
    return f"receive.{queue.name}"


def _pointer(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")

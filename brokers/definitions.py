"""The topology as a RabbitMQ definitions file, for brokers that are set up before the mesh first connects.

Format: https://www.rabbitmq.com/docs/definitions
"""

from typing import Any

from brokers.declaration import Declaration


def definitions(declaration: Declaration, vhost: str = "/") -> dict[str, Any]:
    """Return exchanges, queues and bindings in the form that `rabbitmqctl import_definitions` reads."""
    return {
        "vhosts": [{"name": vhost}],
        "exchanges": [
            {
                "name": exchange.name,
                "vhost": vhost,
                "type": exchange.type,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": exchange.arguments,
            }
            for exchange in declaration.exchanges
        ],
        "queues": [
            {
                "name": queue.name,
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": dict(queue.arguments),
            }
            for queue in declaration.queues
        ],
        "bindings": [
            {
                "source": binding.source,
                "vhost": vhost,
                "destination": binding.destination,
                "destination_type": "exchange" if binding.to_exchange else "queue",
                "routing_key": binding.key,
                "arguments": {},
            }
            for binding in declaration.bindings
        ],
    }

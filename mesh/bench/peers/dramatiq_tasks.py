"""The samples' worker as one writes it with Dramatiq; `python -m mesh.bench.peers.dramatiq_tasks N` fills its queue.

Its queues are classic ones, durable, with confirmed publishes; it acks after the work by itself.
"""

import os
import sys
from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import CurrentMessage

from mesh.bench.peers import samples

QUEUE = "bench.dramatiq"

broker = RabbitmqBroker(url=os.environ["MESH_BROKER_URL"], confirm_delivery=True)
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)
database = samples.engine()


@dramatiq.actor(actor_name="samples.ingest", queue_name=QUEUE)
def ingest(body: dict[str, Any]) -> None:
    """Store one message."""
    samples.ingest(database, CurrentMessage.get_current_message().message_id, body)


if __name__ == "__main__":
    from mesh.bench.ingest import messages  # only here: a worker should not carry the benchmark in its memory

    for each in messages(int(sys.argv[1])):
        ingest.send(each)
    broker.close()

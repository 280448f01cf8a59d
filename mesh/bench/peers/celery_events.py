"""Taking in marketing events as one does with Celery; `python -m mesh.bench.peers.celery_events N` fills its queue.

Durable like ours: a quorum queue, confirmed publishes, acks after the work, and a lost worker's tasks given back.
"""

import os
import sys
from typing import Any

from celery import Celery, Task

from mesh.bench.peers import events, samples

QUEUE = "bench.celery"

app = Celery("events", broker=os.environ["MESH_BROKER_URL"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": True},
    task_acks_late=True,
    task_default_queue=QUEUE,
    task_default_queue_type="quorum",
    task_ignore_result=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=100,
)
database = samples.engine()


@app.task(bind=True, name="relay.events.ingest")
def ingest(self: Task, item: dict[str, Any]) -> None:
    """Store one event."""
    events.ingest(database, self.request.id, item)


if __name__ == "__main__":
    from mesh.bench.orders import item  # only here: a worker should not carry the benchmark in its memory

    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for number in range(int(sys.argv[1])):
            ingest.apply_async((item(number),), producer=producer)

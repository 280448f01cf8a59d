"""How the peers on Celery are set up: durable like ours.

A quorum queue, confirmed publishes, acks after the work, and a lost worker's tasks given back.
"""

import os
from collections.abc import Iterable
from typing import Any

from celery import Celery, Task

QUEUE = "bench.celery"


def configured(name: str) -> Celery:
    """Return an application at the broker of the benchmark."""
    app = Celery(name, broker=os.environ["MESH_BROKER_URL"])
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
    return app


def fill(app: Celery, task: Task, bodies: Iterable[Any]) -> None:
    """Put a task a body into the queue, over one connection."""
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for each in bodies:
            task.apply_async((each,), producer=producer)

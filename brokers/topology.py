"""Every exchange and queue of the mesh, one line a queue."""

from datetime import timedelta

from brokers.queue import Batch, Queue, Retry
from schemas.chatbot.messages import SendChatMessages
from schemas.samples.messages import IngestSamples

DOMAINS = ("samples", "creators", "outreach", "chatbot", "relay", "replies", "planning", "insight")

# 2,000 is the most RabbitMQ allows a quorum consumer by default, and four groups of 500 keep the next one ready.
SAMPLES_INGEST = Queue("samples.ingest", IngestSamples, prefetch=2000, batch=Batch(size=500))

# A chat message that comes hours late is worse than one an operator looks at, hence the short horizon.
CHATBOT_SAMPLE_BATCH = Queue(
    "chatbot.sample.batch",
    SendChatMessages,
    bindings=("chatbot.sample.*",),
    retry=Retry(horizon=timedelta(hours=6)),
    prefetch=20,
    concurrency=4,
)

QUEUES = (SAMPLES_INGEST, CHATBOT_SAMPLE_BATCH)
BY_NAME = {queue.name: queue for queue in QUEUES}

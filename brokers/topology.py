"""Every exchange and queue of the mesh, one line a queue."""

from datetime import timedelta

from brokers.queue import Batch, Queue, Retry
from schemas.chatbot.messages import SendChatMessages
from schemas.relay.messages import AdoptEvents, IngestEvents, SendDeliveries
from schemas.replies.messages import AnswerThread, SendReplies, TakeWebhook
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

# A page is itself a batch of up to thousands of events, so few messages make a group.
RELAY_EVENTS_INGEST = Queue("relay.events.ingest", IngestEvents, prefetch=100, batch=Batch(size=50))
RELAY_EVENTS_ADOPT = Queue("relay.events.adopt", AdoptEvents, prefetch=20, concurrency=2)
# Wake-ups: each runs until nothing is due to its destination, waiting for the vendor most of the time.
RELAY_DELIVERIES_SEND = Queue("relay.deliveries.send", SendDeliveries, prefetch=64, concurrency=64)

# One at a time in a conversation; most of them wait for TikTok.
REPLIES_THREADS_SEND = Queue(
    "replies.threads.send",
    SendReplies,
    prefetch=200,
    concurrency=50,
    partitions=4,
    key_of=lambda each: each.conversation_id,
)

# Most of them wait for a model; one conversation is answered by one at a time.
REPLIES_THREADS_ANSWER = Queue(
    "replies.threads.answer",
    AnswerThread,
    prefetch=200,
    concurrency=50,
    partitions=4,
    key_of=lambda each: each.conversation_id,
)

# In groups, and each partition's one after the other: a conversation's notifications stay in order.
REPLIES_WEBHOOKS_TAKE = Queue(
    "replies.webhooks.take",
    TakeWebhook,
    prefetch=400,
    batch=Batch(size=100),
    partitions=4,
    key_of=lambda each: each.conversation_id,
)

QUEUES = (
    SAMPLES_INGEST,
    CHATBOT_SAMPLE_BATCH,
    RELAY_EVENTS_INGEST,
    RELAY_EVENTS_ADOPT,
    RELAY_DELIVERIES_SEND,
    REPLIES_WEBHOOKS_TAKE,
    REPLIES_THREADS_ANSWER,
    REPLIES_THREADS_SEND,
)
BY_NAME = {queue.name: queue for queue in QUEUES}

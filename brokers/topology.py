"""Every exchange and queue of the mesh, one line a queue."""

from datetime import timedelta

from brokers.queue import Batch, Queue, Retry
from schemas.chatbot.messages import SendChatMessages
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples
from schemas.creators.messages import IngestCampaigns, IngestCreators, IngestProducts, TellCreatorHistory
from schemas.outreach.messages import (
    ChatOutcome,
    ControlOutreach,
    CountProgress,
    DecideContacts,
    IngestOutreachTask,
)
from schemas.relay.messages import AdoptEvents, IngestEvents, SendDeliveries
from schemas.replies.messages import AnswerThread, SendReplies, TakeWebhook
from schemas.samples.messages import IngestSamples

DOMAINS = ("samples", "creators", "outreach", "chatbot", "relay", "replies", "planning", "insight", "crawl")

# 2,000 is the most RabbitMQ allows a quorum consumer by default, and four groups of 500 keep the next one ready.
SAMPLES_INGEST = Queue("samples.ingest", IngestSamples, prefetch=2000, batch=Batch(size=500))

# What fails is tried again within minutes, and few times: a chat message that comes hours late is worse than one an
# operator looks at. The horizon is for accounts that are off duty for a night, while those of other regions work on.
CHATBOT_SAMPLE_BATCH = Queue(
    "chatbot.sample.batch",
    SendChatMessages,
    bindings=("chatbot.sample.*",),
    retry=Retry(horizon=timedelta(hours=12)),
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
# A crawler's page holds tens of creators with fifty fields each, so fewer messages make a group than of samples.
CREATORS_INGEST = Queue("creators.ingest", IngestCreators, prefetch=2000, batch=Batch(size=500))
CREATORS_CAMPAIGNS_INGEST = Queue("creators.campaigns.ingest", IngestCampaigns, prefetch=400, batch=Batch(size=100))
CREATORS_PRODUCTS_INGEST = Queue("creators.products.ingest", IngestProducts, prefetch=400, batch=Batch(size=100))
# A question whose asker waits ten seconds: an old one has nobody left to answer.
CREATORS_HISTORY_TELL = Queue(
    "creators.history.tell", TellCreatorHistory, retry=Retry(attempts=2, horizon=timedelta(minutes=1)), prefetch=20
)

# One queue for all tasks: what a task is about is in SQL, so that none has a queue that could expire with its messages.
OUTREACH_TASKS_INGEST = Queue(
    "outreach.tasks.ingest", IngestOutreachTask, prefetch=20, key_of=lambda message: message.task_id or ""
)
OUTREACH_TASKS_PROGRESS = Queue(
    "outreach.tasks.progress", CountProgress, prefetch=20, key_of=lambda message: message.task_id
)
OUTREACH_TASKS_CONTROL = Queue(
    "outreach.tasks.control", ControlOutreach, prefetch=20, key_of=lambda message: message.task_id
)
# One at a time in a process, as decisions for one task wait for each other anyway.
OUTREACH_CONTACTS_DECIDE = Queue("outreach.contacts.decide", DecideContacts, prefetch=400, batch=Batch(size=100))
OUTREACH_ON_CHAT_OUTCOME = Queue(
    "outreach.on-chat-outcome",
    ChatOutcome,
    listens_to="chatbot",
    bindings=("chatbot.outcome", "chatbot.outcome.*"),
    prefetch=400,
    batch=Batch(size=100),
)

# A crawl takes hours and an account drives one browser. The broker takes back what is not acked within half an hour, so
# a handler gives up its turn before that, by a Retryable with its cursor kept: hence so many attempts.
_CRAWLING = Retry(attempts=200, first=timedelta(seconds=10), horizon=timedelta(days=3))
CRAWL_SAMPLES = Queue("crawl.samples", CrawlSamples, retry=_CRAWLING, prefetch=1, concurrency=1)
CRAWL_CREATORS = Queue("crawl.creators", CrawlCreators, retry=_CRAWLING, prefetch=1, concurrency=1)
CRAWL_CAMPAIGNS = Queue("crawl.campaigns", CrawlCampaigns, retry=_CRAWLING, prefetch=1, concurrency=1)

QUEUES = (
    SAMPLES_INGEST,
    CHATBOT_SAMPLE_BATCH,
    RELAY_EVENTS_INGEST,
    RELAY_EVENTS_ADOPT,
    RELAY_DELIVERIES_SEND,
    REPLIES_WEBHOOKS_TAKE,
    REPLIES_THREADS_ANSWER,
    REPLIES_THREADS_SEND,
    CREATORS_INGEST,
    CREATORS_CAMPAIGNS_INGEST,
    CREATORS_PRODUCTS_INGEST,
    CREATORS_HISTORY_TELL,
    OUTREACH_TASKS_INGEST,
    OUTREACH_TASKS_PROGRESS,
    OUTREACH_TASKS_CONTROL,
    OUTREACH_CONTACTS_DECIDE,
    OUTREACH_ON_CHAT_OUTCOME,
    CRAWL_SAMPLES,
    CRAWL_CREATORS,
    CRAWL_CAMPAIGNS,
)
BY_NAME = {queue.name: queue for queue in QUEUES}

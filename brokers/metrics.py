"""The Prometheus metrics of the mesh, all on one page; `deploy/` charts and alerts on these names."""

from prometheus_client import Counter, Gauge, Histogram

#: From a millisecond to ten minutes; critical time needs the long end, handlers the short one.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

received = Counter("mesh_messages_received_total", "Messages taken from a queue", ["queue"])
done = Counter("mesh_messages_done_total", "Messages whose effects are committed", ["queue"])
retried = Counter("mesh_messages_retried_total", "Messages sent down the delay ladder", ["queue"])
dead = Counter("mesh_messages_dead_total", "Messages parked as dead letters", ["queue", "error"])
duplicates = Counter("mesh_messages_duplicate_total", "Messages recognised as repeats", ["queue"])
redelivered = Counter("mesh_messages_redelivered_total", "Messages that had been in a consumer's hands", ["queue"])
stale_acks = Counter("mesh_stale_acks_total", "Acks dropped because their channel had gone", ["queue"])
in_flight = Gauge("mesh_messages_in_flight", "Messages in a handler right now", ["queue"])
handler_seconds = Histogram("mesh_handler_seconds", "Time in the handler", ["queue"], buckets=SECONDS)
critical_time = Histogram("mesh_critical_time_seconds", "Age at completion", ["queue"], buckets=SECONDS)
batch_size = Histogram("mesh_batch_size", "Messages a transaction", ["queue"], buckets=SIZES)
breaker_open = Gauge("mesh_breaker_open", "1 while a dependency is away and the consumer waits", ["queue"])
consumers_expected = Gauge("mesh_consumers_expected", "Consumers this process should have", ["queue"])
consumers_present = Gauge("mesh_consumers_present", "Consumers this process has, by the broker's count", ["queue"])

publishes = Counter("mesh_publishes_total", "Publishes by outcome", ["outcome"])
publish_seconds = Histogram("mesh_publish_seconds", "From publish to confirm", buckets=SECONDS)

outbox_rows = Gauge("mesh_outbox_rows", "Rows that wait in the outbox")
outbox_lag = Gauge("mesh_outbox_lag_seconds", "Age of the oldest row in the outbox")
schedules_published = Counter("mesh_schedules_published_total", "Schedule runs confirmed", ["scenario"])
schedules_parked = Counter("mesh_schedules_parked_total", "Schedules parked because they cannot be rendered")
chat_uncertain = Counter("mesh_chat_uncertain_total", "Chat tasks interrupted while they were being sent")
schedule_lag = Gauge("mesh_schedule_lag_seconds", "How long the oldest due schedule has been due")

relay_waiting = Gauge("mesh_relay_deliveries_waiting", "Deliveries of marketing events not sent yet", ["platform"])
relay_lag = Gauge("mesh_relay_lag_seconds", "How long the oldest delivery that may be sent has been due", ["platform"])
relay_paused = Gauge("mesh_relay_destinations_paused", "Destinations that wait for an operator", ["platform"])

replies_sends = Counter("mesh_replies_sends_total", "Calls that sent a reply, by outcome", ["outcome", "code"])
replies_unsent = Counter("mesh_replies_unsent_total", "Replies that were never sent", ["why"])
replies_uncertain = Counter("mesh_replies_uncertain_total", "Replies left to an operator: they may have arrived")
replies_accounts_stopped = Counter("mesh_replies_accounts_stopped_total", "Accounts that wait for an operator", ["why"])
replies_answers = Counter("mesh_replies_answers_total", "Answers to customers", ["intent", "decided_by"])
replies_fallbacks = Counter("mesh_replies_model_away_total", "Messages read without the model", ["why"])

webhooks = Counter("mesh_webhooks_total", "Notifications at the gateway", ["outcome"])
webhook_age = Histogram("mesh_webhook_age_seconds", "How old a notification's signature was", buckets=SECONDS)
replies_inbound = Counter("mesh_replies_inbound_total", "What became of TikTok's notifications", ["outcome"])
replies_swept = Counter("mesh_replies_swept_total", "What ran out, and notices that a piece is free", ["what"])
replies_waiting = Gauge("mesh_replies_waiting", "Messages of customers that wait for an answer")
replies_lag = Gauge("mesh_replies_lag_seconds", "How long the oldest of them has waited")
replies_open = Gauge("mesh_replies_open", "Replies that wait to be sent, or of which nobody knows", ["state"])
replies_accounts = Gauge("mesh_replies_accounts", "Business accounts by how they stand", ["state"])
crawl_pages = Counter("mesh_crawl_pages_total", "Pages read and published, by kind of crawl", ["crawl"])
crawl_rows = Counter("mesh_crawl_rows_total", "Rows read and published, by kind of crawl", ["crawl"])
crawl_failures = Counter("mesh_crawl_failures_total", "Failures in crawls, by what they were", ["crawl", "error"])
crawl_logins = Counter("mesh_crawl_logins_total", "Logins with a mailed code")
crawl_accounts_stopped = Counter("mesh_crawl_accounts_stopped_total", "Accounts that the site stopped", ["kind"])

http_requests = Counter("mesh_http_requests_total", "HTTP requests by route and status", ["route", "status"])
http_seconds = Histogram("mesh_http_seconds", "Time to answer", ["route"], buckets=SECONDS)

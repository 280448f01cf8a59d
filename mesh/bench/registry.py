"""Every benchmark there is, in the order in which they are run; a new one is a module and a line here."""

from mesh.bench.backlog import BACKLOG
from mesh.bench.benchmark import Benchmark
from mesh.bench.consume import CONSUME
from mesh.bench.creators import CREATORS
from mesh.bench.gateway import GATEWAY
from mesh.bench.ingest import INGEST
from mesh.bench.latency import LATENCY
from mesh.bench.memory import MEMORY
from mesh.bench.outbox import OUTBOX
from mesh.bench.relay import RELAY
from mesh.bench.replies import REPLIES
from mesh.bench.retry import RETRY
from mesh.bench.rows import COMPARED
from mesh.bench.schedules import SCHEDULES
from mesh.bench.startup import STARTUP

BENCHMARKS: dict[str, Benchmark] = {
    each.name: each
    for each in (
        *(STARTUP, INGEST, COMPARED, CREATORS, CONSUME, GATEWAY, OUTBOX, SCHEDULES, LATENCY, BACKLOG, RETRY),
        *(RELAY, REPLIES, MEMORY),
    )
}

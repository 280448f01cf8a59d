"""`mesh bench outbox`: what it is worth that the relay takes many rows at once, against one row at a time."""

from brokers.topology import CHATBOT_SAMPLE_BATCH as QUEUE
from mesh.bench import crawl, said
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Measured, Target, accounted
from mesh.bench.stage import Stage

BATCHED = "batched"
ROW_BY_ROW = "one row at a time"

#: The slow variant gets a share of the rows, so that both take seconds and neither minutes.
SHARE_OF_THE_SLOW = 20

_BODY = """[{"platformCreatorId": "7495000000000000321", "region": "MX",
"sampleId": "9C1E7B44-2D3F-4E1A-8B60-51D0C7A2F9E8",
"messages": [{"type": "text", "content": "¡Hola Lupita! Tu muestra ya va en camino. Producto: Clay mask 100 g"}]}]"""
_ROWS = """
INSERT INTO outbox (exchange, routing_key, message_id, type, headers, body, timestamp, created_at)
SELECT %s, %s, CONCAT('018f3c5a-0000-7000-8000-', LPAD(seq, 12, '0')), 'SendChatMessages', '{"task_count": 1}', %s,
    UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) FROM seq_1_to_10000000 WHERE seq <= %s
"""
#: Rows leave in the order in which they were numbered, so that the first one left says how many have left.
_LEFT_BEHIND = "SELECT COALESCE(MIN(id) - 1, {}) FROM outbox"


def _with(command: tuple[str, ...], share: int = 1) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        number = max(size // share, 1)
        async with stage.place() as place:
            await place.sql.executemany(_ROWS, [(QUEUE.exchange, QUEUE.name, _BODY, number)])
            async with place.process("publishers", command) as process:
                per_second, facts = await crawl.rate(place, process, number, tell, _LEFT_BEHIND.format(number))
            left = int(await place.sql.value("SELECT COUNT(*) FROM outbox"))
            found = await said.account(place, QUEUE, number)
        return crawl.measured(per_second, found + accounted(number, number - left, number - left), facts)

    return measure


OUTBOX = Benchmark(
    name="outbox",
    what="Rows of the outbox relayed by one publishers process, until confirmed and deleted.",
    unit="rows/s",
    variants=lambda: {
        BATCHED: _with(("mesh", "publishers")),
        ROW_BY_ROW: _with(("mesh.bench.row_by_row",), SHARE_OF_THE_SLOW),
    },
    size=40_000,
    sized_in="rows",
    targets=(Target(BATCHED, ROW_BY_ROW, at_least=5),),
)

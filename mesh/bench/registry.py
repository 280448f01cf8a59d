"""Every benchmark there is, in the order in which they are run; a new one is a module and a line here."""

from mesh.bench.benchmark import Benchmark
from mesh.bench.gateway import GATEWAY
from mesh.bench.ingest import INGEST
from mesh.bench.memory import MEMORY
from mesh.bench.rows import COMPARED
from mesh.bench.schedules import SCHEDULES
from mesh.bench.startup import STARTUP

BENCHMARKS: dict[str, Benchmark] = {each.name: each for each in (STARTUP, INGEST, COMPARED, GATEWAY, SCHEDULES, MEMORY)}

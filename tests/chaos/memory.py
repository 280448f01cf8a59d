"""How much memory each role takes while it works, and whether that grows."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

from tests.chaos.fleet import RoleProcess

SAMPLE_SECONDS = 2.0
WARM_UP = 0.3  # of the samples, in which caches, pools and the allocator find their size
MB = 1024 * 1024


@dataclass(eq=False)
class Memory:
    """One role's resident memory over time."""

    role: str
    seconds: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    def add(self, at: float, size: int) -> None:
        self.seconds.append(at)
        self.bytes.append(size)

    @property
    def warm(self) -> tuple[Sequence[float], Sequence[int]]:
        first = int(len(self.seconds) * WARM_UP)
        return self.seconds[first:], self.bytes[first:]

    @property
    def slope(self) -> float:
        """Bytes a second, by the least squares line through the samples after the warm-up."""
        times, sizes = self.warm
        middle, level = sum(times) / len(times), sum(sizes) / len(sizes)
        spread = sum((at - middle) ** 2 for at in times)
        return sum((at - middle) * (size - level) for at, size in zip(times, sizes, strict=True)) / spread

    @property
    def growth(self) -> float:
        """Bytes that the line rises from the end of the warm-up to the last sample."""
        times, _ = self.warm
        return self.slope * (times[-1] - times[0])

    def row(self) -> str:
        _, warm = self.warm
        sizes = (self.bytes[0], warm[0], warm[-1], max(self.bytes), self.growth, self.slope * 60)
        return f"{self.role:14}" + "".join(f"{size / MB:12.2f}" for size in sizes)

    @staticmethod
    def head() -> str:
        columns = ("start", "warm", "end", "peak", "growth", "MB a minute")
        return f"{'memory, MB':14}" + "".join(f"{column:>12}" for column in columns)


@asynccontextmanager
async def watched(roles: Iterable[RoleProcess]) -> AsyncIterator[list[Memory]]:
    """Sample the memory of each role for as long as the block lasts."""
    processes = {Memory(role.name): psutil.Process(role.pid) for role in roles}
    sampling = asyncio.create_task(_sample(processes))
    try:
        yield list(processes)
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)


async def _sample(processes: dict[Memory, psutil.Process]) -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    while True:
        for memory, process in processes.items():
            memory.add(clock() - began, process.memory_info().rss)
        await asyncio.sleep(SAMPLE_SECONDS)

"""Runs benchmarks: variants in turn, round after round, under a progress bar, within a time."""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from mesh.bench import peers
from mesh.bench.benchmark import Benchmark
from mesh.bench.figures import Figures, Measured
from mesh.bench.stage import Stage


async def measured(benchmark: Benchmark, on: Stage, rounds: int, size: int, progress: Progress) -> Figures:
    """Measure every variant once a round, so that whatever else the machine does falls on all of them alike."""
    left_out = () if peers.are_installed() else benchmark.peers
    variants = {name: measure for name, measure in benchmark.variants().items() if name not in left_out}
    values: dict[str, list[Measured]] = {name: [] for name in variants}
    task = progress.add_task(benchmark.name, total=rounds * len(variants))
    for number in range(rounds):
        for place, (name, measure) in enumerate(variants.items()):
            done = number * len(variants) + place
            progress.update(task, completed=done, description=f"{benchmark.name} {number + 1}/{rounds}: {name}")

            def tell(share: float, done: int = done) -> None:
                progress.update(task, completed=done + share)

            async with asyncio.timeout(benchmark.patience.total_seconds()):
                values[name].append(await measure(on, size, tell))
    progress.update(task, completed=rounds * len(variants), description=benchmark.name)
    return Figures(values)


def progress_on(console: Console) -> Progress:
    """Return the bar that is shown while benchmarks run."""
    return Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
    )

"""`mesh bench`: run some or all benchmarks, print what they say, keep it as JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import typer
import uvloop
from rich.console import Console

from mesh import logs
from mesh.bench import machine
from mesh.bench.benchmark import Benchmark
from mesh.bench.registry import BENCHMARKS
from mesh.bench.report import shown, written
from mesh.bench.runner import measured, progress_on
from mesh.bench.stage import stage
from mesh.console import console, print_json
from settings import Settings


def run(names: Sequence[str], rounds: int | None, size: int | None, *, as_json: bool) -> int:
    """Run the named benchmarks, or all; 1 if anything was lost or done twice."""
    chosen = choose(names)
    logs.configure("error", "console")
    folder = Settings().data_dir.resolve() / "bench"
    reports = uvloop.run(_run(chosen, folder, rounds, size))
    for report in reports:
        file = folder / f"{report['benchmark']}-{machine.stamp()}.json"
        file.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        report["file"] = str(file)
    if as_json:
        print_json(reports)
    else:
        for report in reports:
            shown(report, console)
    return int(not all(report["is_clean"] for report in reports))


def choose(names: Sequence[str]) -> list[Benchmark]:
    """Return the named benchmarks, or all; raises BadParameter for a name that there is not."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        raise typer.BadParameter(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return [BENCHMARKS[name] for name in names] or list(BENCHMARKS.values())


async def _run(chosen: Sequence[Benchmark], folder: Path, rounds: int | None, size: int | None) -> list[dict[str, Any]]:
    machine_before = machine.described()
    runs = []
    # Standard output is for the figures.
    with progress_on(Console(stderr=True)) as progress:
        async with stage(folder) as on:
            for each in chosen:
                sized = size or each.size
                runs.append((each, await measured(each, on, rounds or each.rounds, sized, progress), sized))
            described = {**machine_before, "versions": machine.versions(await on.versions())}
    return [written(each, figures, sized, described) for each, figures, sized in runs]

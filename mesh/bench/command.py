"""`mesh bench`: run some or all benchmarks, print what they say, keep it as JSON; make a page of what is kept."""

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
from mesh.bench.document import DEPLOY, write
from mesh.bench.registry import BENCHMARKS
from mesh.bench.report import shown, written
from mesh.bench.runner import measured, progress_on
from mesh.bench.stage import stage
from mesh.console import console, notes, print_json
from settings import Settings


def run(names: Sequence[str], rounds: int | None, size: int | None, *, as_json: bool) -> int:
    """Run the named benchmarks, or all; 1 if anything was lost or done twice."""
    chosen = choose(names)
    logs.configure("error", "console")
    reports = uvloop.run(_run(chosen, _folder(), rounds, size))
    if as_json:
        print_json(reports)
    else:
        for report in reports:
            shown(report, console)
    return int(not all(report["is_clean"] for report in reports))


def document() -> int:
    """Write deploy/BENCHMARKS.md from the newest figures; 1 if something of it could not be made."""
    complaints = list(write(_folder()))
    for complaint in complaints:
        notes.print(complaint, style="yellow")
    console.print(str(DEPLOY / "BENCHMARKS.md"))
    return int(bool(complaints))


def choose(names: Sequence[str]) -> list[Benchmark]:
    """Return the named benchmarks, or all; raises BadParameter for a name that there is not."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        raise typer.BadParameter(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return [BENCHMARKS[name] for name in names] or list(BENCHMARKS.values())


async def _run(chosen: Sequence[Benchmark], folder: Path, rounds: int | None, size: int | None) -> list[dict[str, Any]]:
    machine_before = machine.described()
    reports = []
    # Standard output is for the figures.
    with progress_on(Console(stderr=True)) as progress:
        async with stage(folder) as on:
            for each in chosen:
                sized = size or each.size
                figures = await measured(each, on, rounds or each.rounds, sized, progress)
                services = {"versions": machine.versions(await on.versions()), "settings": await on.settings()}
                reports.append(_kept(written(each, figures, sized, machine_before | services), folder))
    return reports


def _kept(report: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write a report at once, so that it stays whatever becomes of the benchmarks after it."""
    file = folder / f"{report['benchmark']}-{machine.stamp()}.json"
    file.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return {**report, "file": str(file)}


def _folder() -> Path:
    return Settings().data_dir.resolve() / "bench"

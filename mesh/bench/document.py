"""`mesh bench --document`: writes deploy/BENCHMARKS.md from the newest figures of each benchmark.

The figures themselves are kept beside it, so that the page can be made again on a machine that measured nothing, and so
are the notes that people write: `deploy/benchmarks/<name>.json`, `.png` and `.md`.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from mesh.bench import peers
from mesh.bench.machine import sentence
from mesh.bench.registry import BENCHMARKS
from mesh.bench.report import bound, columns
from mesh.bench.stage import ROOT

DEPLOY = ROOT / "deploy"

#: The benchmarks that are drawn; `plots.py` knows how, and cannot be asked: it needs libraries that are not here.
DRAWN = ("latency", "backlog")

_RUN = re.compile(r"(?P<name>[a-z]+)-\d{8}-\d{6}\.json")

Report = Mapping[str, Any]


def write(measured: Path, deploy: Path = DEPLOY) -> Iterator[str]:
    """Write the page from what `measured` and the page's own folder hold; yield in sentences what could not be done."""
    kept = deploy / "benchmarks"
    kept.mkdir(exist_ok=True)
    for name, report in newest([*measured.glob("*.json"), *kept.glob("*.json")]).items():
        (kept / f"{name}.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    for name in DRAWN:
        if (kept / f"{name}.json").exists():
            yield from _draw(kept / f"{name}.json", kept / f"{name}.png")
    (deploy / "BENCHMARKS.md").write_text(page(kept))


def newest(files: Sequence[Path]) -> dict[str, Report]:
    """Return the newest run of each benchmark; one of the benchmark's own size is preferred to a smaller one."""
    chosen: dict[str, Report] = {}
    for file in files:
        if _RUN.fullmatch(file.name) is None and file.stem not in BENCHMARKS:
            continue
        report = orjson.loads(file.read_bytes())
        name = report["benchmark"]
        if name in BENCHMARKS and (name not in chosen or _rank(report) > _rank(chosen[name])):
            chosen[name] = report
    return chosen


def page(kept: Path) -> str:
    """Return the page as the folder's figures, notes and plots make it."""
    reports = [
        orjson.loads((kept / f"{name}.json").read_bytes()) for name in BENCHMARKS if (kept / f"{name}.json").exists()
    ]
    parts = [_INTRODUCTION, _summary(reports), *(_section(report, kept) for report in reports)]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """\
# Benchmarks

What the mesh does on one machine, beside what it is compared to. `make bench ARGS=--document` writes this page from the
newest figures of each benchmark; what people say about a figure is in `benchmarks/<name>.md` and is taken over.

- Everything runs on private instances on one machine: broker, database, workers and whoever sends.
- Variants take turns, round after round. A figure is the median of the rounds; a ratio that of each round's ratios.
- Lost and duplicated effects are counted in SQL and in the queues by the bare driver. Either makes a run worthless.
- How a figure is to be read: [mesh/bench](../mesh/bench/README.md). The whole of a run: `benchmarks/<name>.json`."""


def _summary(reports: Sequence[Report]) -> str:
    if not reports:
        return "Nothing has been measured yet."
    lines = ["## Targets", "", "| benchmark | target and what came out | |", "|---|---|---|"]
    for report in reports:
        name = report["benchmark"]
        for target in report["targets"]:
            mark = "met" if target["is_met"] else "**missed**"
            lines.append(f"| [{name}](#{name}) | {bound(target, report['unit'])} | {mark} |")
    return "\n".join(lines)


def _section(report: Report, kept: Path) -> str:
    name = report["benchmark"]
    parts = [f"## {name}", report["what"], f"```sh\n{command(report)}\n```", _table(report)]
    if not report["is_clean"]:
        parts.append("**Something was lost or done twice: these figures are worth nothing.**")
    if left_out := report.get("left_out"):
        parts.append(f"Left out, because what they need was not installed: {', '.join(left_out)}.")
    if report["targets"]:
        parts.append("\n".join(_target(target, report["unit"]) for target in report["targets"]))
    if (kept / f"{name}.png").exists():
        parts.append(f"![{name}, drawn](benchmarks/{name}.png)")
    if (note := kept / f"{name}.md").exists():
        parts.append(note.read_text().strip())
    return "\n\n".join([*parts, _conditions(report)])


def command(report: Report) -> str:
    """Return the command that measures the same again."""
    rounds = len(report["variants"][0]["values"])
    return f'make bench ARGS="{report["benchmark"]} --rounds {rounds} --size {report["size"]}"'


def _table(report: Report) -> str:
    heads, rows = columns(report)
    shown = [index for index in range(len(heads)) if any(row[index] is not None for row in rows)]
    lines = [[heads[index] for index in shown], ["---" if not index else "--:" for index in shown]]
    lines += [["-" if row[index] is None else str(row[index]) for index in shown] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _target(target: Mapping[str, Any], unit: str) -> str:
    return f"- {'met' if target['is_met'] else '**missed**'}: {bound(target, unit)}"


def _conditions(report: Report) -> str:
    machine = report["machine"]
    rounds = len(report["variants"][0]["values"])
    told = f"{report['size']:,} {report['sized_in']} a round, rounds: {rounds}, measured at {machine['measured_at']}"
    settings = report.get("settings", {}) | machine.get("settings", {})
    lines = [f"- {name}: {value}" for name, value in settings.items()]
    return "\n".join([*lines, f"- run: {told}", f"- machine: {sentence(machine)}"])


def _rank(report: Report) -> tuple[bool, str]:
    return report["size"] >= BENCHMARKS[report["benchmark"]].size, report["machine"]["measured_at"]


def _draw(report: Path, plot: Path) -> Iterator[str]:
    if not peers.are_installed():
        yield f"{plot.name} was not drawn: matplotlib is in the peers' environment, which `make bench` installs"
        return
    drawing = [str(peers.python()), "-m", "mesh.bench.plots", str(report), str(plot)]
    ended = subprocess.run(drawing, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if ended.returncode:
        yield f"{plot.name} was not drawn: {ended.stderr.strip()}"

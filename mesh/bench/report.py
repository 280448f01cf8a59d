"""How figures are told: as JSON for programs, as a table for people, with loss beside every throughput."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rich.console import Console

from mesh.bench.benchmark import Benchmark
from mesh.bench.figures import Figures, Target
from mesh.bench.machine import sentence
from mesh.console import table


def written(benchmark: Benchmark, figures: Figures, size: int, machine: dict[str, Any]) -> dict[str, Any]:
    """Return all there is to know of a run, as plain JSON values."""
    return {
        "benchmark": benchmark.name,
        "what": benchmark.what,
        "unit": benchmark.unit,
        "size": size,
        "sized_in": benchmark.sized_in,
        "told": list(benchmark.told),
        "settings": dict(benchmark.settings),
        "variants": [_variant(name, figures) for name in figures.values],
        "left_out": [name for name in benchmark.peers if name not in figures.values],
        "targets": [_target(target, figures) for target in benchmark.targets if target.is_about(figures.values)],
        "is_clean": figures.is_clean,
        "machine": machine,
    }


def _variant(name: str, figures: Figures) -> dict[str, Any]:
    account = figures.account_of(name)
    return {
        "name": name,
        "median": figures.median_of(name),
        "values": [each.value for each in figures.values[name]],
        "expected": account and account.expected,
        "lost": account and account.lost,
        "duplicated": account and account.duplicated,
        "facts": [dict(each.facts) for each in figures.values[name]],
    }


def _target(target: Target, figures: Figures) -> dict[str, Any]:
    value = figures.value_of(target)
    return {
        "of": target.of,
        "to": target.to,
        "fact": target.fact,
        "at_least": target.at_least,
        "at_most": target.at_most,
        "value": round(value, 3),
        "is_met": target.is_met_by(value),
    }


def shown(report: dict[str, Any], console: Console) -> None:
    """Print a run: variants, targets, machine, and where the JSON is."""
    title = f"{report['benchmark']}: {report['what']}"
    console.print(table(title, *columns(report)))
    for target in report["targets"]:
        mark = "[green]✓[/]" if target["is_met"] else "[red]✗[/]"
        console.print(f"{mark} {bound(target, report['unit'])}")
    if report["left_out"]:
        console.print(f"Left out: {', '.join(report['left_out'])}; `make bench` installs them.", style="yellow")
    console.print(f"{report['size']:,} {report['sized_in']} a round. {sentence(report['machine'])}", style="dim")
    settings = report["settings"] | report["machine"].get("settings", {})
    console.print("; ".join(f"{name}: {value}" for name, value in settings.items()), style="dim")
    if not report["is_clean"]:
        console.print("Something was lost or done twice: these figures are worth nothing.", style="bold red")
    console.print(f"{report['file']}\n", style="dim", soft_wrap=True)


def columns(report: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Return the heads of a run's table and a row for each variant; what is not known is None."""
    told = report.get("told", ())
    heads = ["variant", f"median {report['unit']}", *(name.replace("_", " ") for name in told)]
    rows = [
        [
            each["name"],
            number(each["median"]),
            *(_middle(each["facts"], name) for name in told),
            " ".join(number(value) for value in each["values"]),
            each["lost"],
            each["duplicated"],
        ]
        for each in report["variants"]
    ]
    return [*heads, "all rounds", "lost", "duplicated"], rows


def bound(target: Mapping[str, Any], unit: str) -> str:
    """Return a target and what came out in one line."""
    what = f"{target['of']} / {target['to']}" if target["to"] else target["of"]
    value = f"{target['value']:.2f}" if target["to"] else f"{number(target['value'])} {target['fact'] or unit}"
    wanted = f"at least {target['at_least']:g}" if target["at_least"] is not None else f"at most {target['at_most']:g}"
    return f"{what}: {value}, wanted {wanted}"


def _middle(facts: Sequence[Mapping[str, Any]], name: str) -> str | None:
    """Return the median of a fact over the rounds, or the last of one that is no number."""
    known = [each[name] for each in facts if each.get(name) is not None]
    if not known:
        return None
    return number(median(known)) if all(isinstance(each, int | float) for each in known) else str(known[-1])


def number(value: float) -> str:
    """Return a figure with the digits that are known."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits are what is known

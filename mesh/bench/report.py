"""How figures are told: as JSON for programs, as a table for people, with loss beside every throughput."""

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
        "variants": [_variant(name, figures) for name in figures.values],
        "targets": [_target(target, figures) for target in benchmark.targets],
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
    unit = report["unit"]
    rows = [
        (each["name"], _number(each["median"]), _spread(each["values"]), each["lost"], each["duplicated"])
        for each in report["variants"]
    ]
    title = f"{report['benchmark']}: {report['what']}"
    console.print(table(title, ["variant", f"median {unit}", "all rounds", "lost", "duplicated"], rows))
    for target in report["targets"]:
        console.print(_told(target, unit))
    console.print(f"{report['size']:,} {report['sized_in']} a round. {sentence(report['machine'])}", style="dim")
    if not report["is_clean"]:
        console.print("Something was lost or done twice: these figures are worth nothing.", style="bold red")
    console.print(f"{report['file']}\n", style="dim", soft_wrap=True)


def _told(target: dict[str, Any], unit: str) -> str:
    mark = "[green]✓[/]" if target["is_met"] else "[red]✗[/]"
    what = f"{target['of']} / {target['to']}" if target["to"] else target["of"]
    value = f"{target['value']:.2f}" if target["to"] else f"{_number(target['value'])} {target['fact'] or unit}"
    bound = f"at least {target['at_least']:g}" if target["at_least"] is not None else f"at most {target['at_most']:g}"
    return f"{mark} {what}: [bold]{value}[/], wanted {bound}"


def _spread(values: list[float]) -> str:
    return " ".join(_number(value) for value in values)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits are what is known

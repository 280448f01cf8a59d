import asyncio
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from rich.console import Console

from mesh.bench import peers
from mesh.bench.benchmark import Benchmark
from mesh.bench.command import choose
from mesh.bench.figures import Account, Measured, Target
from mesh.bench.registry import BENCHMARKS
from mesh.bench.report import columns, shown, written
from mesh.bench.runner import measured, progress_on

MACHINE = {
    "cpu": "Abacus",
    "cores": 2,
    "memory_gb": 8.0,
    "load_before": [0.5],
    "system": "Linux",
    "versions": {"Python": "3.11"},
}
QUIET = Console(file=io.StringIO())


def benchmark(order: list[str], lost: int = 0) -> Benchmark:
    def variant(name: str, value: float) -> Any:
        async def measure(_stage: object, size: int, tell: Callable[[float], None]) -> Measured:
            order.append(name)
            tell(1)
            return Measured(value, Account(expected=size, lost=lost if name == "b" else 0))

        return measure

    return Benchmark(
        name="toy",
        what="A toy.",
        unit="toys/s",
        variants=lambda: {"a": variant("a", 12.0), "b": variant("b", 2.0)},
        size=10,
        sized_in="toys",
        targets=(Target("a", "b", at_least=5),),
    )


async def run(toy: Benchmark, rounds: int = 2) -> dict[str, Any]:
    figures = await measured(toy, cast("Any", None), rounds, toy.size, progress_on(QUIET))
    return written(toy, figures, toy.size, MACHINE)


async def test_variants_take_turns() -> None:
    order: list[str] = []
    await run(benchmark(order), rounds=3)
    assert order == ["a", "b"] * 3


async def test_the_report_says_values_medians_and_whether_the_target_is_met() -> None:
    report = await run(benchmark([]))
    assert report["variants"][0]["values"] == [12.0, 12.0]
    assert report["variants"][0]["expected"] == 20
    bound = {"of": "a", "to": "b", "fact": None, "at_least": 5, "at_most": None}
    assert report["targets"] == [{**bound, "value": 6.0, "is_met": True}]
    assert report["is_clean"]


async def test_a_loss_is_shown_beside_the_throughput_and_spoils_it() -> None:
    report = await run(benchmark([], lost=3))
    page = Console(file=io.StringIO(), width=120)
    shown({**report, "file": "toy.json"}, page)
    told = cast("io.StringIO", page.file).getvalue()
    assert report["is_clean"] is False
    assert report["variants"][1]["lost"] == 6
    assert "worth nothing" in told


async def test_without_their_environment_the_peers_and_their_targets_are_left_out_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    order: list[str] = []
    report = await run(replace(benchmark(order), peers=("b",)))
    page = Console(file=io.StringIO(), width=120)
    shown({**report, "file": "toy.json"}, page)
    assert order == ["a", "a"]
    assert report["targets"] == []
    assert "Left out: b; `make bench` installs them." in cast("io.StringIO", page.file).getvalue()


async def test_with_their_environment_the_peers_take_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    (tmp_path / ".made-from").touch()
    order: list[str] = []
    report = await run(replace(benchmark(order), peers=("b",)), rounds=1)
    assert order == ["a", "b"]
    assert report["left_out"] == []


def test_without_a_name_all_benchmarks_run() -> None:
    assert [each.name for each in choose([])] == list(BENCHMARKS)


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(typer.BadParameter, match="ingest"):
        choose(["ingets"])


def test_every_target_is_about_variants_that_exist() -> None:
    for each in BENCHMARKS.values():
        names = set(each.variants())
        assert {name for target in each.targets for name in (target.of, target.to) if name} <= names
        assert set(each.peers) <= names


async def test_facts_that_a_benchmark_tells_are_columns_of_their_own() -> None:
    async def measure(_stage: object, _size: int, _tell: object) -> Measured:
        return Measured(12.0, None, {"p99_ms": 40.0, "keeps_up": "yes", "secret": 7})

    toy = replace(benchmark([]), variants=lambda: {"a": measure}, targets=(), told=("p99_ms", "keeps_up"))
    heads, (row,) = columns(await run(toy))
    assert dict(zip(heads, row, strict=True))["p99 ms"] == "40"
    assert dict(zip(heads, row, strict=True))["keeps up"] == "yes"
    assert "secret" not in heads


async def test_a_measurement_that_outlasts_its_patience_is_given_up() -> None:
    async def measure(_stage: object, _size: int, _tell: object) -> Measured:
        await asyncio.Event().wait()
        raise AssertionError

    toy = replace(benchmark([]), variants=lambda: {"a": measure}, patience=timedelta(milliseconds=1))
    with pytest.raises(TimeoutError):
        await run(toy)

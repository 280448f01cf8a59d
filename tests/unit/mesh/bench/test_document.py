from pathlib import Path
from typing import Any

import orjson
import pytest

from mesh.bench import document, peers
from mesh.bench.document import newest, write


def report(
    name: str = "ingest", size: int = 20_000, at: str = "2026-01-01T10:00:00", value: float = 100
) -> dict[str, Any]:
    machine = {
        "measured_at": at,
        "cpu": "Abacus",
        "cores": 2,
        "memory_gb": 8.0,
        "load_before": [0.5],
        "system": "Linux",
        "versions": {"Python": "3.11"},
    }
    variant = {
        "name": "ours",
        "median": value,
        "values": [value],
        "expected": 5,
        "lost": 0,
        "duplicated": 0,
        "facts": [{}],
    }
    target = {
        "of": "ours",
        "to": None,
        "fact": None,
        "at_least": 50,
        "at_most": None,
        "value": value,
        "is_met": value >= 50,
    }
    return {
        "benchmark": name,
        "what": "A toy.",
        "unit": "toys/s",
        "size": size,
        "sized_in": "toys",
        "told": [],
        "settings": {"prefetch": "100"},
        "variants": [variant],
        "targets": [target],
        "is_clean": True,
        "machine": machine,
    }


def keep(folder: Path, run: dict[str, Any], stamp: str = "20260101-100000") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{run['benchmark']}-{stamp}.json"
    file.write_bytes(orjson.dumps(run))
    return file


def test_the_newest_run_is_told(tmp_path: Path) -> None:
    old = keep(tmp_path, report(at="2026-01-01T10:00:00", value=1), "20260101-100000")
    new = keep(tmp_path, report(at="2026-02-01T10:00:00", value=2), "20260201-100000")
    assert newest([new, old])["ingest"]["variants"][0]["median"] == 2


def test_a_small_run_does_not_replace_one_of_the_whole_size(tmp_path: Path) -> None:
    whole = keep(tmp_path, report(value=1), "20260101-100000")
    small = keep(tmp_path, report(size=300, at="2026-02-01T10:00:00", value=2), "20260201-100000")
    assert newest([whole, small])["ingest"]["variants"][0]["median"] == 1


def test_other_files_are_not_figures(tmp_path: Path) -> None:
    (tmp_path / "address.json").write_text("{}")
    assert newest([tmp_path / "address.json"]) == {}


def test_the_page_says_figures_losses_targets_conditions_and_the_command(tmp_path: Path) -> None:
    keep(tmp_path / "measured", report())
    assert list(write(tmp_path / "measured", tmp_path)) == []
    said = (tmp_path / "BENCHMARKS.md").read_text()
    assert "| ours | 100 | 100 | 0 | 0 |" in said
    assert "met: ours: 100 toys/s, wanted at least 50" in said
    assert 'make bench ARGS="ingest --rounds 1 --size 20000"' in said
    assert "- prefetch: 100" in said
    assert "Abacus, 2 cores" in said


def test_a_target_that_is_missed_and_a_loss_are_not_hidden(tmp_path: Path) -> None:
    spoilt = report(value=10)
    spoilt["is_clean"] = False
    spoilt["variants"][0]["lost"] = 3
    keep(tmp_path / "measured", spoilt)
    list(write(tmp_path / "measured", tmp_path))
    said = (tmp_path / "BENCHMARKS.md").read_text()
    assert "**missed**" in said
    assert "worth nothing" in said


def test_what_people_wrote_and_figures_measured_elsewhere_outlive_a_new_page(tmp_path: Path) -> None:
    keep(tmp_path / "measured", report())
    list(write(tmp_path / "measured", tmp_path))
    (tmp_path / "benchmarks" / "ingest.md").write_text("The disk was slow.\n")
    (tmp_path / "nothing").mkdir()
    list(write(tmp_path / "nothing", tmp_path))
    said = (tmp_path / "BENCHMARKS.md").read_text()
    assert "The disk was slow." in said
    assert "| ours | 100 | 100 | 0 | 0 |" in said


def test_without_the_peers_environment_plots_are_missed_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "are_installed", lambda: False)
    keep(tmp_path / "measured", report("latency"))
    (complaint,) = write(tmp_path / "measured", tmp_path)
    assert "make bench" in complaint
    assert "latency.png" not in (tmp_path / "BENCHMARKS.md").read_text()


def test_every_benchmark_that_is_drawn_has_its_drawing() -> None:
    drawing = (Path(document.__file__).parent / "plots.py").read_text()
    assert [name for name in document.DRAWN if f'"{name}": {name}' not in drawing] == []

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def test_a_small_run_of_ingest_loses_nothing_and_writes_its_figures(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mesh", "bench", "ingest", "--rounds", "1", "--size", "300", "--json"]
    ended = subprocess.run(
        command, env={**os.environ, "MESH_DATA_DIR": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    (report,) = json.loads(ended.stdout)
    assert json.loads(Path(report["file"]).read_text())["benchmark"] == "ingest"
    assert {(each["lost"], each["duplicated"]) for each in report["variants"]} == {(0, 0)}
    assert len(report["variants"]) + len(report["left_out"]) == 7
    assert {"RabbitMQ", "MariaDB"} <= set(report["machine"]["versions"])


def measured(folder: Path, name: str, size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "mesh", "bench", name, "--rounds", "1", "--size", str(size), "--json"]
    ended = subprocess.run(
        command, env={**os.environ, "MESH_DATA_DIR": str(folder)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    (report,) = json.loads(ended.stdout)
    assert {(each["lost"], each["duplicated"]) for each in report["variants"]} == {(0, 0)}
    return dict(report)


@pytest.mark.long
def test_a_backlog_is_drained_to_the_last_and_its_course_is_known(tmp_path: Path) -> None:
    report = measured(tmp_path, "backlog", 3000)
    largest = report["variants"][-1]
    assert largest["expected"] == 3000 + 1500
    (facts,) = largest["facts"]
    assert facts["course"][-1][1] > 2000
    assert facts["rss_mb"] > 50
    assert facts["broker_mb"] > 50


@pytest.mark.long
def test_every_message_that_is_consumed_is_counted_and_none_is_left(tmp_path: Path) -> None:
    report = measured(tmp_path, "consume", 300)
    assert [each["expected"] for each in report["variants"]] == [300] * (4 - len(report["left_out"]))
    assert all(value > 0 for each in report["variants"] for value in each["values"])


@pytest.mark.long
def test_latency_is_known_for_every_rate_and_way(tmp_path: Path) -> None:
    report = measured(tmp_path, "latency", 2)
    assert len(report["variants"]) == 6
    for variant in report["variants"]:
        (facts,) = variant["facts"]
        assert 0 < facts["p50_ms"] <= facts["p99_ms"] <= facts["p99.9_ms"]
    assert report["variants"][0]["facts"][0]["keeps_up"] == "yes"


@pytest.mark.long
def test_messages_that_fail_twice_all_come_back_and_never_early(tmp_path: Path) -> None:
    for variant in measured(tmp_path, "retry", 60)["variants"]:
        (facts,) = variant["facts"]
        assert facts["attempts"] == {"1": 60, "2": 60, "3": 60}
        assert facts["least_ms"] >= 0
        assert facts["parked"] == 0

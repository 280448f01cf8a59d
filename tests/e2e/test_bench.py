import json
import os
import subprocess
import sys
from pathlib import Path


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

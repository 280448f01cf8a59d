import io
import json
from pathlib import Path

from rich.console import Console

from mesh.follow import Follower


def shown(path: Path, *added: str) -> str:
    said = io.StringIO()
    follower = Follower({"worker": path}, Console(file=said, width=200))
    with path.open("a") as log:
        log.writelines(added)
    follower.catch_up()
    return said.getvalue()


def test_a_record_becomes_words_with_its_role(tmp_path: Path) -> None:
    record = {"timestamp": "2026-05-01T10:20:30Z", "level": "info", "event": "samples_stored", "rows": 3}
    said = shown(tmp_path / "worker.log", json.dumps(record) + "\n")
    assert said.split() == ["worker", "│", "10:20:30", "samples_stored", "rows=3"]


def test_what_is_no_json_is_shown_as_it_is(tmp_path: Path) -> None:
    assert "Traceback [bold] it" in shown(tmp_path / "worker.log", "Traceback [bold] it\n")


def test_earlier_lines_and_half_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_text("of the last run\n")
    said = shown(path, "whole\n", "half")
    assert said.split() == ["worker", "│", "whole"]

import asyncio
import io
import json
from pathlib import Path

from rich.console import Console

from mesh.follow import follow, sizes


async def shown(path: Path, *added: str) -> str:
    said = io.StringIO()
    logs = {"worker": path}
    following = asyncio.create_task(follow(logs, Console(file=said, width=200), sizes(logs)))
    await asyncio.sleep(0)
    with path.open("a") as log:
        log.writelines(added)
    async with asyncio.timeout(5):
        while not said.getvalue():
            await asyncio.sleep(0.01)
    following.cancel()
    return said.getvalue()


async def test_a_record_becomes_words_with_its_role(tmp_path: Path) -> None:
    record = {"timestamp": "2026-05-01T10:20:30Z", "level": "info", "event": "samples_stored", "rows": 3}
    said = await shown(tmp_path / "worker.log", json.dumps(record) + "\n")
    assert said.split() == ["worker", "│", "10:20:30", "samples_stored", "rows=3"]


async def test_what_is_no_json_is_shown_as_it_is(tmp_path: Path) -> None:
    assert "Traceback [bold] it" in await shown(tmp_path / "worker.log", "Traceback [bold] it\n")


async def test_earlier_lines_and_half_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_text("of the last run\n")
    said = await shown(path, "whole\n", "half")
    assert said.split() == ["worker", "│", "whole"]

"""What an operator does about stock, from the command to SQL."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import mesh.logs  # noqa: F401  it keeps the stderr of its first import, which must not be the one of a runner
from mesh.cli import app
from persistence.migrate import upgrade

EXAMPLE = Path(__file__).parents[2] / "mesh" / "examples" / "stock.csv"


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    monkeypatch.setenv("MESH_DATABASE_URL", url)
    monkeypatch.setenv("MESH_DATA_DIR", str(tmp_path))
    asyncio.run(upgrade(url))
    return url


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["stock", *words])


def test_the_example_is_imported_and_importing_it_again_changes_nothing() -> None:
    first, again = run("import", str(EXAMPLE)), run("import", str(EXAMPLE))
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "40 added, 0 changed, 0 as they were, 0 left out." in first.output
    assert "0 added, 0 changed, 40 as they were, 0 left out." in again.output
    assert len(json.loads(run("list", "--json").output)) == 40


def test_good_rows_come_in_and_bad_ones_are_told_by_line(tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    lines = EXAMPLE.read_text().splitlines()
    file.write_text("\n".join([*lines[:3], lines[3].replace(",950,", ",cheap,"), *lines[4:6]]))
    said = run("import", str(file))
    assert said.exit_code == 1
    assert "4 added, 0 changed, 0 as they were, 1 left out." in said.output
    assert "TH-B-003" in said.output
    assert "price_kes" in said.output


def test_a_dry_run_changes_nothing() -> None:
    said = run("import", str(EXAMPLE), "--dry-run")
    assert "40 rows are good, 0 are not; nothing was changed." in said.output
    assert json.loads(run("list", "--json").output) == []


@pytest.mark.parametrize("content", [b"not,a,stock,file\n1,2,3,4\n", b"\xff\xfe\x00", b""])
def test_a_file_that_is_none_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "stock.csv"
    file.write_bytes(content)
    said = run("import", str(file))
    assert said.exit_code == 1
    assert "Traceback" not in said.output
    assert str(file) in said.output.replace("\n", "")


def test_a_search_shows_what_a_customer_would_be_offered() -> None:
    run("import", str(EXAMPLE))
    said = run("search", "blue", "coat", "--json")
    assert [each["item"]["sku"] for each in json.loads(said.output)] == ["TH-P-002"]
    assert "TH-P-002" in run("search", "coat blue").output
    assert run("list", "--status", "lost").exit_code == 2

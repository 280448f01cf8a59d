"""The folders are where a newcomer would look for them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = (
    "mesh",
    "handlers",
    "publishers",
    "persistence",
    "adapters",
    "crawlers",
    "brokers",
    "schemas",
    "settings",
    "deploy",
    "tests",
)
MOST_LINES = 330  # a module past it becomes a package of the same name


def _modules() -> list[Path]:
    return [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_says_what_lives_in_it(folder: str) -> None:
    readme = ROOT / folder / "README.md"
    assert readme.exists()
    assert len(readme.read_text().splitlines()) > 5


def test_no_module_is_too_long_to_read() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in _modules() if (lines := _lines(path)) > MOST_LINES}
    assert long == {}


def test_every_product_module_says_what_it_is_answerable_for() -> None:
    silent = [
        path for path in _modules() if "tests" not in path.parts and not path.read_text().lstrip().startswith('"""')
    ]
    assert silent == []


def test_nothing_has_a_name_that_says_nothing() -> None:
    nameless = {"utils.py", "helpers.py", "common.py", "services.py", "manager.py", "misc.py"}
    assert [path for path in _modules() if path.name in nameless] == []


def test_unit_tests_stand_where_their_subjects_do() -> None:
    stray = [
        folder
        for folder in (ROOT / "tests" / "unit").iterdir()
        if folder.is_dir() and folder.name not in {*FOLDERS, "map", "__pycache__"}
    ]
    assert stray == []


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())

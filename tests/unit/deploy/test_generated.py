"""What is generated says what the code says."""

from pathlib import Path

import pytest

from deploy.generate import FILES, needs


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    assert path.read_text() == FILES[path](), "run `make fix`"


def test_the_image_gets_what_the_mesh_imports_and_no_tools() -> None:
    lock = (Path(__file__).parents[3] / "deploy" / "requirements.lock").read_text()
    names = {line.split("==")[0] for line in lock.splitlines() if "==" in line}
    assert {"aiormq", "pamqp", "asyncmy", "sqlalchemy", "greenlet", "uvloop", "starlette", "click"} <= names
    assert "cryptography" in names, "asyncmy imports it by itself for the login that MySQL 8 asks for by default"
    assert not names & {"pytest", "ruff", "mypy", "hypothesis", "schemathesis", "import-linter"}


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_everything_in_the_image_is_pinned_with_hashes_and_no_address(name: str) -> None:
    lines = (Path(__file__).parents[3] / "deploy" / name).read_text().splitlines()
    packages = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    assert packages
    assert all("==" in lines[number] for number in packages)
    assert all(lines[number + 1].startswith("    --hash=sha256:") for number in packages)
    assert not any("://" in line for line in lines)


def test_a_package_is_followed_through_its_extras() -> None:
    assert "greenlet" in needs(["sqlalchemy[asyncio]>=2"])

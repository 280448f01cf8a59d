import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PINNED = re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ]+)", LOCK, re.MULTILINE)
PINS = dict(PINNED)


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for group in project["optional-dependencies"].values() for line in group)]
    return [Requirement(line) for line in lines]


def test_every_dependency_is_pinned_to_a_version_that_is_wanted() -> None:
    stale = [
        str(requirement)
        for requirement in declared()
        if PINS.get(canonicalize_name(requirement.name), "0") not in requirement.specifier
    ]
    assert stale == [], "run `make lock`"


def test_every_pin_has_hashes() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert len(entries) == len(PINNED)  # one more where it depends on Python's version
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_names_no_registry() -> None:
    assert re.findall(r"https?://|index-url|find-links|file:", LOCK) == []

"""Writes the files of `deploy/` that say what the code says; `make fix` runs it, and a test compares.

`python -m deploy.generate`
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from brokers import declare, topology
from brokers.asyncapi import asyncapi
from brokers.definitions import definitions
from handlers import ROUTES
from mesh import __version__
from mesh.bench import document

ROOT = Path(__file__).resolve().parent.parent

#: What the image runs, for the conditions that packages put on their dependencies.
IMAGE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "sys_platform": "linux",
}


def described() -> str:
    """Return the AsyncAPI document of every queue."""
    return _json(asyncapi(topology.QUEUES, ROUTES, __version__))


def defined() -> str:
    """Return the topology as RabbitMQ definitions."""
    return _json(definitions(declare.whole(topology.DOMAINS, topology.QUEUES)))


def pinned() -> str:
    """Return the part of requirements.lock that a running mesh needs: no test tools, no linters."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = needs(project["dependencies"])
    blocks = _blocks((ROOT / "requirements.lock").read_text())
    return "".join(block for name, block in blocks if name in needed)


def benched() -> str:
    """Return the page of the benchmarks, from the figures and notes that are kept beside it."""
    return document.page(ROOT / "deploy" / "benchmarks")


FILES: dict[Path, Callable[[], str]] = {
    ROOT / "deploy" / "asyncapi.json": described,
    ROOT / "deploy" / "rabbitmq-definitions.json": defined,
    ROOT / "deploy" / "requirements.lock": pinned,
    ROOT / "deploy" / "BENCHMARKS.md": benched,
}


def needs(requirements: Iterable[str]) -> set[str]:
    """Return the names of all packages that requirements lead to in the image, through the installed ones' metadata."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    open_ends = [Requirement(text) for text in requirements]
    while open_ends:
        requirement = open_ends.pop()
        name = canonicalize_name(requirement.name)
        found.add(name)
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            open_ends += _asked_by(name, extra)
    return found


def _asked_by(name: str, extra: str) -> Iterator[Requirement]:
    try:
        stated = requires(name) or []
    except PackageNotFoundError:  # for another platform than the one this runs on
        return
    for requirement in map(Requirement, stated):
        if requirement.marker is None or requirement.marker.evaluate({**IMAGE, "extra": extra}):
            yield requirement


def _blocks(lock: str) -> Iterator[tuple[str, str]]:
    """Split a lock file into packages: a line with name and version, then its hashes."""
    for block in re.split(r"^(?=[a-zA-Z0-9])", lock, flags=re.MULTILINE):
        if "==" in block:
            yield canonicalize_name(block.split("==")[0]), block


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every file."""
    for path, text in FILES.items():
        path.write_text(text())


if __name__ == "__main__":
    main()

import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from xdist.scheduler import LoadFileScheduling

from tests.build.telling import is_worker, tell, told

#: Left out unless the run names them: they take minutes.
ON_REQUEST = ("long", "soak")

# xdist tells its workers that they write 80 columns wide; what a test reads is as wide as a file.
os.environ.pop("COLUMNS", None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked so, unless `-m` speaks of the marker: an `-m` in addopts would be lost to another."""
    unasked = [marker for marker in ON_REQUEST if marker not in config.option.markexpr]
    left_out = [item for item in items if any(map(item.get_closest_marker, unasked))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


class ByFile(LoadFileScheduling):
    """Gives out whole files, and all of `chaos/` to one worker: two meshes under fire at once starve each other."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "chaos" if file.startswith("tests/chaos/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if is_worker(session.config):
        session.config.workeroutput["told"] = told(session.config)  # type: ignore[attr-defined]  # xdist's


def pytest_testnodedown(node: Any) -> None:
    for title, lines in getattr(node, "workeroutput", {}).get("told", {}).items():
        tell(node.config, title, lines)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for title, lines in told(config).items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Undo what a test's process set up, so that the next one can capture what is logged."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()

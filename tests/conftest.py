from collections.abc import Iterator

import pytest
import structlog

#: Left out unless the run names them: they take minutes.
ON_REQUEST = ("long", "soak")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked so, unless `-m` speaks of the marker: an `-m` in addopts would be lost to another."""
    unasked = [marker for marker in ON_REQUEST if marker not in config.option.markexpr]
    left_out = [item for item in items if any(map(item.get_closest_marker, unasked))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Undo what a test's process set up, so that the next one can capture what is logged."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Undo what a test's process set up, so that the next one can capture what is logged."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()

"""What tests have to say at the end of a run, also those in a worker of pytest-xdist, which has no terminal."""

from collections.abc import Iterable

import pytest

TOLD = pytest.StashKey[dict[str, list[str]]]()


def tell(config: pytest.Config, title: str, lines: Iterable[str]) -> None:
    """Have lines printed below a title once all tests have ended."""
    told(config).setdefault(title, []).extend(lines)


def told(config: pytest.Config) -> dict[str, list[str]]:
    """Return what this process has to say, by title."""
    return config.stash.setdefault(TOLD, {})


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for another one, which has the terminal."""
    return hasattr(config, "workeroutput")

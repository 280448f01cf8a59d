"""What benchmarks stand beside: programs on other people's libraries, run by an environment that only holds those.

The product's environment never gets them. `deploy/setup.sh bench` makes theirs from `deploy/bench.lock`.
"""

from pathlib import Path

from mesh.bench.stage import ROOT

FOLDER = ROOT / ".venv-bench"


class PeersMissing(RuntimeError):
    """The environment of the peers is not there."""


def are_installed() -> bool:
    """Whether the peers' environment was made to its end."""
    return (FOLDER / ".made-from").exists()


def python() -> Path:
    """Return the interpreter that has the peers' libraries; raises PeersMissing with what to do about it."""
    if not are_installed():
        raise PeersMissing("the peers are not installed: run `make bench`")
    return FOLDER / "bin" / "python"

"""`mesh env`: how any other program joins the running `mesh up`, and how our own commands do."""

import os
import shlex
import sys

from mesh.data_dir import DataDir
from settings import Settings


def run() -> int:
    """Print shell exports of the running mesh; 1 when none runs in this folder."""
    folder = DataDir(Settings().data_dir)
    environment = folder.running()
    if environment is None:
        sys.stderr.write(f"mesh: nothing runs in {folder.path}. Start it with `mesh up`.\n")
        return 1
    for name, value in environment.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


def join() -> None:
    """Take the addresses of the mesh that runs in this folder, unless a broker is set: then settings have the word."""
    settings = Settings()
    if settings.broker_url is not None:
        return
    for name, value in (DataDir(settings.data_dir).running() or {}).items():
        os.environ.setdefault(name, value)

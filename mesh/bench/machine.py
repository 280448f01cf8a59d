"""What a figure was measured on: without it the figure says nothing."""

import os
import platform
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from schemas.clock import utc_now

_LIBRARIES = ("aiormq", "asyncmy", "pydantic", "sqlalchemy", "uvloop")


def described() -> dict[str, Any]:
    """Return hardware, load and time, as they are before a run."""
    return {
        "measured_at": utc_now().isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": [round(each, 2) for each in os.getloadavg()],
        "system": platform.platform(terse=True),
    }


def versions(services: dict[str, str]) -> dict[str, str]:
    """Return the versions of what the figures depend on, those of the services among them."""
    libraries = {library: version(library) for library in _LIBRARIES}
    return {"Python": platform.python_version(), **services, **libraries}


def sentence(machine: dict[str, Any]) -> str:
    """Return the same in one line for people."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    cores = f"{machine['cores']} cores, {machine['memory_gb']:g} GB"
    return f"{machine['cpu']}, {cores}, load {machine['load_before'][0]:g} before; {machine['system']}; {versions}"


def stamp() -> str:
    """Return the moment as part of a file's name."""
    return datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())

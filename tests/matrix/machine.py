"""Whether this machine can run other releases' servers, and if not, what is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.matrix.apt import configured, mirror_of

#: Mount and process flags of `os.statvfs`, spelled out where Python knows them: Linux alone.
_UNUSABLE = {"noexec": getattr(os, "ST_NOEXEC", 0), "nodev": getattr(os, "ST_NODEV", 0)}
#: A tree with a broker, a database and what they need, twice: the new one is made beside the old.
_ROOM_GB = 3
#: Debian's keys, in the package of the same name.
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
#: In whose mount namespace we are is remembered here, since a process cannot tell.
_APART = "MESH_MATRIX_APART"


class Unsuitable(Exception):
    """What stands in the way, in words for whoever wants to run the matrix."""


def release(file: Path = Path("/etc/os-release")) -> tuple[str, str]:
    """Return the distribution and its release: `debian`, `bookworm`."""
    lines = file.read_text().splitlines() if file.exists() else []
    fields = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    return fields.get("ID", ""), fields.get("VERSION_CODENAME", "")


def mirror(environment: Mapping[str, str] = os.environ) -> str:
    """Return where Debian's packages are loaded from; raises Unsuitable where nothing says."""
    if named := environment.get("MESH_MATRIX_MIRROR"):
        return named
    distribution, codename = release()
    if distribution == "debian" and (found := mirror_of(configured(), codename)):
        return found
    raise Unsuitable(
        f"apt's configuration names no mirror of Debian here ({distribution or sys.platform}): "
        "name one, MESH_MATRIX_MIRROR=http://… make matrix"
    )


def apart() -> None:
    """Go on in a mount namespace of our own, so that whatever we mount is gone when we are, however we end."""
    if os.environ.get(_APART):
        return
    if sys.platform != "linux" or not shutil.which("apt-get"):
        raise Unsuitable("the other servers are Debian's: run this on Debian 12, a virtual machine will do")
    if os.geteuid() != 0:
        raise Unsuitable("mounting and changing the root folder need root: sudo make matrix")
    alone = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        raise Unsuitable("this machine lets nobody mount, root included: a container has to be privileged")
    os.environ[_APART] = "1"
    os.execvp(alone[0], [*alone, sys.executable, "-m", "tests.matrix", *sys.argv[1:]])


def is_roomy(folder: Path) -> None:
    """Raise Unsuitable where a tree could not be made or its programs not run."""
    flags = os.statvfs(folder).f_flag
    if met := [name for name, flag in _UNUSABLE.items() if flags & flag]:
        raise Unsuitable(f"{folder} is mounted {' and '.join(met)}: name another folder, MESH_MATRIX_DIR=… make matrix")
    if shutil.disk_usage(folder).free < _ROOM_GB * 10**9:
        raise Unsuitable(f"{folder} has less than {_ROOM_GB} GB left: name another folder, MESH_MATRIX_DIR=…")


def debootstrap() -> str:
    """Return the program that makes trees, installed if it or the keys that it checks signatures with were missing."""
    if not shutil.which("debootstrap") or not _KEYS.exists():
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", "debootstrap", _KEYS.stem]
        subprocess.run(["apt-get", "-qq", "update"], env=quiet, capture_output=True, check=False)
        done = subprocess.run(install, env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unsuitable(f"apt-get could not install debootstrap:\n{done.stderr.strip()}")
    return shutil.which("debootstrap") or "debootstrap"

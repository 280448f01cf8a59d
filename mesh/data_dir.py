"""The folder of one `mesh up`: its lock, its secrets, and what a running one tells other programs."""

import contextlib
import fcntl
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mesh.embedded.secrets import kept_secret, new_secret, write_private

#: A reader that asks whether we run holds the lock for an instant; a starter waits that long before it believes it.
_READERS_LEAVE_SECONDS = 0.5


class AlreadyRunning(RuntimeError):
    """Another `mesh up` or `mesh demo` runs in this folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        at = environment.get("MESH_GATEWAY_URL")
        where = f"its gateway is at {at}" if at else "it is still starting or stopping"
        super().__init__(
            f"a mesh already runs in {folder}: {where}. "
            "Stop it with Ctrl-C in its terminal, or choose another folder with MESH_DATA_DIR."
        )


class DataDir:
    """A folder that only we can read, used by one running mesh at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._environment = self.path / "env.json"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the folder for ourselves; raises AlreadyRunning. A crash lets go of it too."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)
        with (self.path / "lock").open("w") as lock:
            deadline = time.monotonic() + _READERS_LEAVE_SECONDS
            while not _locked(lock.fileno(), fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise AlreadyRunning(self.path, self._published())
                time.sleep(0.05)
            self.withdraw()  # of a run that crashed
            try:
                yield
            finally:
                self.withdraw()

    def secret(self, name: str, make: Callable[[], str] = new_secret) -> str:
        """Return a secret of this folder; made the first time, kept afterwards."""
        (self.path / "secrets").mkdir(exist_ok=True, mode=0o700)
        return kept_secret(self.path / "secrets" / name, make)

    def publish(self, environment: dict[str, str]) -> None:
        """Tell other programs of this user how to reach the running mesh."""
        write_private(self._environment, json.dumps(environment, indent=2))

    def withdraw(self) -> None:
        """Nothing can be reached any more."""
        self._environment.unlink(missing_ok=True)

    def running(self) -> dict[str, str] | None:
        """Return how to reach the mesh that runs in this folder, or None."""
        try:
            lock = (self.path / "lock").open()
        except OSError:
            return None
        with lock:
            if _locked(lock.fileno(), fcntl.LOCK_SH):
                return None
        return self._published() or None

    def _published(self) -> dict[str, str]:
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads(self._environment.read_text()))
        return {}


def _locked(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""Other Debian releases as folders, with their servers in them, and the way into them."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.matrix import apt, machine
from tests.matrix.cells import Server

#: Begins the name of the folder that tests and servers share.
PREFIX = "matrix-"

#: Making one takes about two minutes; a slow mirror may take ten times that.
_PATIENCE_SECONDS = 1500

#: Where each server's programs are, inside its tree.
_PROGRAMS = {
    "RabbitMQ": (
        "/usr/lib/rabbitmq/bin/rabbitmq-server",
        "/usr/lib/rabbitmq/bin/rabbitmqctl",
        "/usr/lib/rabbitmq/bin/rabbitmq-diagnostics",
        "/usr/bin/epmd",
        "/usr/bin/erl",
    ),
    "MariaDB": ("/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db"),
    "MySQL": ("/usr/sbin/mysqld",),
}


class Tree:
    """One release in a folder, made when it is first needed and kept."""

    def __init__(self, release: str, packages: Iterable[str], cache: Path) -> None:
        self.release = release
        self.folder = cache / release
        self._packages = sorted(packages)
        self._stamp = cache / f"{release}.made-from"
        self._log = cache / "log" / f"{release}.log"

    @property
    def is_made(self) -> bool:
        """Whether it is there with the packages that are wanted."""
        return self._stamp.exists() and self._stamp.read_text() == self._made_from and self.folder.is_dir()

    def make(self, say: Callable[[str], None]) -> None:
        """Make it anew beside the old one; raises Unsuitable where that fails. What happens is said and logged."""
        fresh = self.folder.with_name(f"{self.release}.new")
        self._stamp.unlink(missing_ok=True)
        for old in (fresh, self.folder):
            _remove(old)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = [
            machine.debootstrap(),
            "--variant=minbase",
            f"--include={','.join([*self._packages, 'ca-certificates'])}",
            self.release,
            str(fresh),
            machine.mirror(),
        ]
        with self._log.open("w") as log:
            if failure := _followed(command, log.write, say):
                raise machine.Unsuitable(f"debootstrap {self.release} {failure}; see {self._log}")
        fresh.rename(self.folder)
        self._stamp.write_text(self._made_from)

    def open(self, shared: Path) -> None:
        """Mount into it what its programs need, and the folder that they share with the tests."""
        for left in self.folder.glob(f"tmp/{PREFIX}*"):  # where earlier runs had theirs
            left.rmdir()
        name = socket.gethostname()
        (self.folder / "etc" / "hosts").write_text(f"127.0.0.1 localhost {name}\n::1 localhost\n")
        for outside in (Path("/proc"), Path("/sys"), Path("/dev"), shared):
            inside = self.folder / outside.relative_to("/")
            inside.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--rbind", str(outside), str(inside)], check=True)

    def write_programs(self, server: Server, folder: Path) -> None:
        """Write a program for each of a server's own that starts it inside the tree, with the same process id."""
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        for inside in _PROGRAMS[server.product]:
            self._write_program(folder / "bin" / Path(inside).name, inside)
        # Beside erl as Erlang's own folder has it, which is where it is looked for.
        for caller in (self.folder / "usr/lib/erlang").glob("erts-*/bin/erl_call"):
            beside = folder / caller.parent.parent.name / "bin" / caller.name
            beside.parent.mkdir(parents=True, exist_ok=True)
            self._write_program(beside, f"/{caller.relative_to(self.folder)}")

    def _write_program(self, file: Path, inside: str) -> None:
        # With a PATH of its own: ours begins with these very programs, which lead nowhere from inside.
        way = f"chroot {shlex.quote(str(self.folder))} /usr/bin/env -u TMPDIR PATH=/usr/sbin:/usr/bin:/sbin:/bin"
        file.write_text(f'#!/bin/sh\nexec {way} {inside} "$@"\n')
        file.chmod(0o755)

    @property
    def _made_from(self) -> str:
        return " ".join(self._packages)


def _followed(command: list[str], write: Callable[[str], object], say: Callable[[str], None]) -> str | None:
    """Run a command, pass on what it says, and return how it failed."""
    environment = {**apt.proxy(), **os.environ}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )
    assert process.stdout
    end = threading.Timer(_PATIENCE_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    end.start()
    try:
        for line in process.stdout:
            write(line)
            say(line.strip().removeprefix("I: "))
        code = process.wait()
    finally:
        end.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return f"ended with {code}" if code else None


def _remove(folder: Path) -> None:
    """Delete a tree; in our own namespace nothing of the machine's is mounted in it yet."""
    if any(line.split()[4].startswith(f"{folder}/") for line in Path("/proc/self/mountinfo").read_text().splitlines()):
        raise machine.Unsuitable(f"something is mounted below {folder}: unmount it first")
    shutil.rmtree(folder, ignore_errors=True)

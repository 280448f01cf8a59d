"""`make matrix`: the suites against the servers that users really run."""

import fcntl
import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from tests.matrix import machine, suites, table
from tests.matrix.cells import CELLS, SUITES, Cell
from tests.matrix.suites import Result
from tests.matrix.trees import PREFIX, Tree
from tests.services.mysql import PROGRAM

#: Of one suite; where more fail, they fail alike.
_FAILURES = 10

console = Console(stderr=True)


def parsed(arguments: Sequence[str]) -> Namespace:
    """Read the command line; ends the process with a message where it makes no sense."""
    parser = ArgumentParser(prog="make matrix", description=__doc__, epilog='Cells: ARGS="--only rabbitmq-4.3"')
    names = [cell.name for cell in CELLS]
    parser.add_argument("--only", action="append", choices=names, help="this cell; may be given again")
    parser.add_argument("--suite", action="append", choices=list(SUITES), help="this suite; may be given again")
    parser.add_argument("--renew", action="store_true", help="make the releases' folders anew, with today's packages")
    parser.add_argument("--list", action="store_true", help="say what would run, and end")
    chosen = parser.parse_args(arguments)
    chosen.runs = [
        (cell, suite)
        for cell in CELLS
        for suite in cell.suites
        if cell.name in (chosen.only or names) and suite in (chosen.suite or SUITES)
    ]
    if not chosen.runs:
        parser.error("no cell that was chosen runs a suite that was chosen")
    return chosen


@contextmanager
def cache() -> Iterator[Path]:
    """Give the folder in which the releases are kept, to one run at a time."""
    folder = Path(os.environ.get("MESH_MATRIX_DIR") or suites.ROOT / ".mesh" / "matrix").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise machine.Unsuitable(f"another run works in {folder}") from None
        yield folder


def trees_of(cells: Sequence[Cell], folder: Path, own_release: str) -> dict[str, Tree]:
    """Return the releases that the cells need besides the machine's own."""
    needed = {server.release for cell in cells for server in cell.servers} - {own_release}
    # All that a release is ever used for, so that choosing another cell makes nothing anew.
    every = [server for cell in CELLS for server in cell.servers]
    return {each: Tree(each, {s.package for s in every if s.release == each}, folder) for each in sorted(needed)}


def environment_of(cell: Cell, trees: dict[str, Tree], programs: Path) -> dict[str, str]:
    """Return the environment in which the suites find a cell's servers, whose programs are written for it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MESH_")}
    for server in cell.servers:
        if tree := trees.get(server.release):
            folder = programs / cell.name
            tree.write_programs(server, folder)
            environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
            if server.product == "MySQL":
                environment[PROGRAM] = str(folder / "bin" / "mysqld")
    return environment


class Told:
    """A line for each thing that is done: what, how far, how long."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def begin(self, what: str) -> Callable[[str], None]:
        """Show a new line; what it returns says how far the thing is."""
        task: TaskID = self._progress.add_task(what, total=1, state="")
        if not console.is_terminal:
            console.print(f"{what} …")
        return lambda state: self._progress.update(task, state=state[:60])

    def end(self, say: Callable[[str], None], what: str, how: str) -> None:
        """Leave the line as it stands, with how it came out."""
        say(how)
        for task in self._progress.tasks:
            if task.description == what:
                self._progress.update(task.id, completed=1)
        if not console.is_terminal:
            console.print(f"{what}: {how}")


def make_trees(trees: dict[str, Tree], told: Told, *, is_renewed: bool) -> None:
    """Make the releases that are missing."""
    for tree in trees.values():
        if tree.is_made and not is_renewed:
            continue
        machine.is_roomy(tree.folder.parent)
        what = f"Debian {tree.release}"
        say = told.begin(what)
        tree.make(say)
        told.end(say, what, "made")


def run_all(chosen: Namespace, folder: Path, work: Path, told: Told) -> list[Result]:
    """Run every suite that was chosen, and write each into the table as it ends."""
    trees = trees_of([cell for cell, _ in chosen.runs], folder, machine.release()[1])
    make_trees(trees, told, is_renewed=chosen.renew)
    for tree in trees.values():
        tree.open(work)
    logs = folder / "log"
    logs.mkdir(exist_ok=True)
    results: list[Result] = []
    for cell, suite in chosen.runs:
        what = f"{cell.name:14} {suite:9}"
        say = told.begin(what)
        environment = environment_of(cell, trees, folder / "programs")
        result = suites.run(cell, suite, work, logs / f"{cell.name}-{suite}.log", environment, say)
        told.end(say, what, f"{result.passed} passed, {len(result.failures)} failed  {result.broker} {result.sql}")
        for failure in result.failures[:_FAILURES]:
            console.print(f"  {failure}", style="red", highlight=False, soft_wrap=True)
        results.append(result)
        table.write([result])
    return results


def main(arguments: Sequence[str]) -> int:
    """Run the matrix; 0 only where everything passed."""
    chosen = parsed(arguments)
    if chosen.list:
        for cell, suite in chosen.runs:
            console.print(f"{cell.name:14} {suite:9} {' + '.join(map(str, cell.servers)) or 'SQLite'}")
        return 0
    columns = (SpinnerColumn(finished_text="•"), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        machine.apart()
        # Not below the project: the kernel allows a socket's path 107 bytes.
        with (
            cache() as folder,
            tempfile.TemporaryDirectory(prefix=PREFIX, dir="/tmp", ignore_cleanup_errors=True) as work,
            Progress(*columns, TextColumn("{task.fields[state]}"), console=console) as progress,
        ):
            results = run_all(chosen, folder, Path(work), Told(progress))
    except KeyboardInterrupt:
        return 130
    except machine.Unsuitable as reason:
        console.print(f"make matrix: {reason}", style="red", highlight=False)
        return 2
    console.print(f"The table is in {table.PAGE.relative_to(suites.ROOT)}.")
    return 0 if all(result.is_right for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

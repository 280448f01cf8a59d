"""`mesh up`: everything on one machine, with its addresses and its log, until Ctrl-C."""

import asyncio
import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from mesh import logs
from mesh.follow import Follower
from mesh.running import OPERATOR, ROLES, Report, RunningMesh, running_mesh
from settings import Settings

TOKEN_HEADER = "X-INFound-Inner-Service-Token"  # noqa: S105 - a header's name

_CURL = f"""\
curl "$MESH_GATEWAY_URL/samples/ingest" -H "{TOKEN_HEADER}: $MESH_SERVICE_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{{"source": "me", "rows": [{{"platformProductId": "1", "platformCreatorId": "7495"}}]}}'"""


def run() -> int:
    """Run until told to stop; 0 after a clean end."""
    settings = Settings()
    logs.configure("warning", "console")
    return asyncio.run(_up(settings, Console(highlight=False)))


@contextlib.contextmanager
def starting(console: Console) -> Iterator[Report]:
    """Show the steps of a start: spinners where somebody watches, a line each in a log."""
    if not console.is_terminal:
        yield lambda name, seconds: None if seconds is None else console.print(f"{name}: ready after {seconds:.1f} s")
        return
    columns = (SpinnerColumn(finished_text="[green]✓"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def report(name: str, seconds: float | None) -> None:
            if seconds is None:
                tasks[name] = progress.add_task(name, total=1)
            else:
                progress.update(tasks[name], completed=1)

        yield report


async def _up(settings: Settings, console: Console) -> int:
    began = time.monotonic()
    stopping = _Stopping(console)
    files = {role: settings.data_dir.resolve() / "logs" / f"{role}.log" for role in reversed(ROLES)}
    follower = Follower(files, console)
    following = asyncio.create_task(follower.follow())
    try:
        async with AsyncExitStack() as stack:
            with starting(console) as report:
                mesh = await stack.enter_async_context(running_mesh(settings.data_dir, settings, report=report))
            stopping.mesh = mesh
            _welcome(mesh, settings, console, time.monotonic() - began)
            await mesh.failed()
    except asyncio.CancelledError:
        follower.catch_up()
        console.print("Stopped.")
    finally:
        following.cancel()
    return 0


class _Stopping:
    """The first Ctrl-C or SIGTERM ends the mesh in order, the second at once."""

    def __init__(self, console: Console) -> None:
        self.mesh: RunningMesh | None = None
        self._console = console
        self._task = asyncio.current_task()
        self._is_stopping = False
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told)

    def _told(self) -> None:
        if self._is_stopping:
            if self.mesh:
                self.mesh.hurry()
            return
        self._is_stopping = True
        assert self._task
        self._task.cancel()
        with contextlib.suppress(OSError):  # the terminal may be what has gone
            self._console.print("\nStopping: no new requests, work is finished, then the services. Again: at once.")


def _welcome(mesh: RunningMesh, settings: Settings, console: Console, seconds: float) -> None:
    addresses, folder = mesh.addresses, mesh.folder.path
    table = Table.grid(padding=(0, 2))
    table.add_row("Gateway", f"{addresses.gateway_url}   [dim]documentation:[/] {addresses.gateway_url}/docs")
    if "admin" in mesh.roles:
        table.add_row(
            "Admin",
            f"{addresses.admin_url}   [dim]documentation:[/] {addresses.admin_url}/docs{_login(mesh, settings)}",
        )
    if mesh.broker:
        login = f"[dim]user[/] {mesh.broker.user} [dim]password in[/] {_shown(mesh.broker.folder / 'password')}"
        table.add_row("RabbitMQ", f"{mesh.broker.management_url}   {login}")
    if mesh.tiktok:
        table.add_row("TikTok", f"a local one, no app is set   [dim]write to the shop:[/] {_program()} chat")
    if settings.database_url is None:
        table.add_row("Database", _shown(folder / "mesh.db"))
    table.add_row("Logs", _shown(folder / "logs"))
    for role, port in mesh.moved_from.items():
        table.add_row("Note", f"[yellow]port {port} is taken: {role} took the next free one[/]")
    console.print(Panel(table, title=f"The mesh runs [dim]({seconds:.1f} s)[/]", expand=False))
    console.print(f'In another terminal:\n\n[cyan]eval "$({_program()} env)"\n{_CURL}[/]\n', soft_wrap=True)
    console.print("Ctrl-C ends it. What the processes say:\n", style="dim")


def _login(mesh: RunningMesh, settings: Settings) -> str:
    """Say where the password of a mesh that was given no operators is."""
    if settings.admin_users:
        return ""
    return f" [dim]user[/] {OPERATOR} [dim]password in[/] {_shown(mesh.folder.path / 'secrets' / 'admin_password')}"


def _program() -> str:
    """Return how to call this program from here."""
    if shutil.which("mesh"):
        return "mesh"
    installed = Path(sys.executable).parent / "mesh"
    return _shown(installed) if installed.exists() else f"{_shown(Path(sys.executable))} -m mesh"


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

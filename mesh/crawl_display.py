"""What a person sees of a crawl: a panel that moves in a terminal, a line now and then in a log."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from crawlers.progress import Progress

_LINE_EVERY_S = 5.0
_LOOKS_A_SECOND = 8


class Display:
    """Shows a crawl's progress while inside."""

    def __init__(self, kind: str, console: Console) -> None:
        self._kind = kind
        self._console = console
        self._began = time.monotonic()
        self._told_at = 0.0
        self._progress: Progress | None = None
        self._live = (
            Live(get_renderable=self._panel, console=console, refresh_per_second=_LOOKS_A_SECOND, transient=True)
            if console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        if self._live:
            self._live.__exit__(kind, error, trace)

    def show(self, progress: Progress) -> None:
        """Take what is to be shown."""
        self._progress = progress
        now = time.monotonic()
        if self._live is None and now - self._told_at >= _LINE_EVERY_S:
            self._told_at = now
            self._console.print(
                f"crawl {self._kind}: {progress.doing}, {progress.place}; {progress.rows} rows, "
                f"{progress.published} published, {self._rate(progress):.1f} rows/s",
                soft_wrap=True,
            )

    def _panel(self) -> Panel:
        progress = self._progress
        if progress is None:
            return Panel(Text("Opening the browser …"), title=f"mesh crawl {self._kind}", expand=False)
        facts = Table.grid(padding=(0, 2))
        facts.add_row("Account", progress.account or "-")
        facts.add_row("Now", f"{progress.doing}, {progress.place}")
        facts.add_row("Rows", f"{progress.rows:,} read, {progress.published:,} published, {self._rate(progress):.1f}/s")
        if progress.recoveries or progress.skipped:
            facts.add_row("Mishaps", f"{progress.recoveries} gone on from, {progress.skipped} left out")
        if progress.note:
            facts.add_row("Last", Text(progress.note, style="yellow", overflow="ellipsis", no_wrap=True))
        bar = (
            ProgressBar(total=progress.expected, completed=progress.pages, width=60) if progress.expected else Text("")
        )
        return Panel(Group(facts, bar), title=f"mesh crawl {self._kind} {self._clock()}", expand=False)

    def _rate(self, progress: Progress) -> float:
        return progress.rows / max(time.monotonic() - self._began, 0.1)

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._began)
        return f"{seconds // 60}:{seconds % 60:02d}"

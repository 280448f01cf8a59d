"""What commands share: the panels of the help, their common options, and how each joins the mesh of its folder."""

from typing import Annotated

import typer

RUN = "Run it"
LOOK = "See and repair"
SET_UP = "Set up"

Json = Annotated[bool, typer.Option("--json", help="JSON for programs instead of a table for people.")]
IsDryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")]


def join() -> None:
    """Take the addresses of the `mesh up` that runs in this folder, where none are set; log to stderr alone."""
    from mesh import env, logs

    logs.configure("warning", "console")
    env.join()

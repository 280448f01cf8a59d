"""The command line, asked what it would accept."""

from collections.abc import Sequence
from typing import Any

import typer

from mesh.cli import app


def accepted(arguments: Sequence[str]) -> list[str]:
    """Parse without running; the name of the command. Raises what the command line would complain of."""
    command: Any = typer.main.get_command(app)
    left = list(arguments)
    path: list[str] = []
    while children := getattr(command, "commands", None):
        assert left, f"mesh {' '.join(path)} needs a command"
        name = left.pop(0)
        assert name in children, f"there is no mesh {' '.join([*path, name])}"
        path.append(name)
        command = children[name]
    command.make_context(path[-1], left)
    return path

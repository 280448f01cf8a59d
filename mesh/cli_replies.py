"""The words of `mesh replies`; its bodies are imported when a command is called."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mesh.words import Json, join

replies = typer.Typer(no_args_is_help=True)


@replies.command("eval")
def eval_(
    is_live: Annotated[bool, typer.Option("--live", help="Ask the configured model.")] = False,
    reader: Annotated[
        Literal["local", "recorded"], typer.Option("--reader", help="Who reads, where no model is asked.")
    ] = "recorded",
    record: Annotated[Path | None, typer.Option("--record", help="Write down there what was read.")] = None,
    as_json: Json = False,
) -> None:
    """Try how well customers' messages are read, on those kept with the prompts. Exits 1 where that is not enough."""
    join()
    from mesh import replies_eval as body

    chosen = "live" if is_live else reader
    raise typer.Exit(body.evaluate(reader=chosen, record=record, as_json=as_json))

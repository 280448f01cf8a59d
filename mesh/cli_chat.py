"""The words of `mesh chat`; its body is imported when it is called."""

from typing import Annotated

import typer

from mesh.words import join


def chat(
    name: Annotated[
        str | None, typer.Option("--as", help="Your name in TikTok.", show_default="a new one each time")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each thing that is said.")] = False,
) -> None:
    """Write to the shop as a customer does, in a TikTok of this machine's own, and read what it answers.

    Talks to the running `mesh up`, through the signed webhook, the queues and the sender. Reads a keyboard or a pipe, a
    message a line. Exits 1 if a message got no answer.
    """
    join()
    from mesh import chat as body

    raise typer.Exit(body.run(name=name, as_json=as_json))

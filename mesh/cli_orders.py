"""The words of `mesh orders`; its bodies are imported when a command is called."""

from typing import Annotated, Literal

import typer

from mesh.words import Json, join

orders = typer.Typer(no_args_is_help=True)

Code = Annotated[str, typer.Argument(help="The order's code, e.g. PT-7K3M9Q2X.")]


@orders.command("list")
def list_(
    status: Annotated[
        Literal["pending", "paid", "shipped", "cancelled"] | None, typer.Option("--status", help="Only those.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List orders, the newest first, with what each waits for."""
    join()
    from mesh import orders as body
    from schemas.replies.stock import OrderStatus

    body.listed(OrderStatus(status.upper()) if status else None, limit=limit, as_json=as_json)


@orders.command("show")
def show(code: Code, as_json: Json = False) -> None:
    """Show an order: its pieces, who moved it when and why, where it can be moved."""
    join()
    from mesh import orders as body

    body.show(code, as_json=as_json)


@orders.command("move")
def move(
    code: Code,
    to: Annotated[Literal["paid", "shipped", "cancelled"], typer.Argument(help="Where to move it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever asks later.")] = "",
    as_json: Json = False,
) -> None:
    """Move an order: pending to paid (its pieces are sold), paid to shipped, either to cancelled (they are free)."""
    join()
    from mesh import orders as body
    from schemas.replies.stock import OrderStatus

    body.move(code, OrderStatus(to.upper()), reason, as_json=as_json)

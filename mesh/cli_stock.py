"""The words of `mesh stock`; its body is imported when a command is called."""

from pathlib import Path
from typing import Annotated

import typer

stock = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="JSON for programs instead of a table for people.")]


def _join() -> None:
    """Take the addresses of the `mesh up` that runs in this folder, where none are set; log to stderr alone."""
    from mesh import logs
    from mesh.env import join

    logs.configure("warning", "console")
    join()


@stock.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with a header, as `mesh/examples/stock.csv`.", exists=True)],
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Add pieces and change what is said of known ones; what was sold stays sold. Exits 1 if any row was left out."""
    _join()
    from mesh import stock as body

    raise typer.Exit(body.import_file(file, is_dry_run=is_dry_run, as_json=as_json))


@stock.command("list")
def list_(
    status: Annotated[str | None, typer.Option("--status", help="available, reserved or sold.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List pieces, with the holds that are live on them."""
    _join()
    from mesh import stock as body

    body.listed(status, limit=limit, as_json=as_json)


@stock.command("search")
def search(
    words: Annotated[list[str], typer.Argument(help="As a customer would write: size L jacket under 3000")],
    as_json: Json = False,
) -> None:
    """Show what a customer who writes these words would be offered."""
    _join()
    from mesh import stock as body

    body.search(words, as_json=as_json)


@stock.command("show")
def show(
    skus: Annotated[list[str], typer.Argument(help="Codes, e.g. TH-P-001.")],
    as_json: Json = False,
) -> None:
    """Show pieces whole: price, label, measures, fit, status, and for whom one is kept. Exits 1 if one is unknown."""
    _join()
    from mesh import stock_pieces as body

    raise typer.Exit(body.show(skus, as_json=as_json))


@stock.command("set")
def set_(
    sku: Annotated[str, typer.Argument(help="Code, e.g. TH-P-001.")],
    status: Annotated[str | None, typer.Option("--status", help="available, reserved or sold.")] = None,
    price: Annotated[int | None, typer.Option("--price", min=0, help="Whole KES.")] = None,
    is_negotiable: Annotated[bool | None, typer.Option("--negotiable/--fixed", help="May it be talked about.")] = None,
    tag_size: Annotated[str | None, typer.Option("--tag-size", help="What the label says.")] = None,
    fit_notes: Annotated[str | None, typer.Option("--fit", help="Where label and fit disagree.")] = None,
    as_json: Json = False,
) -> None:
    """Change a piece by hand: sold over the counter, dearer, found again. A hold on it is given up with --status.

    A piece of an order changes its status with the order: `mesh orders move`. For all the rest: `mesh stock import`.
    """
    _join()
    from mesh import stock_pieces as body

    said = {"status": status, "price_kes": price, "negotiable": is_negotiable, "tag_size": tag_size,
            "fit_notes": fit_notes}  # fmt: skip
    body.change(sku, {name: value for name, value in said.items() if value is not None}, as_json=as_json)

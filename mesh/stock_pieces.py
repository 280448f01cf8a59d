"""`mesh stock show|set`: single pieces, shown whole and changed by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from pydantic import ValidationError

from mesh.compose import Composition
from mesh.console import console, notes, print_json, table
from mesh.operators import me, plain, run
from publishers.admin.replies.stock import PieceChange, PieceShown, Storekeeper, piece_shown
from schemas.clock import utc_now


def show(skus: Sequence[str], *, as_json: bool) -> int:
    """Print pieces; 1 if there is none of a code."""

    async def read(composition: Composition) -> list[PieceShown]:
        async with composition.database.uow() as tx:
            views = [await tx.stock.find(each, utc_now()) for each in skus]
        return [piece_shown(each) for each in views if each is not None]

    found = run("stock", read)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
    else:
        for each in found:
            _print(each)
    known = {each.sku for each in found}
    unknown = [sku for sku in skus if sku.strip().upper() not in known]
    for sku in unknown:
        notes.print(f"There is no piece {sku}.", style="yellow", markup=False)
    return int(bool(unknown))


def change(sku: str, said: Mapping[str, Any], *, as_json: bool) -> None:
    """Change a piece, and print it."""
    values = dict(said)
    if "status" in values:
        values["status"] = str(values["status"]).upper()
    try:
        asked = PieceChange.model_validate(values)
    except ValidationError as error:
        raise typer.BadParameter(_told(error)) from None

    async def set_(composition: Composition) -> PieceShown:
        return piece_shown(await Storekeeper(composition.database.uow, utc_now, me()).set(sku, asked))

    told = run("stock", set_)
    if as_json:
        print_json(told.model_dump(mode="json"))
    else:
        _print(told)


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "this"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def _print(piece: PieceShown) -> None:
    rows = [(name, plain(str(value))) for name, value in _facts(piece).items() if value not in (None, "", {})]
    console.print(table(piece.sku, ["", ""], rows))


def _facts(piece: PieceShown) -> dict[str, Any]:
    measures = ", ".join(f"{name} {value:g}" for name, value in piece.measures.items())
    facts = piece.model_dump(exclude={"sku", "measures", "stored_status", "created_at", "version"})
    return facts | {"measures": measures, "price_kes": f"{piece.price_kes:,}"}

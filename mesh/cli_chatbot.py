"""The words of `mesh schedules` and `mesh deliveries`; `schedules.py` and `deliveries.py` hold their bodies."""

from typing import Annotated

import typer

from mesh.words import Json, join

schedules = typer.Typer(no_args_is_help=True)
deliveries = typer.Typer(no_args_is_help=True)


@schedules.command("list")
def schedules_list(
    is_parked: Annotated[bool | None, typer.Option("--parked/--not-parked", help="Only those.")] = None,
    sample_id: Annotated[
        str | None, typer.Option("--sample", help="All of this sample's, also those that have ended.", metavar="ID")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List chat schedules, with what became of their last run, and the reason of those that are parked."""
    join()
    from mesh import schedules as body

    body.listed(is_parked=is_parked, sample_id=sample_id, limit=limit, as_json=as_json)


@schedules.command("unpark")
def schedules_unpark(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids as `mesh schedules list` shows them.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every parked one.")] = False,
) -> None:
    """Let parked schedules run again, once what parked them is mended."""
    if not ids and not is_all:
        raise typer.BadParameter("name schedules, or say --all")
    join()
    from mesh import schedules as body

    body.unpark(None if is_all else ids)


@deliveries.command("list")
def deliveries_list(
    state: Annotated[str, typer.Option("--state", help="pending, sending, sent, failed or uncertain.")] = "uncertain",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List chat deliveries in a state, the longest unchanged first."""
    join()
    from mesh import deliveries as body

    body.listed(state, limit=limit, as_json=as_json)


@deliveries.command("resolve")
def deliveries_resolve(
    task_keys: Annotated[list[str], typer.Argument(help="Task keys as `mesh deliveries list` shows them.")],
    was_sent: Annotated[bool, typer.Option("--sent/--not-sent", help="What the creator's chat shows.")],
) -> None:
    """Settle uncertain deliveries: a crash hid whether they were sent. Those that were not are sent again."""
    join()
    from mesh import deliveries as body

    body.resolve(task_keys, was_sent=was_sent)

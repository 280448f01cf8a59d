"""The words of `mesh events`; `events.py` holds its bodies."""

from typing import Annotated

import typer

from mesh.words import IsDryRun, Json, join

events = typer.Typer(no_args_is_help=True)

EventNames = Annotated[
    list[str] | None, typer.Argument(help="Order or event ids, identities (shop:event:id), or row numbers.")
]
Storefront = Annotated[
    str | None, typer.Option("--storefront", "-s", help="Everything of the storefront with this code.")
]
DestinationNumber = Annotated[int | None, typer.Option("--destination", "-d", help="Everything to this destination.")]
PlatformCode = Annotated[str | None, typer.Option("--platform", "-p", help="Everything to this platform, by code.")]
EventType = Annotated[str | None, typer.Option("--event", "-e", help="Only events of this name.")]
DeliveryStates = Annotated[list[str] | None, typer.Option("--state", help="Only deliveries in these states.")]
IsAllDeliveries = Annotated[bool, typer.Option("--all", help="Every delivery in these states.")]


@events.command("show")
def events_show(
    names: Annotated[list[str], typer.Argument(help="Order or event ids, identities (shop:event:id), or row numbers.")],
    as_json: Json = False,
) -> None:
    """Tell all of an order's events: how each came in, every delivery, every attempt with what was said."""
    join()
    from mesh import events as body

    raise typer.Exit(body.show(names, as_json=as_json))


@events.command("replay")
def events_replay(
    names: EventNames = None,
    storefront: Storefront = None,
    destination: DestinationNumber = None,
    platform: PlatformCode = None,
    event: EventType = None,
    states: DeliveryStates = None,
    is_all: IsAllDeliveries = False,
    rate: Annotated[int, typer.Option("--rate", min=1, help="Deliveries a second.")] = 100,
    is_uncertain: Annotated[
        bool, typer.Option("--uncertain", help="Also what may have been taken, where a repeat counts twice.")
    ] = False,
    is_dry_run: IsDryRun = False,
) -> None:
    """Send again what has died, spread over time, under the ids that destinations know. Safe to interrupt."""
    join()
    from mesh import events as body

    chosen = body.Chosen(
        names or (),
        storefront,
        destination,
        platform,
        event,
        states or (),
        is_all=is_all,
        is_certain=not is_uncertain,
    )
    body.replay(chosen, rate=rate, is_dry_run=is_dry_run)


@events.command("forget")
def events_forget(
    names: Annotated[list[str], typer.Argument(help="Order or event ids, identities (shop:event:id), or row numbers.")],
    is_dry_run: IsDryRun = False,
) -> None:
    """Drop what a producer sent of these events, and what was said of them; what still waits is never sent."""
    join()
    from mesh import events as body

    body.forget(names, is_dry_run=is_dry_run)


@events.command("cancel")
def events_cancel(
    names: EventNames = None,
    storefront: Storefront = None,
    destination: DestinationNumber = None,
    platform: PlatformCode = None,
    event: EventType = None,
    states: DeliveryStates = None,
    is_all: IsAllDeliveries = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever asks later.")] = "",
    is_dry_run: IsDryRun = False,
) -> None:
    """Never send what still waits. What is being sent right now is let go on."""
    join()
    from mesh import events as body

    chosen = body.Chosen(names or (), storefront, destination, platform, event, states or (), is_all=is_all)
    body.cancel(chosen, reason=reason, is_dry_run=is_dry_run)

"""The command line. Each command imports its body when it is called, so that `mesh --help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mesh.cli_chat import chat
from mesh.cli_chatbot import deliveries, schedules
from mesh.cli_crawl import crawl
from mesh.cli_events import events
from mesh.cli_orders import orders
from mesh.cli_outreach import outreach
from mesh.cli_replies import replies
from mesh.cli_stock import stock
from mesh.words import LOOK, RUN, SET_UP, IsDryRun, Json, join

app = typer.Typer(
    name="mesh",
    help="HTTP calls and crawlers' rows become RabbitMQ messages, and independent consumers act on them.",
    epilog="New here? `mesh demo` shows everything at work in about a minute; `mesh up` leaves it running.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print local variables, secrets among them
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)
dead = typer.Typer(no_args_is_help=True)
topology = typer.Typer(no_args_is_help=True)
app.command(rich_help_panel=RUN)(chat)
app.add_typer(dead, name="dead", rich_help_panel=LOOK, help="Dead letters: list, show, redrive or discard them.")
app.add_typer(schedules, name="schedules", rich_help_panel=LOOK, help="Chat schedules: list them, free parked ones.")
app.add_typer(deliveries, name="deliveries", rich_help_panel=LOOK, help="Chat deliveries: list, settle uncertain ones.")
app.add_typer(
    outreach,
    name="outreach",
    rich_help_panel=LOOK,
    help="Outreach tasks: list, show, start, end, pause, cancel.",
)
app.add_typer(events, name="events", rich_help_panel=LOOK, help="Marketing events: where they are; replay, cancel.")
app.add_typer(replies, name="replies", rich_help_panel=LOOK, help="Customers: read, take over, write, settle.")
app.add_typer(stock, name="stock", rich_help_panel=LOOK, help="What the shop sells: import, list, search, set.")
app.add_typer(orders, name="orders", rich_help_panel=LOOK, help="Customers' orders: list, show, move.")
app.add_typer(crawl, name="crawl", rich_help_panel=RUN, help="Read the sellers' pages by hand; accounts that rest.")
app.add_typer(topology, name="topology", rich_help_panel=SET_UP, help="Exchanges and queues: broker against code.")

DeadQueue = Annotated[
    str | None, typer.Option("--queue", "-q", help="Only of this queue, e.g. `samples.ingest`.", show_default="all")
]
Group = Annotated[
    str | None, typer.Option("--group", "-g", help="Only failures of this kind, as `mesh dead list` names them.")
]
MessageId = Annotated[str | None, typer.Option("--message", "-m", help="Only the message with this id.")]


def main() -> None:
    """Run the command line; what an operator can mend is told in a sentence, anything else keeps its stack."""
    try:
        app(prog_name="mesh")
    except Exception as error:
        from mesh.complaints import complaint

        if (told := complaint(error)) is None:
            raise
        sys.stderr.write(f"mesh: {told}\n")
        sys.exit(1)


@app.command(rich_help_panel=RUN)
def up() -> None:
    """Run everything on this machine and follow the log. Ctrl-C ends it in order.

    Starts a private RabbitMQ and Redis in `.mesh/`, an SQLite database, the gateway, a worker and the publishers, and
    prints where they are. What you set with `MESH_BROKER_URL`, `MESH_REDIS_URL` or `MESH_DATABASE_URL` is used instead
    of a private one.
    """
    from mesh import up as body

    raise typer.Exit(body.run())


@app.command(rich_help_panel=RUN)
def demo() -> None:
    """Start everything, push real input through it, show what came out, and stop. Exits 0 only if it was right."""
    from mesh import demo as body

    raise typer.Exit(body.run())


@app.command(rich_help_panel=RUN)
def gateway() -> None:
    """Serve HTTP: authenticate, validate, publish, answer. Needs RabbitMQ; Redis for message states."""
    join()
    from mesh import gateway as body

    body.run()


@app.command(rich_help_panel=RUN)
def admin() -> None:
    """Serve the operators' API: storefronts, destinations, secrets, events. Needs SQL and MESH_ENCRYPTION_KEYS."""
    join()
    from mesh import admin as body

    body.run()


@app.command(rich_help_panel=RUN)
def worker(
    queues: Annotated[
        list[str] | None, typer.Argument(help="Queues to consume, e.g. `samples.ingest`.", show_default="all")
    ] = None,
    processes: Annotated[int, typer.Option("--processes", "-p", min=1, help="Processes; one uses one core.")] = 1,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", "-c", min=1, help="Messages at a time.", show_default="the queue's own"),
    ] = None,
) -> None:
    """Consume queues. Start as many as you like, anywhere; SIGTERM drains before it ends."""
    join()
    from mesh import worker as body

    body.run(queues or (), processes, concurrency)


@app.command(rich_help_panel=RUN)
def publishers() -> None:
    """Relay the outbox, publish due chat schedules, purge old rows. Several share the work."""
    join()
    from mesh import publishers as body

    body.run()


@app.command(rich_help_panel=LOOK)
def queues(as_json: Json = False) -> None:
    """Show depth, rates, consumers and dead letters of every queue."""
    join()
    from mesh import queues as body

    body.show(as_json=as_json)


@dead.command("list")
def dead_list(queue: DeadQueue = None, as_json: Json = False) -> None:
    """Count dead letters by queue and kind of failure."""
    join()
    from mesh import dead as body

    body.listed(queue, as_json=as_json)


@dead.command("show")
def dead_show(
    queue: DeadQueue = None,
    group: Group = None,
    message: MessageId = None,
    as_json: Json = False,
) -> None:
    """Show dead letters whole: reason, attempts, times, where they came from, body."""
    join()
    from mesh import dead as body

    body.show(queue, group, message, as_json=as_json)


@dead.command("redrive")
def dead_redrive(
    queue: DeadQueue = None,
    group: Group = None,
    message: MessageId = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every dead letter there is.")] = False,
    rate: Annotated[int, typer.Option("--rate", min=1, help="Messages a second at most.")] = 200,
    body: Annotated[
        Path | None, typer.Option("--body", exists=True, dir_okay=False, help="Replace the body of one message.")
    ] = None,
    is_dry_run: IsDryRun = False,
) -> None:
    """Send dead letters back to their queues, each confirmed before it leaves the dead one. Safe to interrupt."""
    join()
    from mesh import dead as commands

    commands.redrive(queue, group, message, is_all=is_all, rate=rate, is_dry_run=is_dry_run, body=body)


@dead.command("discard")
def dead_discard(
    queue: DeadQueue = None,
    group: Group = None,
    message: MessageId = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every dead letter there is.")] = False,
    is_dry_run: IsDryRun = False,
) -> None:
    """Delete dead letters for good. Say which: --queue, --group, --message or --all."""
    join()
    from mesh import dead as body

    body.discard(queue, group, message, is_all=is_all, is_dry_run=is_dry_run)


@topology.command("plan")
def topology_plan(as_json: Json = False) -> None:
    """Show what `apply` would do. Exits 1 when the broker differs from the code."""
    join()
    from mesh import topology as body

    raise typer.Exit(body.plan(as_json=as_json))


@topology.command("apply")
def topology_apply(
    is_pruning: Annotated[
        bool, typer.Option("--prune", help="Delete empty queues that the code declares no more.")
    ] = False,
) -> None:
    """Declare what is missing. Refuses to touch a queue that holds messages."""
    join()
    from mesh import topology as body

    body.apply(prune=is_pruning)


@app.command(rich_help_panel=LOOK)
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Benchmarks, e.g. `ingest`.", metavar="[NAME]...", show_default="all")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, max=100, help="Times that each variant is measured.")
    ] = None,
    size: Annotated[int | None, typer.Option("--size", min=2, max=1_000_000, help="Work in one round.")] = None,
    as_document: Annotated[
        bool, typer.Option("--document", help="Measure nothing: write deploy/BENCHMARKS.md from the newest figures.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure this machine, variants side by side, on a private RabbitMQ and MariaDB. Exits 1 if anything was lost."""
    from mesh.bench import command

    raise typer.Exit(command.document() if as_document else command.run(names or (), rounds, size, as_json=as_json))


@app.command(rich_help_panel=SET_UP)
def env() -> None:
    """Print `export MESH_…=…` of the running `mesh up`, so that other programs can join: `eval "$(mesh env)"`."""
    from mesh import env as body

    raise typer.Exit(body.run())


@app.command("rotate-keys", rich_help_panel=SET_UP)
def rotate_keys(
    is_new: Annotated[bool, typer.Option("--new", help="Print a fresh key, and change nothing.")] = False,
) -> None:
    """Seal every secret in SQL with the first of MESH_ENCRYPTION_KEYS, while everything goes on running.

    First put a new key before the old one and restart every process; then run this; then take the old key away. A mesh
    on one machine has its keys in `.mesh/secrets/encryption_key`. Exits 1 if a secret opens with none of them.
    """
    join()
    from mesh import rotate_keys as body

    raise typer.Exit(body.new() if is_new else body.run())


@app.command(rich_help_panel=SET_UP)
def migrate() -> None:
    """Bring the database's tables up to date. Safe to run from several places at once."""
    join()
    from mesh import migrate as body

    before, after = body.run()
    typer.echo(f"Migrated from {before or 'nothing'} to {after}." if before != after else f"Already at {after}.")


@app.command(rich_help_panel=SET_UP)
def doctor(
    site: Annotated[
        str | None,
        typer.Option("--site", help="Look through this seller centre's pages instead; nothing is clicked or sent."),
    ] = None,
    region: Annotated[str, typer.Option("--region", "-r", help="With --site: whose accounts.")] = "MX",
    account: Annotated[
        str | None, typer.Option("--account", help="With --site: this account and no other.", show_default="any")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check everything the mesh depends on, and say how to mend what is wrong. Exits 1 if something is.

    With --site it logs in to a seller centre instead, opens each page, and says which of the selectors and calls that
    crawls and the chat rely on are there.
    """
    join()
    if site is not None:
        from mesh import doctor_site

        raise typer.Exit(doctor_site.run(site, region=region, account=account, as_json=as_json))
    from mesh import doctor as body

    raise typer.Exit(body.run(as_json=as_json))

"""The words of `mesh outreach`; `outreach.py` holds its bodies."""

from typing import Annotated

import typer

from mesh.words import Json, join

outreach = typer.Typer(no_args_is_help=True)

TaskIds = Annotated[list[str], typer.Argument(help="Ids as `mesh outreach list` shows them.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for whoever asks later.")]


@outreach.command("list")
def outreach_list(
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            "-s",
            help="Only tasks that are not_started, pending, running, paused, completed, timeout, failed or cancelled.",
            show_default="all",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List outreach tasks: how many creators each has written to, how many wait, and why it ended."""
    join()
    from mesh import outreach as body

    body.listed(status, limit=limit, as_json=as_json)


@outreach.command("show")
def outreach_show(
    task_id: Annotated[str, typer.Argument(help="The id as `mesh outreach list` shows it.")],
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only contacts that are waiting, queued, sent, failed, uncertain or skipped."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Contacts at most.")] = 50,
    as_json: Json = False,
) -> None:
    """Show a task: its plan in its region's time, and every contact with what was decided and why.

    A contact that is `uncertain` may or may not have arrived: look into the chat, then `mesh deliveries resolve` it,
    or `mesh outreach resolve` where no delivery is known.
    """
    join()
    from mesh import outreach as body

    raise typer.Exit(body.show(task_id, state, limit=limit, as_json=as_json))


@outreach.command("start")
def outreach_start(
    task_ids: TaskIds,
    is_crawling: Annotated[
        bool, typer.Option("--crawl/--no-crawl", help="Also search for its creators now, as at its run time.")
    ] = True,
) -> None:
    """Run tasks now, whatever their plan says. One that is over runs again, and writes to nobody a second time."""
    join()
    from mesh import outreach as body
    from schemas.outreach.messages import Action

    raise typer.Exit(body.control(task_ids, Action.START, crawls=is_crawling))


@outreach.command("end")
def outreach_end(
    task_ids: TaskIds,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it came too early: the tasks then fail.")] = None,
) -> None:
    """Say that no more creators come: the tasks complete when those they have are done with."""
    join()
    from mesh import outreach as body
    from schemas.outreach.messages import Action

    raise typer.Exit(body.control(task_ids, Action.END, reason=reason))


@outreach.command("resolve")
def outreach_resolve(
    task_id: Annotated[str, typer.Argument(help="The id as `mesh outreach list` shows it.")],
    creator_id: Annotated[str, typer.Argument(help="The creator as `mesh outreach show` shows them.")],
    was_sent: Annotated[bool, typer.Option("--sent/--not-sent", help="What the chat shows.")],
) -> None:
    """Settle a contact that is `uncertain` because its message was lost, and so has no delivery to resolve."""
    join()
    from mesh import outreach as body

    raise typer.Exit(body.resolve(task_id, creator_id, was_sent=was_sent))


@outreach.command("pause")
def outreach_pause(task_ids: TaskIds, reason: Reason = None) -> None:
    """Hold tasks: creators wait until `resume`. Only what is being typed at this moment still arrives."""
    join()
    from mesh import outreach as body
    from schemas.outreach.messages import Action

    raise typer.Exit(body.control(task_ids, Action.PAUSE, reason=reason))


@outreach.command("resume")
def outreach_resume(task_ids: TaskIds) -> None:
    """Let paused tasks go on with the creators who waited."""
    join()
    from mesh import outreach as body
    from schemas.outreach.messages import Action

    raise typer.Exit(body.control(task_ids, Action.RESUME))


@outreach.command("cancel")
def outreach_cancel(task_ids: TaskIds, reason: Reason = None) -> None:
    """End tasks for good: whoever still waits is never written to. It cannot be undone; `pause` can."""
    join()
    from mesh import outreach as body
    from schemas.outreach.messages import Action

    raise typer.Exit(body.control(task_ids, Action.CANCEL, reason=reason))

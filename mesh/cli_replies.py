"""The words of `mesh replies`; its bodies are imported when a command is called."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mesh.words import Json, join

if TYPE_CHECKING:
    from publishers.admin.replies.sends import Judgement

replies = typer.Typer(no_args_is_help=True)
uncertain = typer.Typer(no_args_is_help=True)
replies.add_typer(uncertain, name="uncertain", help="Replies that may have arrived: list them, settle them.")

ConversationId = Annotated[str, typer.Argument(help="As `mesh replies threads` shows it; quote it.")]
BusinessId = Annotated[str, typer.Argument(help="As `mesh replies accounts` shows it.")]
Numbers = Annotated[list[int], typer.Argument(help="Numbers as `mesh replies uncertain list` shows them.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")]
Hours = Annotated[float | None, typer.Option("--hours", min=0.01, max=24 * 365, help="For how long.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever asks later.")]


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


@replies.command("threads")
def threads(
    handoff: Annotated[
        Literal["bot", "human"] | None, typer.Option("--who", help="Only where the bot answers, or a person.")
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List conversations: who answers, how long TikTok takes replies, what holds them."""
    join()
    from mesh import conversations as body
    from schemas.replies.records import Handoff

    body.listed(Handoff(handoff.upper()) if handoff else None, limit=limit, as_json=as_json)


@replies.command("show")
def show(conversation: ConversationId, limit: Limit = 100, as_json: Json = False) -> None:
    """Show all of a conversation: what was said, replies that did not arrive and why, holds, orders."""
    join()
    from mesh import conversations as body

    body.show(conversation, limit=limit, as_json=as_json)


@replies.command("take-over")
def take_over(conversation: ConversationId, hours: Hours = None, reason: Reason = "") -> None:
    """Silence the bot in a conversation, for --hours or MESH_REPLIES_HANDOFF_HOURS.

    What it had to say is cancelled, what the customer writes is kept. Write in TikTok, or with `mesh replies reply`.
    """
    join()
    from mesh import conversations as body

    body.take_over(conversation, hours, reason)


@replies.command("release")
def release(conversation: ConversationId) -> None:
    """Let the bot answer again, from the customer's next message on. Lifts a pause after TikTok's refusal too."""
    join()
    from mesh import conversations as body

    body.release(conversation)


@replies.command("reply")
def reply(
    conversation: ConversationId,
    text: Annotated[str, typer.Argument(help="What to say, in quotes; - reads it from standard input.")],
) -> None:
    """Write to a customer by hand, and silence the bot as if you had written in TikTok. Refused where TikTok would."""
    join()
    from mesh import conversations as body

    body.reply(conversation, text)


@uncertain.command("list")
def uncertain_list(limit: Limit = 50, as_json: Json = False) -> None:
    """List replies of which nobody knows whether they arrived: look for each in the chat, then settle it."""
    join()
    from mesh import sends as body

    body.listed(limit=limit, as_json=as_json)


@uncertain.command("sent")
def uncertain_sent(numbers: Numbers) -> None:
    """Say that replies are in the chat. Exits 1 if one was not uncertain."""
    from publishers.admin.replies.sends import Judgement

    _settle(numbers, Judgement.SENT)


@uncertain.command("resend")
def uncertain_resend(numbers: Numbers) -> None:
    """Say that replies are not in the chat, and send them again. Exits 1 if one was not uncertain, or is too late."""
    from publishers.admin.replies.sends import Judgement

    _settle(numbers, Judgement.RESEND)


@uncertain.command("drop")
def uncertain_drop(numbers: Numbers) -> None:
    """Give replies up, whether or not they arrived. Exits 1 if one was not uncertain."""
    from publishers.admin.replies.sends import Judgement

    _settle(numbers, Judgement.DROP)


@replies.command("accounts")
def accounts(as_json: Json = False) -> None:
    """List the business accounts that we speak for, until when, and why one does not speak."""
    join()
    from mesh import accounts as body

    body.listed(as_json=as_json)


@replies.command("pause")
def pause(business: BusinessId, hours: Hours = None, reason: Reason = "") -> None:
    """Send nothing for an account, until it is resumed or for --hours. What customers write is kept and answered."""
    join()
    from mesh import accounts as body

    body.pause(business, hours, reason)


@replies.command("resume")
def resume(business: BusinessId) -> None:
    """Send again for an account that was paused, by hand or after TikTok's refusals."""
    join()
    from mesh import accounts as body

    body.resume(business)


def _settle(numbers: list[int], judgement: "Judgement") -> None:
    join()
    from mesh import sends as body

    raise typer.Exit(body.settle(numbers, judgement))

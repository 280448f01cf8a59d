"""`mesh replies uncertain`: replies that may have reached the customer, settled by whoever looks into the chat."""

from collections.abc import Sequence

from mesh.compose import Composition
from mesh.console import age, console, notes, print_json, table
from mesh.operators import me, plain, run
from publishers.admin.errors import Refusal
from publishers.admin.replies.sends import Judge, Judgement
from publishers.admin.replies.talk import ReplyShown, reply_shown
from schemas.clock import utc_now
from schemas.replies.records import ReplyState

COLUMNS = ["reply", "conversation", "called", "text", "why nobody knows"]
_SHORT = 60
_DONE = {Judgement.SENT: "settled as sent", Judgement.RESEND: "to be sent again", Judgement.DROP: "given up"}


def listed(*, limit: int, as_json: bool) -> None:
    """Print the replies of which nobody knows whether they arrived, the oldest first."""

    async def read(composition: Composition) -> list[ReplyShown]:
        async with composition.database.uow() as tx:
            return [reply_shown(each) for each in await tx.replies.listed([ReplyState.UNCERTAIN], limit)]

    found = run("replies", read)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    now = utc_now()
    rows = [
        (each.id, plain(each.conversation_id), age(each.sending_at, now), plain(each.text, _SHORT),
         plain(each.reason or "") or None)
        for each in found
    ]  # fmt: skip
    console.print(table("Uncertain replies", COLUMNS, rows) if rows else "No reply is uncertain.")


def settle(numbers: Sequence[int], judgement: Judgement) -> int:
    """Settle replies as a person saw them in the chat; 1 if any was not uncertain, or too late to be sent again."""

    async def each_of_them(composition: Composition) -> list[str]:
        judge = Judge(composition.database.uow, utc_now, me())
        problems = []
        for number in numbers:
            try:
                await judge.settle(number, judgement)
            except Refusal as refusal:
                problems.append(f"{number}: {refusal}")
        return problems

    problems = run("replies", each_of_them)
    console.print(f"{len(numbers) - len(problems)} {_DONE[judgement]}.")
    for problem in problems:
        notes.print(problem, style="yellow", markup=False)
    return int(bool(problems))

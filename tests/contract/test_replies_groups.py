"""Notifications that are taken in as a group end as they would one by one, on every database."""

import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from persistence.engine import Database
from persistence.tables import messages, outbox, replies, threads, users, webhook_events
from schemas.replies.records import ReplyState
from tests.build.inbound import NOW, message, put, rows, states, stored, take, wakes
from tests.build.replies import BUSINESS, reply, thread
from tests.build.tiktok import content, echo, envelope

#: When all of it came: later than anything in it was written.
CAME = NOW + timedelta(minutes=10)


class Talk:
    """What customers, persons and programs write in a few conversations, whose names begin with a word."""

    def __init__(self, word: str, seed: int) -> None:
        self.word = word
        self.chance = Random(seed)

    def bodies(self) -> list[bytes]:
        return [self._one(number) for number in range(40)]

    def conversation(self, number: int) -> str:
        return f"{self.word}-{number}"

    def _one(self, number: int) -> bytes:
        chance = self.chance
        number -= chance.randrange(3) if number > 3 else 0  # now and then one that came before
        of = chance.randrange(4)
        parts: dict[str, Any] = {
            "conversation_id": self.conversation(of),
            # Two of the conversations are one customer's.
            "from_user": {"id": f"{self.word}-usr-{min(of, 2)}", "role": "personal_account"},
        }
        name = f"{self.word}-mid-{number}"
        seconds = chance.randrange(300)
        kind = chance.choice(
            ["text"] * 8 + ["reaction", "stop", "start", "hand", "echo", "old echo", "read", "shape", "foreign", "not"]
        )
        if kind in {"hand", "echo", "old echo"}:
            customer = {"to_user": parts["from_user"], "conversation_id": parts["conversation_id"]}
            said = {"hand": f"by hand {number}", "echo": "Open.", "old echo": "Sent."}[kind]
            theirs = {"hand": name, "echo": f"{self.word}-out-{of}", "old echo": f"{self.word}-sent-{of}"}[kind]
            return envelope(echo(said, theirs, "APP" if kind == "hand" else "API", **customer), "im_send_msg")
        if kind == "read":
            return envelope(content(read={"last_read_timestamp": number}, **parts), "im_mark_read_msg")
        if kind == "foreign":
            return envelope(content({"body": "x"}, name, **parts), user_openid="somebody-else")
        if kind == "not":
            return f"not JSON {self.word} {number}".encode()
        words = {"stop": "STOP", "start": "start"}.get(kind, f"text {number}")
        body = message(words, name, seconds, type="reaction" if kind == "reaction" else "text", **parts)
        if kind != "shape":
            return body
        other = json.loads(body)
        del other["client_key"]
        return json.dumps(other).encode()

    async def begin(self, database: Database) -> None:
        """Let something be known of two conversations: a reply that was sent, and one that is being sent."""
        for of in range(2):
            name = self.conversation(of)
            await put(database.uow, thread(name, user_id=f"{self.word}-usr-{of}", last_inbound_at=None))
            async with database.uow() as tx:
                known = replace(reply(conversation_id=name), sending_at=CAME)
                open_ = replace(known, body="Open.", state=ReplyState.SENDING)
                sent = replace(known, body="Sent.", state=ReplyState.SENT, provider_message_id=f"{self.word}-sent-{of}")
                await tx.replies.add(open_)
                await tx.replies.add(sent)

    async def end(self, database: Database) -> dict[str, Any]:
        """Return all that is stored of it, without its word and without numbers."""
        found: dict[str, Any] = {}
        for table in (users, threads, webhook_events, messages, replies):
            named = table.c["tiktok_id" if table is users else "conversation_id"]
            async with database.uow() as tx:
                stored = (await tx._session.execute(select(table).where(named.startswith(f"{self.word}-")))).all()
            left_out = {"id", "event_id", "reply_id", "reply_to_event", "dedup_key", "raw", "created_at"}
            found[table.name] = sorted(
                str({key: value for key, value in row._asdict().items() if key not in left_out}).replace(self.word, "")
                for row in stored
            )
        said = [(each.routing_key.rpartition(".")[0], each.body.decode()) for each in await rows(database, outbox)]
        found["outbox"] = sorted((key, body.replace(self.word, "")) for key, body in said if self.word in body)
        return found


@pytest.mark.parametrize("seed", range(6))
async def test_a_group_ends_as_if_each_had_been_taken_alone(database: Database, seed: int) -> None:
    alone, grouped = Talk("alone", seed), Talk("group", seed)
    for talk in (alone, grouped):
        await talk.begin(database)
        bodies = talk.bodies()
        for first in range(0, len(bodies), 13):
            await take(database.uow, *bodies[first : first + 13], at=CAME, together=talk is grouped)
    ended, expected = await grouped.end(database), await alone.end(database)
    for name, each in ended.items():
        assert each == expected[name], name


async def test_a_conversation_that_is_woken_is_not_woken_again_by_the_same_group(database: Database) -> None:
    await take(database.uow, *(message(f"{n}", f"mid-{n}", seconds=n) for n in range(5)), together=True)
    assert await states(database) == ["RECEIVED"] * 5
    assert await wakes(database) == 1
    await take(database.uow, message("more", "mid-9", seconds=9))
    assert await wakes(database) == 1
    assert (await stored(database.uow)).business_id == BUSINESS


async def test_more_than_ten_of_a_group_in_a_minute_are_kept_and_not_answered(database: Database) -> None:
    said = [message(f"{n}", f"mid-{n}", seconds=n) for n in range(13)]
    await take(database.uow, *said, at=NOW + timedelta(minutes=1), together=True)
    assert await states(database) == ["RECEIVED"] * 10 + ["IGNORED"] * 3

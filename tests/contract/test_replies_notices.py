"""Notifications that are no message of a customer's, taken in on real databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.replies.reception import Reception
from persistence.engine import Database
from persistence.tables import messages, outbox, webhook_events
from schemas.replies.messages import SendReplies
from schemas.replies.records import ReplyState, WebhookState
from tests.build.inbound import NOW, RECEPTION, SAID_AT, message, put, rows, states, stored, take, wakes
from tests.build.replies import BUSINESS, reply, thread, tokens
from tests.build.tiktok import LEGACY, content, echo, envelope


@pytest.mark.parametrize("state", [ReplyState.SENDING, ReplyState.UNCERTAIN])
async def test_an_echo_settles_the_reply_that_it_is(database: Database, state: ReplyState) -> None:
    uow = database.uow
    await put(uow, thread())
    async with uow() as tx:
        await tx.replies.add(reply("Yes, it is.", state=state, sending_at=NOW))
    said = envelope(echo("Yes, it is."), "im_send_msg")
    await take(uow, said, said)
    async with uow() as tx:
        (sent,) = await tx.replies.listed([ReplyState.SENT], 10)
    assert sent.provider_message_id == "mid-5002"
    assert await states(database) == ["DONE"]
    assert (await wakes(database), await wakes(database, SendReplies.key)) == (0, 1)
    assert (await stored(uow)).last_inbound_at == thread().last_inbound_at


@pytest.mark.parametrize("known", [True, False])
async def test_an_echo_of_nothing_of_ours_changes_nothing(database: Database, known: bool) -> None:
    if known:
        await put(database.uow, thread())
    await take(database.uow, envelope(echo("Buy now"), "im_send_msg"))
    assert await states(database) == ["IGNORED"]
    assert not await rows(database, outbox)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (envelope(content(read={"last_read_timestamp": 1}), "im_mark_read_msg"), WebhookState.IGNORED),
        (envelope("{}", "im_receive_msg_eu"), WebhookState.IGNORED),
        (envelope("{}", "video.publish.completed"), WebhookState.IGNORED),
        (envelope(content(from_user={"id": BUSINESS, "role": "business_account"})), WebhookState.IGNORED),
        (envelope(content(), client_key="another"), WebhookState.REJECTED),
        (envelope(content(), user_openid="another"), WebhookState.REJECTED),
        (envelope("not JSON"), WebhookState.REJECTED),
        (envelope(content(conversation_id="x" * 300)), WebhookState.REJECTED),
        (envelope({}, "e" * 300, user_openid="x" * 300), WebhookState.REJECTED),
        (b"not JSON", WebhookState.REJECTED),
        (b"\xff\x00", WebhookState.REJECTED),
    ],
)
async def test_what_is_no_customers_message_is_kept_and_that_is_all(
    database: Database, body: bytes, state: WebhookState
) -> None:
    await put(database.uow, thread())
    await take(database.uow, body, body)
    assert await states(database) == [state]
    assert not await rows(database, outbox)
    assert not await rows(database, messages)
    assert await stored(database.uow) == thread()


async def test_a_conversation_is_one_accounts_for_good(database: Database) -> None:
    both = replace(RECEPTION, business_ids={BUSINESS, "biz-2"})
    stranger = envelope(content({"body": "b"}, "mid-2"), user_openid="biz-2")
    await take(database.uow, message("a", "mid-1"), stranger, reception=both)
    assert await states(database) == ["RECEIVED", "REJECTED"]


async def test_by_default_every_account_with_a_token_is_ours(database: Database) -> None:
    uow = database.uow
    anybody = Reception()
    await take(uow, message("a", "mid-1"), reception=anybody)
    async with uow() as tx:
        await tx.tokens.put(tokens())
    await take(uow, message("b", "mid-2"), LEGACY, reception=anybody)
    assert await states(database) == ["REJECTED", "RECEIVED", "RECEIVED"]


async def test_two_accounts_of_ours_do_not_answer_each_other(database: Database) -> None:
    uow = database.uow
    other = {"id": "biz-2", "role": "personal_account"}
    said = message("hello", "mid-1", from_user=other)
    async with uow() as tx:
        await tx.tokens.put(tokens(business_id="biz-2"))
    await take(uow, said)
    assert await states(database) == ["IGNORED"]
    assert not await rows(database, outbox)


async def test_an_account_that_is_removed_is_forgotten_with_everything_said(database: Database) -> None:
    uow = database.uow
    async with uow() as tx:
        await tx.tokens.put(tokens(created_at=SAID_AT - timedelta(days=9)))
    await take(uow, message("my address is …", "mid-1"))
    async with uow() as tx:
        await tx.replies.add(reply("Noted."))
    removal = envelope('{"reason":1}', "authorization.removed")
    await take(uow, removal, removal)
    assert await states(database) == ["IGNORED", "DONE"]
    assert {each.raw for each in await rows(database, webhook_events)} == {b""}
    assert [each.content for each in await rows(database, messages)] == [""]
    async with uow() as tx:
        assert await tx.tokens.get(BUSINESS) is None
        (cancelled,) = await tx.replies.listed([ReplyState.CANCELLED], 10)
        assert cancelled.body == ""


async def test_a_removal_from_before_the_account_was_connected_again_removes_nothing(database: Database) -> None:
    async with database.uow() as tx:
        await tx.tokens.put(tokens(created_at=SAID_AT - timedelta(days=9)))
        await tx.tokens.put(tokens(created_at=NOW))
    await take(database.uow, envelope('{"reason":1}', "authorization.removed"))
    assert await states(database) == ["REJECTED"]
    async with database.uow() as tx:
        assert await tx.tokens.get(BUSINESS) is not None

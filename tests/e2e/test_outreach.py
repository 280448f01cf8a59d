"""What an operator sees of outreach tasks and does to them, from the command to SQL and the outbox."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mesh.cli import app
from persistence.engine import open_uow
from persistence.migrate import upgrade
from persistence.uow import Transaction
from schemas.chatbot.messages import SendChatMessages, contact_key
from schemas.chatbot.records import DeliveryState
from schemas.outreach.messages import ChatOutcome
from schemas.outreach.records import ContactState, TaskStatus
from tests.build.outreach import NOON, contact, stored_task
from tests.build.records import chat_delivery


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    monkeypatch.setenv("MESH_DATABASE_URL", url)
    monkeypatch.setenv("MESH_DATA_DIR", str(tmp_path))
    asyncio.run(upgrade(url))
    return url


def in_transaction(url: str, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        database = open_uow(url)
        async with database.uow() as tx:
            done = await work(tx)
        await database.close()
        return done

    return asyncio.run(run())


def store(url: str, **changes: Any) -> None:
    async def work(tx: Transaction) -> None:
        await tx.outreach_tasks.add(stored_task(new_creators_expect_count=50, plan_execute_time=NOON, **changes))
        sent = contact("2", state=ContactState.SENT, reason="never written to", account_name="MX1", username_key="dani")
        await tx.contacts.add([contact("1"), sent])

    in_transaction(url, work)


def said(url: str) -> list[tuple[str, bytes]]:
    async def work(tx: Transaction) -> list[tuple[str, bytes]]:
        lease = timedelta(seconds=1)
        rows = await tx.outbox.claim(limit=9, token="t" * 36, lease=lease, now=datetime.now(UTC))
        return [(row.message.key, row.message.body) for row in rows]

    found: list[tuple[str, bytes]] = in_transaction(url, work)
    return found


def mesh(*words: str) -> Result:
    return CliRunner().invoke(app, ["outreach", *words])


def test_tasks_are_listed_with_how_far_they_have_come(url: str) -> None:
    store(url, new_creators_real_count=12)
    shown = mesh("list").output
    assert "Aurela January" in shown
    assert "12 of 50" in shown
    (told,) = json.loads(mesh("list", "--status", "running", "--json").output)
    assert (told["id"], told["contacts_by_state"]) == ("T-1", {"waiting": 1, "sent": 1})
    assert "No such task" in mesh("list", "--status", "paused").output
    assert mesh("list", "--status", "happy").exit_code == 2


def test_a_task_is_shown_in_its_regions_time_with_its_contacts(url: str) -> None:
    store(url)
    shown = mesh("show", "T-1").output
    assert "2026-01-12 12:00 CST" in shown
    assert "never written to" in shown
    told = json.loads(mesh("show", "T-1", "--state", "sent", "--json").output)
    assert [each["platform_creator_id"] for each in told["contacts"]] == ["2"]


def test_a_task_that_is_not_there_is_said_so(url: str) -> None:
    assert url
    assert mesh("show", "T-9").exit_code == 1
    result = mesh("pause", "T-9")
    assert (result.exit_code, "There is no task T-9" in result.output) == (1, True)


def test_a_task_is_paused_and_goes_on(url: str) -> None:
    store(url, real_start_at=NOON)
    assert "running → paused" in mesh("pause", "T-1", "--reason", "holidays").output
    assert "nothing to pause" in mesh("pause", "T-1").output
    assert said(url) == []
    assert "paused → running" in mesh("resume", "T-1").output
    (message,) = said(url)
    assert message[0] == "outreach.contacts.decide"


def test_a_task_is_cancelled_for_good(url: str) -> None:
    store(url)
    assert "running → cancelled" in mesh("cancel", "T-1").output
    assert "nothing to start" in mesh("start", "T-1").output
    states = json.loads(mesh("show", "T-1", "--json").output)["contacts_by_state"]
    assert states == {"skipped": 1, "sent": 1}


def test_a_task_is_started_with_its_crawl_or_without(url: str) -> None:
    store(url, status=TaskStatus.PENDING)
    mesh("start", "T-1")
    assert "crawl.creators" in [key for key, _ in said(url)]


def test_a_task_that_gets_no_more_creators_ends(url: str) -> None:
    store(url)
    assert "running → running" in mesh("end", "T-1").output
    assert "nothing to end" in mesh("end", "T-1").output


def test_a_contact_whose_message_was_lost_is_settled_by_a_person(url: str) -> None:
    store(url)
    assert mesh("resolve", "T-1", "3", "--sent").exit_code == 1
    lost = contact("3", state=ContactState.UNCERTAIN, task_key="K-3")
    in_transaction(url, lambda tx: tx.contacts.add([lost]))
    assert "settled as not sent" in mesh("resolve", "T-1", "3", "--not-sent").output
    ((key, body),) = said(url)
    outcome = ChatOutcome.model_validate_json(body)
    assert (key, outcome.platform_creator_id, outcome.is_final) == ("chatbot.outcome.failed", "3", True)


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_message_that_a_crash_hid_is_settled_for_its_task_too(url: str, was_sent: bool) -> None:
    store(url)
    key = contact_key("T-1", "2")
    hidden = chat_delivery(
        task_key=key,
        sample_id=None,
        scenario=None,
        run=None,
        outreach_task_id="T-1",
        platform_creator_id="2",
        state=DeliveryState.UNCERTAIN,
    )
    in_transaction(url, lambda tx: tx.deliveries.begin([hidden]))
    CliRunner().invoke(app, ["deliveries", "resolve", key, "--sent" if was_sent else "--not-sent"])
    told = dict(said(url))
    outcome = ChatOutcome.model_validate_json(told[f"chatbot.outcome.{'sent' if was_sent else 'failed'}"])
    assert (outcome.platform_creator_id, outcome.is_final) == ("2", was_sent)
    if not was_sent:
        (again,) = SendChatMessages.model_validate_json(told["chatbot.sample.batch"]).tasks
        assert (again.outreach_task_id, again.platform_creator_id) == ("T-1", "2")
        assert (again.account_name, again.platform_creator_username) == ("MX1", "dani")

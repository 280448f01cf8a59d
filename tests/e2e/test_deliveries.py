"""What a person decides about uncertain deliveries, from the command to SQL and the outbox."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mesh.cli import app
from persistence.engine import open_uow
from persistence.migrate import upgrade
from schemas.chatbot.messages import SendChatMessages, task_key
from schemas.chatbot.records import ChatDelivery, DeliveryState

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _delivery(number: int, **overrides: Any) -> ChatDelivery:
    values: dict[str, Any] = {
        "id": f"{number:036d}",
        "task_key": "",
        "message_id": f"m{number}",
        "sample_id": f"{number:036d}",
        "scenario": "shipped",
        "run": 1,
        "region": "MX",
        "platform_creator_id": "7495",
        "messages": [{"type": "text", "content": "Hola 🌵"}],
        "sender": "development",
        "state": DeliveryState.UNCERTAIN,
        "attempts": 1,
        "reason": "interrupted while it was being sent",
        "created_at": NOW,
        "updated_at": NOW,
    } | overrides
    task = SendChatMessages.model_validate(
        [
            {
                "platformCreatorId": values["platform_creator_id"],
                "sampleId": values["sample_id"],
                "scenario": values["scenario"],
                "run": values["run"],
                "messages": values["messages"],
            }
        ]
    ).tasks[0]
    return ChatDelivery(**values | {"task_key": values["task_key"] or task_key(task, values["message_id"], 0)})


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    monkeypatch.setenv("MESH_DATABASE_URL", url)
    monkeypatch.setenv("MESH_DATA_DIR", str(tmp_path))
    asyncio.run(upgrade(url))
    return url


def _store(url: str, *deliveries: ChatDelivery) -> None:
    async def store() -> None:
        database = open_uow(url)
        async with database.uow() as tx:
            await tx.deliveries.begin(deliveries)
        await database.close()

    asyncio.run(store())


def _look(url: str) -> tuple[dict[str, ChatDelivery], list[Any]]:
    async def look() -> tuple[dict[str, ChatDelivery], list[Any]]:
        database = open_uow(url)
        async with database.uow() as tx:
            found = {each.task_key: each for state in DeliveryState for each in await tx.deliveries.listed(state, 9)}
            rows = await tx.outbox.claim(limit=9, token="t" * 36, lease=timedelta(seconds=1), now=datetime.now(UTC))
        await database.close()
        return found, list(rows)

    return asyncio.run(look())


def test_one_that_was_sent_is_settled_and_nothing_is_sent(url: str) -> None:
    delivery = _delivery(1)
    _store(url, delivery)
    result = CliRunner().invoke(app, ["deliveries", "resolve", delivery.task_key, "--sent"])
    assert "1 settled as sent" in result.output
    found, outbox = _look(url)
    assert found[delivery.task_key].state is DeliveryState.SENT
    assert outbox == []


def test_one_that_was_not_sent_is_sent_again_under_its_own_identity(url: str) -> None:
    delivery = _delivery(2)
    _store(url, delivery)
    CliRunner().invoke(app, ["deliveries", "resolve", delivery.task_key, "--not-sent"])
    found, outbox = _look(url)
    assert found[delivery.task_key].state is DeliveryState.FAILED
    (row,) = outbox
    task = SendChatMessages.model_validate_json(row.message.body).tasks[0]
    assert task_key(task, row.message.message_id, 0) == delivery.task_key
    assert task.messages[0].content == "Hola 🌵"


def test_what_is_not_uncertain_is_left_alone(url: str) -> None:
    delivery = _delivery(3, state=DeliveryState.SENT)
    _store(url, delivery)
    result = CliRunner().invoke(app, ["deliveries", "resolve", delivery.task_key, "--not-sent"])
    assert "1 of them are not uncertain" in result.output
    assert _look(url)[1] == []


def test_a_task_of_somebody_else_is_theirs_to_publish_again(url: str) -> None:
    delivery = _delivery(4, sample_id=None, scenario=None, run=None)
    _store(url, delivery)
    result = CliRunner().invoke(app, ["deliveries", "resolve", delivery.task_key, "--not-sent"])
    assert "publish them again yourself" in result.output
    assert _look(url)[1] == []


def test_they_are_listed_for_programs_too(url: str) -> None:
    delivery = _delivery(5)
    _store(url, delivery)
    (shown,) = json.loads(CliRunner().invoke(app, ["deliveries", "list", "--json"]).output)
    assert shown["task_key"] == delivery.task_key

"""What an operator sees of chat schedules: what became of the last run, also of those that have ended."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mesh.cli import app
from persistence.engine import open_uow
from persistence.migrate import upgrade
from schemas.chatbot.messages import reminder_key
from schemas.chatbot.records import DeliveryState, Scenario
from tests.build.chatbot import sample, schedule
from tests.build.records import chat_delivery


@pytest.fixture
def sample_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A sample whose reminders were sent, rejected, doubted, and never due."""
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    monkeypatch.setenv("MESH_DATABASE_URL", url)
    monkeypatch.setenv("MESH_DATA_DIR", str(tmp_path))
    known = sample()

    async def store() -> None:
        await upgrade(url)
        database = open_uow(url)
        async with database.uow() as tx:
            await tx.schedules.save(
                [
                    schedule(known, Scenario.SHIPPED, run_count=1, active=False),
                    schedule(known, Scenario.CONTENT_PENDING, run_count=1, active=False),
                    schedule(known, Scenario.NO_CONTENT_POSTED, run_count=2),
                    schedule(known, Scenario.MISSING_AD_CODE),
                ]
            )
            await tx.deliveries.begin(
                [
                    _delivery(known.id, Scenario.SHIPPED, 1, state=DeliveryState.SENT),
                    _delivery(known.id, Scenario.CONTENT_PENDING, 1, state=DeliveryState.FAILED, reason="no chat"),
                    _delivery(known.id, Scenario.NO_CONTENT_POSTED, 1, state=DeliveryState.SENT),
                    _delivery(known.id, Scenario.NO_CONTENT_POSTED, 2, state=DeliveryState.UNCERTAIN, reason="killed"),
                ]
            )
        await database.close()

    asyncio.run(store())
    return known.id


def _delivery(sample_id: str, scenario: Scenario, run: int, **changes: Any) -> Any:
    key = reminder_key(sample_id, [(scenario.value, run)])
    return chat_delivery(id=key, task_key=key, sample_id=sample_id, scenario=scenario.value, run=run, **changes)


def listed(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["schedules", "list", "--json", *words])
    assert result.exit_code == 0, result.output
    return {each["scenario"]: each["last_outcome"] for each in json.loads(result.output)}


def test_of_a_sample_every_schedule_is_shown_with_what_became_of_its_last_run(sample_id: str) -> None:
    shown = listed("--sample", sample_id)
    outcomes = {name: each and (each["state"], each["reason"]) for name, each in shown.items()}
    assert outcomes == {
        "shipped": ("sent", None),
        "content_pending": ("failed", "no chat"),
        "no_content_posted": ("uncertain", "killed"),
        "missing_ad_code": None,
    }


def test_without_a_sample_only_what_is_still_to_come_is_shown(sample_id: str) -> None:
    assert sample_id
    assert set(listed()) == {"no_content_posted", "missing_ad_code"}


def test_people_read_it_in_a_table(sample_id: str) -> None:
    output = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["schedules", "list", "--sample", sample_id]).output
    assert "failed" in output
    assert ": no chat" in output

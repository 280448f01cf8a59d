"""Commands of outreach are read however their publishers spell them."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.chatbot.messages import ChatTask, contact_key, task_key
from schemas.outreach.messages import MAX_CONTACTS, ControlOutreach, CountProgress, DecideContacts, IngestOutreachTask

CREATOR = {"platformCreatorId": "7341", "outreachTaskId": "T-1", "brandName": "Aurela"}


@pytest.mark.parametrize(
    "body",
    [
        [CREATOR],
        CREATOR,
        {"outreachTaskId": "T-1", "brandName": "Aurela", "tasks": [{"platformCreatorId": "7341"}]},
        [{"creator_id": 7341, "outreach_task_id": "T-1", "brand_name": "Aurela", "unknown": [1]}],
    ],
)
def test_creators_are_handed_over_in_three_shapes(body: Any) -> None:
    (creator,) = TypeAdapter(DecideContacts).validate_json(json.dumps(body)).creators
    assert (creator.platform_creator_id, creator.outreach_task_id, creator.brand_name) == ("7341", "T-1", "Aurela")


@pytest.mark.parametrize("body", [[], [{}], [{"platformCreatorId": ""}], [CREATOR] * (MAX_CONTACTS + 1), "x"])
def test_nobody_is_no_creator(body: Any) -> None:
    with pytest.raises(ValidationError):
        DecideContacts.model_validate(body)


@pytest.mark.parametrize("action", ["start", "END", " pause ", "resume", "cancel"])
def test_an_action_is_a_word(action: str) -> None:
    assert ControlOutreach.model_validate({"action": action, "task_id": "T-1"}).action == action.strip().lower()


@pytest.mark.parametrize(
    "body", [{"action": "stop", "taskId": "T"}, {"action": "end", "taskId": ""}, {"action": "end"}]
)
def test_what_nobody_can_do_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ControlOutreach.model_validate(body)


@pytest.mark.parametrize("delta", [0, -1, 10**7])
def test_progress_is_a_count(delta: int) -> None:
    with pytest.raises(ValidationError):
        CountProgress.model_validate({"taskId": "T", "delta": delta})


def test_an_operator_is_a_uuid_whatever_it_is_called() -> None:
    def operator(told: str) -> str | None:
        return CountProgress.model_validate({"taskId": "T", "operatorId": told}).operator_id

    assert operator("5b0c1a52-7e0d-4c6a-9e55-0d5b7a1f3c10") == "5B0C1A52-7E0D-4C6A-9E55-0D5B7A1F3C10"
    assert operator("maria") == operator(" maria ") == "4F34B97D-5AA5-563D-973B-AD52719025C8"
    assert operator("") is None


@pytest.mark.parametrize(("told", "expected"), [("T-1", "T-1"), (7, "7"), (" ", None), (True, None), ([1], None)])
def test_a_task_may_have_an_id(told: Any, expected: str | None) -> None:
    assert IngestOutreachTask(task={"taskId": told}).task_id == expected
    assert IngestOutreachTask(task={"task_id": told}).task_id == expected


def test_a_task_has_an_id_that_fits_its_column() -> None:
    assert IngestOutreachTask(task={"taskId": "x" * 64}).task_id
    with pytest.raises(ValidationError, match="longer than 64"):
        IngestOutreachTask(task={"taskId": "x" * 65})


def test_a_creator_of_an_outreach_task_is_one_chat_task_whatever_message_carries_it() -> None:
    def chat(creator: str, task: str) -> ChatTask:
        return ChatTask.model_validate({"platformCreatorId": creator, "outreachTaskId": task, "messages": ["Hola"]})

    assert task_key(chat("1", "T"), "m-1", 0) == task_key(chat("1", "T"), "m-2", 5) == contact_key("T", "1")
    assert contact_key("T:1", "2") != contact_key("T", "1:2")
    assert len({contact_key("T", "1"), contact_key("T", "2"), contact_key("U", "1")}) == 3


def test_of_two_spellings_the_one_that_says_something_counts() -> None:
    body = {"platformCreatorId": None, "creatorId": "1", "platformCreatorUsername": None, "creatorUsername": "dani"}
    (creator,) = DecideContacts.model_validate([body]).creators
    assert (creator.platform_creator_id, creator.platform_creator_username) == ("1", "dani")


def test_a_platform_is_as_wide_as_its_column() -> None:
    DecideContacts.model_validate([CREATOR | {"platform": "x" * 16}])
    with pytest.raises(ValidationError):
        DecideContacts.model_validate([CREATOR | {"platform": "x" * 17}])

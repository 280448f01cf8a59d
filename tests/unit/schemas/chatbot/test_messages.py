"""A chat batch is read in its three shapes, and a task tells whether it is a repeat."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from brokers.outgoing import outgoing
from schemas.chatbot.messages import (
    MAX_CONTENT,
    MAX_EXTRA,
    MAX_TASKS,
    ChatTask,
    SendChatMessages,
    parts_of,
    task_key,
)
from schemas.shapes import MAX_DEFAULTS
from tests.build.chatbot import task

READ = TypeAdapter(SendChatMessages)


def read(body: Any) -> list[ChatTask]:
    return READ.validate_json(json.dumps(body)).tasks


def faults(body: Any) -> list[tuple[int | str, ...]]:
    with pytest.raises(ValidationError) as caught:
        read(body)
    return [error["loc"] for error in caught.value.errors()]


def test_the_three_shapes_of_a_batch_are_the_same_tasks() -> None:
    assert read([task()]) == read(task()) == read({"tasks": [task()]})


def test_the_keys_around_the_tasks_are_defaults_for_each() -> None:
    first, second = read(
        {"taskId": "T", "region": "FR", "tasks": [task(region="MX"), {"creator_id": 7, "messages": "x"}]}
    )
    assert (first.task_id, first.region, second.task_id, second.region) == ("T", "MX", "T", "FR")


@pytest.mark.parametrize(
    ("spelling", "field"),
    [
        ("creatorId", "platform_creator_id"),
        ("creator_id", "platform_creator_id"),
        ("platform_creator_id", "platform_creator_id"),
        ("productId", "platform_product_id"),
        ("productName", "platform_product_name"),
        ("campaignName", "platform_campaign_name"),
        ("creatorUsername", "platform_creator_username"),
        ("whatsapp", "creator_whatsapp"),
        ("from", "sender_id"),
        ("sample_id", "sample_id"),
    ],
)
def test_publishers_spell_fields_in_their_own_ways(spelling: str, field: str) -> None:
    body = {"messages": ["hola"], spelling: "x"}
    if field != "platform_creator_id":
        body["platformCreatorId"] = "7"
    assert getattr(read(body)[0], field) == "x"


@pytest.mark.parametrize("messages", ["hola", ["hola"], {"content": "hola"}, [{"type": None, "content": "hola\0"}]])
def test_messages_may_be_bare_or_one_alone(messages: Any) -> None:
    assert [(each.type, each.content) for each in read(task(messages=messages))[0].messages] == [("text", "hola")]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], ()),
        (3, ()),
        ({"tasks": 3}, ()),
        ([1], (0,)),
        ([task(messages=[])], (0, "messages")),
        ([task(messages=[{"content": ""}])], (0, "messages", 0, "content")),
        ([task(), task(messages=[{"content": "x" * (MAX_CONTENT + 1)}])], (1, "messages", 0, "content")),
        ([task(platformCreatorId=" ")], (0, "platformCreatorId")),
        ([task(run=-1)], (0, "run")),
        ([task(sampleId="x" * 37)], (0, "sampleId")),
        ([task()] * (MAX_TASKS + 1), ()),
    ],
)
def test_a_malformed_batch_names_the_place(body: Any, path: tuple[int | str, ...]) -> None:
    assert faults(body) == [path]


def test_what_we_say_ourselves_is_an_array_without_nulls_under_its_key() -> None:
    said = outgoing(SendChatMessages.model_validate([task(theme="dark")]))
    assert (said.exchange, said.key, said.type) == ("chatbot.topic", "chatbot.sample.batch", "SendChatMessages")
    assert json.loads(said.body) == [
        {
            "platformCreatorId": "7495000000000000321",
            "region": "MX",
            "messages": [{"type": "text", "content": "Hola Lupita"}],
            "theme": "dark",
        }
    ]


def test_a_reminder_is_the_same_task_in_any_message() -> None:
    named = read(task(sampleId="abc", scenario="shipped", run=1))[0]
    assert task_key(named, "one", 0) == task_key(named, "two", 5)
    assert task_key(named, "one", 0) != task_key(named.model_copy(update={"run": 2}), "one", 0)


def test_another_task_is_the_same_only_in_its_place() -> None:
    plain = read(task(sampleId="abc"))[0]
    assert len({task_key(plain, "one", 0), task_key(plain, "one", 1), task_key(plain, "two", 0)}) == 3


META = st.fixed_dictionaries({}, optional={"scenario": st.sampled_from(["a", "b", 3, [1]]), "run": st.integers(0, 2)})


@given(
    metas=st.lists(st.none() | META, min_size=1, max_size=6),
    scenarios=st.none() | st.lists(st.sampled_from(["a", "b"]), max_size=3),
    runs=st.none() | st.lists(st.integers(0, 2), max_size=3),
    sample=st.none() | st.just("S"),
)
def test_parts_hold_every_message_once_under_keys_of_their_own(
    metas: Any, scenarios: Any, runs: Any, sample: Any
) -> None:
    messages = [{"content": str(place), "meta": meta} for place, meta in enumerate(metas)]
    whole = read(task(messages=messages, scenarios=scenarios, runs=runs, sampleId=sample))[0]
    parts = parts_of(whole)
    held = [message.content for part in parts for message in part.messages]
    assert sorted(held) == [str(place) for place in range(len(metas))]
    assert len({task_key(part, "m", 0) for part in parts}) == len(parts)


FIELDS = st.sampled_from(["tasks", "messages", "platformCreatorId", "content", "meta", "scenarios", "runs"])
SCALARS = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner), max_leaves=12))
def test_any_json_is_read_or_refused_as_a_validation_error(body: Any) -> None:
    with contextlib.suppress(ValidationError):
        assert READ.validate_json(json.dumps(body)).tasks


def test_too_many_tasks_are_not_multiplied_by_the_keys_around_them() -> None:
    defaults = {f"key{number}": number for number in range(MAX_DEFAULTS)}
    assert faults({"tasks": [{}] * (MAX_TASKS + 1), **defaults})
    assert faults({"tasks": [task()], **defaults, "one": "more"})


@pytest.mark.parametrize(
    "extra",
    [
        {"meta": {"page": "x" * MAX_EXTRA}},
        {"anything": "x" * MAX_EXTRA},
        {"meta": {"a": json.loads("[" * 40 + "]" * 40)}},
    ],
)
def test_what_no_database_would_keep_beside_the_content_is_refused(extra: dict[str, Any]) -> None:
    assert faults([task(messages=[{"content": "Hola", **extra}])])

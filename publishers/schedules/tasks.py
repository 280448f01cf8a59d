"""Builds the chat message that carries the due reminders of one sample."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from brokers.outgoing import Outgoing, outgoing
from publishers.schedules.renderer import Renderer, Unrenderable
from schemas.chatbot.messages import MAX_TITLE, ChatMessage, ChatTask, SendChatMessages, task_key
from schemas.chatbot.records import Reminded, Scenario, Schedule
from schemas.identity import named_id

#: The order of a merged task is the order in which things happen to a sample.
ORDER = {scenario: place for place, scenario in enumerate(Scenario)}


class Bundle(NamedTuple):
    """The due schedules of one sample, to be told to its creator in one task; `day` is what the task counts towards."""

    region: str
    sample: Reminded
    platform_creator_id: str
    schedules: Sequence[Schedule]
    day: tuple[str, date] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A bundle rendered: the message, if there is anything to say, what it tells, and what could not be rendered."""

    bundle: Bundle
    message: Outgoing | None
    told: Sequence[Schedule] = ()
    failed: Sequence[tuple[Schedule, str]] = field(default_factory=list)


def drafted(bundle: Bundle, renderer: Renderer, now: datetime) -> Draft:
    """Render a bundle; a schedule whose template fails does not keep the others from being told."""
    rendered: list[tuple[Schedule, list[ChatMessage]]] = []
    failed: list[tuple[Schedule, str]] = []
    for schedule in sorted(bundle.schedules, key=_order):
        try:
            rendered.append((schedule, renderer.messages(schedule.scenario, bundle.sample, bundle.region)))
        except Unrenderable as error:
            failed.append((schedule, str(error)))
    if not rendered:
        return Draft(bundle=bundle, message=None, failed=failed)
    told = [schedule for schedule, _ in rendered]
    try:
        message = _addressed(_task(bundle, rendered), told, now)
    except (
        ValueError
    ) as error:  # of one sample, whose rows somebody else may have written: no reason to stop the others
        reason = f"no chat task can be made of it: {error}"
        return Draft(bundle=bundle, message=None, failed=[*failed, *((schedule, reason) for schedule in told)])
    return Draft(bundle=bundle, message=message, told=told, failed=failed)


def _order(schedule: Schedule) -> int:
    return ORDER[schedule.scenario]


def _task(bundle: Bundle, rendered: Sequence[tuple[Schedule, list[ChatMessage]]]) -> ChatTask:
    sample = bundle.sample
    reminders = [(schedule.scenario.value, schedule.run_count + 1) for schedule, _ in rendered]
    if len(rendered) == 1:
        names = {"scenario": reminders[0][0], "run": reminders[0][1]}
        messages = rendered[0][1]
    else:
        names = {"scenarios": [name for name, _ in reminders], "runs": [run for _, run in reminders]}
        messages = _merged(rendered)
    return ChatTask(
        platform_creator_id=bundle.platform_creator_id,
        messages=messages,
        region=bundle.region,
        sample_id=sample.id,
        platform_product_id=sample.platform_product_id,
        platform_product_name=_title(sample.product_name),
        platform_campaign_name=_title(sample.platform_campaign_name),
        platform_creator_username=sample.platform_creator_username,
        **names,
    )


def _title(name: str | None) -> str | None:
    """Cut a name that a crawler may send longer than a chat task carries it."""
    return name and name[:MAX_TITLE]


def _merged(rendered: Sequence[tuple[Schedule, list[ChatMessage]]]) -> list[ChatMessage]:
    """Put the reminders' messages one after the other, each marked with its reminder; a link is told once, last."""
    marked = [
        message.model_copy(update={"meta": {"scenario": schedule.scenario.value, "run": schedule.run_count + 1}})
        for schedule, messages in rendered
        for message in messages
    ]
    links = {message.content: place for place, message in enumerate(marked) if message.type == "link"}
    return [
        message for place, message in enumerate(marked) if message.type != "link" or links[message.content] == place
    ]


def _addressed(task: ChatTask, told: Sequence[Schedule], now: datetime) -> Outgoing:
    """Address a task under an id that is the same whenever the same runs of the same schedules are published."""
    runs = ",".join(f"{schedule.id}:{schedule.run_count + 1}" for schedule in told)
    message_id = named_id(f"mesh:schedules:{runs}")
    headers = {"task_id": task_key(task, message_id, 0), "task_count": 1}
    return outgoing(SendChatMessages([task]), message_id=message_id, headers=headers, timestamp=now)

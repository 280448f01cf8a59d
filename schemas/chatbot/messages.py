"""Chat batches as they travel to a chatbot: an array of tasks, each a creator and what to write to them."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field, RootModel, StringConstraints, model_validator

from schemas.base import Message, Value
from schemas.identity import named_id
from schemas.plain_json import canonical, clean
from schemas.shapes import as_tasks

#: Tasks are sent one after the other, and one message's work must end within the broker's acknowledgement timeout.
MAX_TASKS = 1000
#: More bubbles than this in one go is a publisher's mistake, not a conversation.
MAX_MESSAGES = 50
#: The largest number that its column holds.
MAX_RUN = 2**31 - 1
#: Far above what a chat window takes; it bounds a row, not a style.
MAX_CONTENT = 10_000
#: Characters of the name of a product or campaign.
MAX_TITLE = 2000
#: Bytes of JSON that a message may carry beside its content.
MAX_EXTRA = 16_000


def _without_nul(value: Any) -> Any:
    return value.replace("\x00", "") if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    """Read one message, or bare texts, as the array of messages they stand for."""
    listed = [value] if isinstance(value, str | dict | ChatMessage) else value
    if not isinstance(listed, list):
        return listed
    return [{"content": entry} if isinstance(entry, str) else entry for entry in listed]


def _or_text(value: Any) -> Any:
    return "text" if value is None else value


_CLEAN = BeforeValidator(_without_nul)
Id = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64), _CLEAN]
Name = Annotated[str, StringConstraints(max_length=255), _CLEAN]
Title = Annotated[str, StringConstraints(max_length=MAX_TITLE), _CLEAN]


def _spelled(*names: str) -> Any:
    """Declare an optional field that publishers spell in several ways; the first spelling is ours."""
    return Field(default=None, validation_alias=AliasChoices(*names), serialization_alias=names[0])


class ChatMessage(Value):
    """One bubble of a chat: a text, a link, or another type that the sender knows."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    type: Annotated[str, StringConstraints(max_length=32), BeforeValidator(_or_text)] = "text"
    content: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CONTENT), _CLEAN]
    meta: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        """Refuse what no database would take beside the content: too much, or nested too deeply."""
        extra = {**(self.model_extra or {}), "meta": self.meta} if self.model_extra else self.meta
        if extra and len(canonical(clean(extra))) > MAX_EXTRA:
            raise ValueError(f"carries more than {MAX_EXTRA} bytes beside its content")
        return self


class ChatTask(Value):
    """What to write to one creator; unknown keys are kept, for a sender may know them.

    `sample_id`, `scenario` and `run` name the reminder that caused it, so that any chatbot can tell a repeat. A task
    that merges several reminders has `scenarios` and the aligned `runs` instead, and each of its messages says in
    `meta` which scenario and run it belongs to. `outreach_task_id` names the outreach task that the creator was found
    for; such a task is written to a creator once.
    """

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    platform_creator_id: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), _CLEAN
    ] = Field(
        validation_alias=AliasChoices("platformCreatorId", "platform_creator_id", "creatorId", "creator_id"),
        serialization_alias="platformCreatorId",
    )
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES), BeforeValidator(_as_list)]
    region: Annotated[str, StringConstraints(strip_whitespace=True, max_length=32), _CLEAN] | None = None
    account_name: Name | None = None
    sender_id: Name | None = _spelled("from", "senderId", "sender_id")
    operator_id: Id | None = None
    sample_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=36), _CLEAN] | None = None
    platform_product_id: Id | None = _spelled("platformProductId", "platform_product_id", "productId", "product_id")
    platform_product_name: Title | None = _spelled(
        "platformProductName", "platform_product_name", "productName", "product_name"
    )
    platform_campaign_name: Title | None = _spelled(
        "platformCampaignName", "platform_campaign_name", "campaignName", "campaign_name"
    )
    platform_creator_username: Name | None = _spelled(
        "platformCreatorUsername", "platform_creator_username", "creatorUsername", "creator_username"
    )
    creator_whatsapp: Id | None = _spelled("creatorWhatsapp", "creator_whatsapp", "whatsapp")
    task_id: Id | None = None
    outreach_task_id: Id | None = None
    scenario: Id | None = None
    run: Annotated[int, Field(ge=0, le=MAX_RUN)] | None = None
    scenarios: Annotated[list[Id], Field(max_length=MAX_MESSAGES)] | None = None
    runs: Annotated[list[Annotated[int, Field(ge=0, le=MAX_RUN)]], Field(max_length=MAX_MESSAGES)] | None = None


class SendChatMessages(RootModel[Annotated[list[ChatTask], Field(min_length=1, max_length=MAX_TASKS)]], Message):
    """Write to creators; on the wire an array of tasks, one object around such an array, or a single task."""

    key: ClassVar[str] = "chatbot.sample.batch"

    @model_validator(mode="before")
    @classmethod
    def _one_shape(cls, body: Any) -> Any:
        return as_tasks(body, MAX_TASKS)

    @property
    def tasks(self) -> list[ChatTask]:
        """The tasks, in the order they are to be sent."""
        return self.root


def reminders(task: ChatTask) -> list[tuple[str, int]]:
    """Return the (scenario, run) pairs that a task names, none if it does not say them properly."""
    if task.scenarios and task.runs and len(task.scenarios) == len(task.runs):
        return list(zip(task.scenarios, task.runs, strict=True))
    if task.scenario and task.run is not None:
        return [(task.scenario, task.run)]
    return []


def contact_key(outreach_task_id: str, platform_creator_id: str) -> str:
    """Return the task key of what an outreach task writes to a creator: there is one, whatever crashes."""
    return named_id(f"mesh:outreach:{len(outreach_task_id)}:{outreach_task_id}:{platform_creator_id}").upper()


def reminder_key(sample_id: str, reminders: Sequence[tuple[str, int]]) -> str:
    """Return the task key of reminders of a sample, each a scenario and its run."""
    told = ",".join(f"{scenario.lower()}:{run}" for scenario, run in sorted(reminders))
    return named_id(f"mesh:reminder:{sample_id.upper()}:{told}").upper()


def task_key(task: ChatTask, message_id: str, index: int) -> str:
    """Return what makes two tasks the same one, as an upper-case UUIDv5.

    A task of ours is the same in whatever message it comes: its sample, scenarios and runs, or its outreach task and
    creator. Another is the same only in the same place of the same message.
    """
    if task.outreach_task_id:
        return contact_key(task.outreach_task_id, task.platform_creator_id)
    named = reminders(task)
    if task.sample_id and named:
        return reminder_key(task.sample_id, named)
    return named_id(f"mesh:chat:{message_id}:{index}").upper()


def parts_of(task: ChatTask) -> list[ChatTask]:
    """Split a merged task into one task a reminder, so that each is told apart when it comes again.

    A task without a sample, or whose messages do not all say which reminder they belong to is its own only part.
    """
    named = reminders(task)
    if not task.sample_id or len(named) < 2:  # noqa: PLR2004  # two reminders are what makes a merge
        return [task]
    grouped: dict[tuple[str, int], list[ChatMessage]] = {reminder: [] for reminder in named}
    for message in task.messages:
        meta = message.meta or {}
        told = (meta.get("scenario"), meta.get("run"))
        reminder = next((known for known in grouped if known == told), None)
        if reminder is None:
            return [task]
        grouped[reminder].append(message)
    return [
        task.model_copy(
            update={"scenario": scenario, "run": run, "scenarios": None, "runs": None, "messages": messages}
        )
        for (scenario, run), messages in grouped.items()
        if messages
    ]

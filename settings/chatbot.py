"""Settings of the chatbot."""

from typing import Literal

from pydantic import BaseModel, Field, NonNegativeInt, PositiveFloat, field_validator

from settings.types import Hours, Words


class ChatbotSettings(BaseModel):
    """Messages to creators: who sends them, where, when and how many."""

    chatbot_sender: Literal["development", "browser"] = Field(
        "development",
        description="Who sends chat messages: `browser` types them into the sellers' chat page as the accounts of "
        "MESH_ACCOUNTS_FILE, `development` sends nothing, it records each message in SQL and the log.",
    )
    chatbot_regions: Words = Field(("MX",), description="Regions in which creators are written to, comma-separated.")
    chatbot_quiet_hours: Hours = Field(
        default_factory=dict,
        description="Local hours by region in which nothing is sent: MX=21:00-09:00,BR=22:00-08:00; none by default.",
    )
    chatbot_daily_cap: NonNegativeInt = Field(
        10,
        description="Most chat tasks that one creator is sent in one local day; the rest wait for the next; 0 means no "
        "cap.",
    )
    chatbot_link_template: str = Field(
        "https://creator.infound.ai/samples/{sampleId}",
        description="Link to a sample in chat messages; {sampleId} is replaced.",
    )
    chatbot_poll_seconds: PositiveFloat = Field(5, description="How often due chat schedules are looked for.")

    @field_validator("chatbot_regions")
    @classmethod
    def _are_upper(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(region.upper() for region in regions)

    @field_validator("chatbot_link_template")
    @classmethod
    def _names_the_sample(cls, template: str) -> str:
        if "{sampleId}" not in template:
            raise ValueError("must contain {sampleId}")
        return template

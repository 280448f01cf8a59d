"""Every setting of the mesh, in one place: its name, its default and one sentence about it.

Values come from the environment (prefix `MESH_`), then from `.env`. Only the composition root reads them; everything
else is handed what it needs. `python -m settings` prints `.env.example`.
"""

from pydantic_settings import BaseSettings, SettingsConfigDict

from settings.admin import AdminSettings
from settings.chatbot import ChatbotSettings
from settings.crawls import CrawlSettings
from settings.gateway import GatewaySettings
from settings.infrastructure import InfrastructureSettings
from settings.processes import ProcessSettings
from settings.relay import RelaySettings
from settings.replies import RepliesSettings
from settings.samples import SampleSettings


class Settings(
    BaseSettings,
    InfrastructureSettings,
    ProcessSettings,
    GatewaySettings,
    AdminSettings,
    SampleSettings,
    ChatbotSettings,
    CrawlSettings,
    RelaySettings,
    RepliesSettings,
):
    """What an operator may decide."""

    model_config = SettingsConfigDict(
        env_prefix="MESH_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # A mistaken value is named in the error, never repeated: it may be a secret.
        hide_input_in_errors=True,
    )


__all__ = ["Settings"]

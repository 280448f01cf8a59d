"""Which errors are an operator's to mend, and how they are told: in a sentence, without a stack."""

from pydantic import ValidationError

from brokers.verdict import Verdict
from crawlers.errors import CrawlError
from mesh.compose import Unconfigured
from mesh.data_dir import AlreadyRunning
from mesh.embedded.process import ServiceFailed
from mesh.worker import UnknownQueue
from publishers.admin.errors import Refusal
from settings import Settings

_MENDABLE = (AlreadyRunning, CrawlError, ServiceFailed, Unconfigured, UnknownQueue, Refusal, Verdict, OSError)


def complaint(error: Exception) -> str | None:
    """Return what to tell the operator, or None for a bug."""
    if isinstance(error, ValidationError):
        return _about_settings(error) if error.title == Settings.__name__ else None
    return str(error) if isinstance(error, _MENDABLE) else None


def _about_settings(error: ValidationError) -> str:
    """Name the settings that are wrong, never their values: one may be a secret."""
    wrong = (f"MESH_{'.'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors())
    return "these settings are wrong (environment or .env): " + "; ".join(wrong)

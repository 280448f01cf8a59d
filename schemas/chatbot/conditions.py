"""What must be true of a sample for each reminder; asked when a schedule is made and again when it falls due."""

from schemas.chatbot.records import Reminded, Scenario
from schemas.samples.records import Sample
from schemas.samples.summary import has_code, has_video, is_empty

#: The statuses that reminders depend on, as the seller page's tabs are called, compared trimmed and lower-cased.
SHIPPED = "shipped"
CONTENT_PENDING = "content pending"
COMPLETED = "completed"


def calls_for(scenario: Scenario, sample: Sample | Reminded) -> bool:
    """Tell whether the sample, as it stands, still calls for this reminder."""
    match scenario:
        case Scenario.SHIPPED:
            return status_of(sample) == SHIPPED
        case Scenario.CONTENT_PENDING:
            return status_of(sample) == CONTENT_PENDING
        case Scenario.NO_CONTENT_POSTED:
            return status_of(sample) == COMPLETED and is_empty(sample.content_summary)
        case Scenario.MISSING_AD_CODE:
            return has_video(sample.content_summary) and not has_code(sample.ad_code)


def status_of(sample: Sample | Reminded) -> str:
    """Return the status as the rules compare it."""
    return (sample.status or "").strip().lower()

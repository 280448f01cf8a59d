"""Settings of crawls."""

from pathlib import Path

from pydantic import BaseModel, Field, PositiveFloat, PositiveInt

from settings.types import Hours


class CrawlSettings(BaseModel):
    """Browsers and the accounts they drive on the sellers' site."""

    accounts_file: Path | None = Field(
        None,
        description="JSON file of the sellers' accounts that browsers drive: name, login_email, region, operator_id, "
        "mailbox; its secrets stay in the environment or sealed.",
    )
    site_url: str | None = Field(
        None, description="Address of the seller centre, if that is not its region's own (a stand-in)."
    )
    chromium_path: Path | None = Field(
        None, description="The browser's program; without it the system's Chromium, else Playwright's own."
    )
    chromium_sandbox: bool = Field(
        True,
        description="Whether the browser isolates pages in the kernel's sandbox; root, and containers without user "
        "namespaces, must do without.",
    )
    crawl_headless: bool = Field(True, description="Whether browsers work without a window.")
    crawl_steps_per_minute: float = Field(
        20, ge=0, description="Steps a minute of one account on the site (pages, drawers), unevenly; 0 means no limit."
    )
    crawl_hours: Hours = Field(
        default_factory=dict,
        description="Local hours by region in which accounts work: MX=08:00-22:00,ES=09:00-21:00; always by default.",
    )
    crawl_browser_pages: PositiveInt = Field(150, description="Pages after which a browser is replaced by a fresh one.")
    crawl_turn_minutes: PositiveFloat = Field(
        10,
        le=25,
        description="How long a crawl runs in one go before others have their turn; RabbitMQ takes back what is not "
        "acked within 30 minutes.",
    )

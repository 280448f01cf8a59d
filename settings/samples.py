"""Settings of sample requests."""

from pydantic import BaseModel, Field, PositiveInt


class SampleSettings(BaseModel):
    """Sample requests and what was crawled."""

    samples_default_region: str = Field("MX", description="Region of a sample row that names none.")
    retention_days: PositiveInt = Field(180, description="Days that crawl logs and settled chat deliveries are kept.")

"""Crawl logs are looked up by day first, so that writing to today's part of the index is all that a crawl costs."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = "sample_crawl_logs"


def upgrade() -> None:
    op.create_index("ix_sample_crawl_logs_day", TABLE, ["crawl_date", "fingerprint"])
    op.drop_index("ix_sample_crawl_logs_fingerprint", TABLE)
    op.drop_index("ix_sample_crawl_logs_date", TABLE)


def downgrade() -> None:
    op.create_index("ix_sample_crawl_logs_date", TABLE, ["crawl_date"])
    op.create_index("ix_sample_crawl_logs_fingerprint", TABLE, ["fingerprint", "crawl_date"])
    op.drop_index("ix_sample_crawl_logs_day", TABLE)

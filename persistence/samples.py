"""What is known of samples, their contents and their crawls."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Row, Select, select, tuple_

from persistence.dialect import Bulk, paths_of
from persistence.session import Session, chunks
from persistence.tables import sample_content_crawl_logs, sample_contents, sample_crawl_logs, samples
from schemas.samples.records import Sample, SampleContent, SampleContentCrawlLog, SampleCrawlLog, SampleKey

NATURAL_KEY: Final = tuple(SampleKey._fields)
#: Who saw it first, and as what, is never written again.
IMMUTABLE: Final = frozenset({"id", "creator_id", "creation_time"})

_KEY: Final = tuple_(*(samples.c[name] for name in NATURAL_KEY))
_LOCKED: Final = (
    select(samples)
    .with_for_update()
    # For few keys MariaDB would rather read the index of products, and wait for rows of other creators on the way.
    .with_hint(samples, "FORCE INDEX (uq_sample)", "mysql")
    .with_hint(samples, "FORCE INDEX (uq_sample)", "mariadb")
)

_SAMPLE: Final = paths_of(samples)
_CONTENT: Final = paths_of(sample_contents)


def _but(paths: Mapping[str, str], *left_out: str) -> tuple[str, ...]:
    return tuple(name for name in paths if name not in IMMUTABLE and name not in left_out)


ADD: Final = Bulk(table=samples, paths=_SAMPLE)
SAVE: Final = Bulk(table=samples, paths=_SAMPLE, key=("id",), replace=_but(_SAMPLE, *NATURAL_KEY))
LOG: Final = Bulk(
    table=sample_crawl_logs,
    paths=paths_of(sample_crawl_logs)
    | {name: f"sample.{name}" for name in _SAMPLE if name != "id"}
    | {"sample_id": "sample.id"},
)
UPSERT_CONTENTS: Final = Bulk(
    table=sample_contents,
    paths=_CONTENT,
    key=("sample_id", "content_key"),
    replace=_but(_CONTENT, "sample_id", "content_key"),
    newest="observed_at",
)
LOG_CONTENTS: Final = Bulk(
    table=sample_content_crawl_logs,
    paths=paths_of(sample_content_crawl_logs)
    | {name: f"content.{name}" for name in _CONTENT if name != "id"}
    | {"content_id": "content.id"},
)


def sample_of(row: Row[Any]) -> Sample:
    """Read a whole row of the samples table; by position, as reading by name takes twice as long."""
    return Sample(**dict(zip(_SAMPLE, row, strict=True)))


def by_key(keys: Sequence[SampleKey]) -> Select[Any]:
    """Select samples by natural key, to be locked."""
    return _LOCKED.where(_KEY.in_(keys))


class Samples:
    """Samples by natural key, their contents, and the append-only logs of both."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def find(self, keys: Collection[SampleKey]) -> dict[SampleKey, Sample]:
        """Return the samples that exist, locked until the transaction ends."""
        found: dict[SampleKey, Sample] = {}
        # Locks are always taken in the order of keys, so that two transactions cannot hold what the other waits for.
        for chunk in chunks(sorted(set(keys))):
            rows = await self._session.execute(by_key(chunk))
            found |= {sample.key: sample for sample in map(sample_of, rows)}
        return found

    async def add(self, new: Sequence[Sample]) -> None:
        """Insert samples that were not found; one that appeared meanwhile is a Conflict."""
        await self._session.write(ADD, sorted(new, key=lambda sample: sample.key))

    async def save(self, changed: Sequence[Sample]) -> None:
        """Write samples found under lock; their natural keys and who created them stay."""
        await self._session.write(SAVE, sorted(changed, key=lambda sample: sample.id))

    async def log(self, entries: Sequence[SampleCrawlLog]) -> None:
        """Append what a crawl saw of samples."""
        await self._session.write(LOG, entries)

    async def logged(self, fingerprints: Collection[str], crawl_date: date) -> set[str]:
        """Return which fingerprints have already been logged on that day."""
        seen: set[str] = set()
        for chunk in chunks(set(fingerprints)):
            fingerprint = sample_crawl_logs.c.fingerprint
            on_day = select(fingerprint).where(fingerprint.in_(chunk), sample_crawl_logs.c.crawl_date == crawl_date)
            seen.update((await self._session.execute(on_day.distinct())).scalars())
        return seen

    async def upsert_contents(self, contents: Sequence[SampleContent]) -> None:
        """Write contents by (sample, content key); an observation older than the stored one changes nothing."""
        await self._session.write(UPSERT_CONTENTS, sorted(contents, key=_content_order))

    async def log_contents(self, entries: Sequence[SampleContentCrawlLog]) -> None:
        """Append what a crawl saw of contents."""
        await self._session.write(LOG_CONTENTS, entries)


def _content_order(content: SampleContent) -> tuple[str, str]:
    return content.sample_id, content.content_key

"""The message of a crawl and what it is answered."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.ingestion import RejectedRow
from schemas.samples.messages import MAX_OPTIONS_BYTES, MAX_ROWS, IngestResult, IngestSamples

EXAMPLE = Path(__file__).parents[4] / "mesh" / "examples" / "samples-ingest.json"


def test_the_example_is_read() -> None:
    message = IngestSamples.model_validate_json(EXAMPLE.read_bytes())

    assert message.source == "portal_tiktok_sample_crawler"
    assert message.options is not None
    assert message.options["tabs"] == ["completed"]
    assert len(message.rows) == 1


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("5b0c1a52-7e0d-4c6a-9e55-0d5b7a1f3c10", "5B0C1A52-7E0D-4C6A-9E55-0D5B7A1F3C10"),
        ("{5b0c1a527e0d4c6a9e550d5b7a1f3c10}", "5B0C1A52-7E0D-4C6A-9E55-0D5B7A1F3C10"),
        ("ana", "ana"),
        (17, "17"),
        (" ", None),
        (None, None),
    ],
)
def test_an_operator_is_a_uuid_in_upper_case_or_kept_as_given(written: object, kept: str | None) -> None:
    assert IngestSamples.model_validate({"source": "x", "operatorId": written, "rows": [{}]}).operator_id == kept


@pytest.mark.parametrize(
    "body",
    [
        {"rows": [{}]},
        {"source": "", "rows": [{}]},
        {"source": "\0", "rows": [{}]},
        {"source": "x", "rows": []},
        {"source": "x", "rows": [1]},
        {"source": "x", "operatorId": "x" * 37, "rows": [{}]},
    ],
)
def test_a_message_of_the_wrong_shape_is_refused(body: object) -> None:
    with pytest.raises(ValidationError):
        IngestSamples.model_validate(body)


def test_options_are_cleaned_for_the_database() -> None:
    message = IngestSamples.model_validate(
        {"source": "x", "rows": [{}], "options": {"tabs": ["a\0"], "n": float("nan")}}
    )

    assert message.options == {"tabs": ["a"], "n": None}


def test_an_answer_speaks_of_rejected_rows_only_when_there_are_any() -> None:
    fault = RejectedRow(index=3, field="stock", reason="is not a number")

    assert IngestResult(inserted=1, products=1).model_dump() == {"inserted": 1, "products": 1}
    assert IngestResult(inserted=1, products=1, rejected=[fault]).model_dump()["rejected"] == [
        {"index": 3, "field": "stock", "reason": "is not a number"}
    ]


@pytest.mark.parametrize(
    "excess", [{"rows": [{}] * (MAX_ROWS + 1)}, {"rows": [{}], "options": {"page": "x" * MAX_OPTIONS_BYTES}}]
)
def test_what_would_take_minutes_or_gigabytes_to_store_is_refused(excess: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IngestSamples.model_validate({"source": "x", **excess})

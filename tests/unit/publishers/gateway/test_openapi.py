from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from publishers.gateway.tiktok import Webhook
from tests.build.gateway import AUTH, World
from tests.build.tiktok import SECRET

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
    unsupported_method,
]
# What a request that breaks the schema is answered is tested by itself: we take numbers for texts, bare texts for
# messages and unknown preferences on purpose, so that "schema broken, request taken" is no fault here.


#: The fake worker tells every route the same.
SAMPLES = {"inserted": 1, "products": 1}
OUTREACH = {"creators": 1, "campaigns": 1, "records": [], "taskId": "T", "newCreatorsRealCount": 1}
EVENTS = {"accepted": 1, "rejected": 0, "event_ids": ["1"], "errors": [], "results": []}


def _world() -> World:
    world = World(asyncapi=b"{}", webhook=Webhook([SECRET]))
    world.answers.done({**SAMPLES, **OUTREACH, **EVENTS})
    return world


schema = schemathesis.openapi.from_asgi("/openapi.json", _world().app)


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_gateway_does_what_its_document_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers=AUTH, checks=CHECKS)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return schema.raw_schema


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/samples/ingest", "IngestSamples"),
        ("/chatbot/messages", "ChatTask"),
        ("/creators/ingest", "IngestCreators"),
        ("/creators/history", "TellCreatorHistory"),
        ("/campaigns/ingest", "IngestCampaigns"),
        ("/products/ingest", "IngestProducts"),
        ("/outreach_tasks/ingest", "IngestOutreachTask"),
        ("/outreach_tasks/progress", "CountProgress"),
        ("/chatbot/outreach/messages", "CreatorToContact"),
        ("/chatbot/outreach/control", "ControlOutreach"),
    ],
)
def test_the_hot_routes_are_documented(document: dict[str, Any], path: str, model: str) -> None:
    operation = document["paths"][path]["post"]
    assert model in str(operation["requestBody"])
    assert {"200", "400", "401", "413", "415", "422", "429", "503"} <= set(operation["responses"])
    (requirement,) = operation["security"]
    scheme = document["components"]["securitySchemes"][next(iter(requirement))]
    assert scheme == {"type": "apiKey", "in": "header", "name": "X-INFound-Inner-Service-Token"}


def test_order_systems_may_use_basic(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/events"]["post"]
    assert {next(iter(each)) for each in operation["security"]} == {"APIKeyHeader", "HTTPBasic"}
    assert {"202", "401", "413", "422", "503"} <= set(operation["responses"])
    assert "200" not in operation["responses"]


def test_open_paths_ask_for_no_token(document: dict[str, Any]) -> None:
    assert "security" not in document["paths"]["/health/live"]["get"]


def test_the_webhook_is_documented_where_there_is_one(document: dict[str, Any]) -> None:
    operation = document["paths"]["/webhook/tiktok"]["post"]
    assert "security" not in operation
    assert {"200", "401", "413", "503"} <= set(operation["responses"])
    without = schemathesis.openapi.from_asgi("/openapi.json", World(asyncapi=b"{}").app).raw_schema
    assert "/webhook/tiktok" not in without["paths"]

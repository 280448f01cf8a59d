"""Alerts and dashboard speak of metrics that exist, and every alert says what to do."""

import json
import re
from collections.abc import Iterator

import pytest
from prometheus_client.metrics import MetricWrapperBase

from brokers import metrics
from tests.build.deploy import DEPLOY, ROOT, image_environment, parsed, services

RULES = [rule for group in parsed(DEPLOY / "prometheus" / "alerts.yml")["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "mesh.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

#: Of RabbitMQ's own plugin, and in which of the scraped families: rabbitmq.com/docs/prometheus
THEIRS = {
    "rabbitmq_detailed_queue_messages_ready": {"queue", "vhost"},
    "rabbitmq_detailed_queue_messages_unacked": {"queue", "vhost"},
    "rabbitmq_detailed_queue_consumers": {"queue", "vhost"},
    "rabbitmq_alarms_memory_used_watermark": set[str](),
    "rabbitmq_alarms_free_disk_space_watermark": set[str](),
    # Every client library of Prometheus has this one on Linux.
    "process_start_time_seconds": set[str](),
}
#: What Prometheus itself adds to what it scrapes.
SCRAPED = {"job", "instance", "service", "le"}


def series() -> Iterator[tuple[str, set[str]]]:
    """Every name that our processes show, with its labels."""
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            endings = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}[family.type]
            for ending in endings:
                yield family.name + ending, set(metric._labelnames)


KNOWN = {**dict(series()), **THEIRS}


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


EACH = pytest.mark.parametrize(
    "expression", [text for _, text in expressions()], ids=[where for where, _ in expressions()]
)


@EACH
def test_every_metric_exists(expression: str) -> None:
    words = set(re.findall(r"\b(?:mesh|rabbitmq|process)_[a-z_]+\b", re.sub(r'"[^"]*"', '""', expression)))
    assert words <= set(KNOWN)


@EACH
def test_every_label_exists(expression: str) -> None:
    for name, selector in re.findall(r"\b((?:mesh|rabbitmq|process)_[a-z_]+)\{([^}]*)\}", expression):
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        assert used <= KNOWN[name] | SCRAPED, f"{name} has no {used - KNOWN[name]}"


@EACH
def test_what_is_grouped_by_is_a_label_of_all_that_is_grouped(expression: str) -> None:
    for labels, inside in re.findall(r"by \(([^)]*)\) \((?:rate|increase|delta)?\(?(\w+)", expression):
        assert {label.strip() for label in labels.split(",")} <= KNOWN[inside] | SCRAPED


@EACH
def test_brackets_are_balanced(expression: str) -> None:
    for opened, closed in ("()", "[]", "{}"):
        assert expression.count(opened) == expression.count(closed)
    assert expression.count('"') % 2 == 0


def test_every_metric_of_ours_is_charted() -> None:
    charted = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    names = {name.removesuffix("_bucket") for name, _ in series() if not name.endswith(("_sum", "_count"))}
    assert [name for name in sorted(names) if name not in charted] == []


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_how_bad_it_is_and_where_to_read_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), flags=re.MULTILINE)
    assert anchor in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_role_is_scraped_where_it_answers() -> None:
    jobs = {job["job_name"]: job for job in parsed(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]}
    (mesh,) = jobs["mesh"]["dns_sd_configs"]
    assert mesh["names"] == [
        "gateway",
        "samples",
        "chatbot",
        "creators",
        "outreach",
        "crawls",
        "events",
        "forwarding",
        "conversations",
        "publishers",
        "admin",
    ]
    assert set(mesh["names"]) <= set(services())
    assert str(mesh["port"]) == image_environment()["MESH_GATEWAY_PORT"]


def test_rules_are_loaded_from_where_they_are_mounted() -> None:
    config = parsed(DEPLOY / "prometheus" / "prometheus.yml")
    assert all((DEPLOY / "prometheus" / name).exists() for name in config["rule_files"])


def test_the_dashboard_asks_the_datasource_that_is_provisioned() -> None:
    (source,) = parsed(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    assert {panel["datasource"]["uid"] for panel in PANELS} == {source["uid"]}


def test_the_dashboard_is_mounted_where_it_is_looked_for() -> None:
    (provider,) = parsed(DEPLOY / "grafana" / "provisioning" / "dashboards" / "mesh.yml")["providers"]
    folder = provider["options"]["path"]
    assert f"./deploy/grafana/dashboards:{folder}:ro" in services()["grafana"]["volumes"]


def test_the_dashboard_can_be_narrowed_to_a_queue() -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert variable["name"] == "queue"
    assert {panel["id"] for panel in DASHBOARD["panels"]} == set(range(1, len(DASHBOARD["panels"]) + 1))

"""The compose file holds what a production mesh needs, and nothing that should not be there."""

import re
import subprocess
from datetime import time
from typing import Any

import pytest

from adapters.vault import Vault
from mesh.embedded.rabbitmq import ADVANCED
from mesh.worker import chosen
from settings import Settings
from tests.build.cli import accepted
from tests.build.deploy import (
    DEPLOY,
    ROOT,
    SHAPED,
    commands,
    compose,
    environment,
    image_environment,
    interpolated,
    our_services,
    required,
    seconds,
    services,
)

SETTINGS = {f"MESH_{name.upper()}" for name in Settings.model_fields}
#: Closing connections after the drain takes at most this long.
AFTER_DRAIN = 5

secrets = {
    name: name.lower()
    for name in (
        "RABBITMQ_PASSWORD",
        "MYSQL_PASSWORD",
        "MYSQL_ROOT_PASSWORD",
        "REDIS_PASSWORD",
        "GRAFANA_PASSWORD",
        "MESH_SERVICE_TOKENS",
    )
} | SHAPED
#: Addresses of what the mesh can do without.
OPTIONAL = {"MESH_MODEL_BASE_URL"}
ROLES = [
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
ours = pytest.mark.parametrize("service", list(our_services().values()), ids=list(our_services()))
all_of_them = pytest.mark.parametrize("name", list(services()))
CLUSTER = compose("deploy/cluster/docker-compose.yml")


@ours
def test_every_command_is_one_that_the_command_line_has(service: dict[str, Any]) -> None:
    for command in commands(service):
        accepted(command)
        if command[0] == "worker":
            chosen(command[1:], None)


def test_every_queue_has_a_worker() -> None:
    consumed = [queue for service in our_services().values() for queue in commands(service)[0][1:]]
    every = [route.queue.name for route in chosen((), None)]
    assert sorted(set(consumed) & set(every)) == sorted(every)


@ours
def test_every_variable_is_a_setting_that_can_be_read(service: dict[str, Any]) -> None:
    given = {**image_environment(), **environment(service, secrets)}
    assert set(given) <= SETTINGS
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in given.items():
            patch.setenv(variable, value)
        assert Settings(_env_file=None).gateway_port == 8000


def test_creators_are_left_in_peace_at_night_and_after_three_messages() -> None:
    given = environment(services()["publishers"], secrets)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in given.items():
            patch.setenv(variable, value)
        settings = Settings(_env_file=None)
    assert settings.chatbot_quiet_hours == {"MX": (time(21), time(9))}
    assert settings.chatbot_daily_cap == 3


def test_the_gateway_cannot_reach_the_database() -> None:
    gateway, mysql = services()["gateway"], services()["mysql"]
    assert "MESH_DATABASE_URL" not in gateway["environment"]
    assert not set(gateway["networks"]) & set(mysql["networks"])


def test_keys_are_where_secrets_are_opened_and_nowhere_else() -> None:
    given = {name for name, service in services().items() if "MESH_ENCRYPTION_KEYS" in service.get("environment", {})}
    assert given == {"crawls", "forwarding", "conversations", "admin", "mesh"}
    assert [name for name, each in services().items() if "MESH_ADMIN_USERS" in each.get("environment", {})] == ["admin"]


@pytest.mark.parametrize("name", ROLES)
def test_a_role_is_given_time_to_drain(name: str) -> None:
    service = services()[name]
    drain = float(environment(service, secrets)["MESH_DRAIN_SECONDS"])
    assert seconds(service["stop_grace_period"]) > drain + AFTER_DRAIN


@pytest.mark.parametrize("name", [role for role in ROLES if role not in {"gateway", "admin"}])
def test_what_consumes_or_publishes_can_be_scaled(name: str) -> None:
    assert not {"container_name", "ports", "hostname"} & set(services()[name])


@pytest.mark.parametrize("name", ROLES)
def test_a_role_starts_once_tables_and_queues_are_there(name: str) -> None:
    assert services()[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_tables_and_queues_are_made_once_the_services_are_healthy() -> None:
    needed = services()["migrate"]["depends_on"]
    assert {name: each["condition"] for name, each in needed.items()} == {
        "rabbitmq": "service_healthy",
        "mysql": "service_healthy",
    }
    assert all("healthcheck" in services()[name] for name in needed)


@ours
def test_our_containers_have_no_rights_they_do_not_need(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service
    assert "user" not in service  # the image's own, which is not root


@pytest.mark.parametrize("document", [compose(), CLUSTER], ids=["compose", "cluster"])
def test_every_port_is_published_on_loopback_only(document: dict[str, Any]) -> None:
    ports = [port for service in document["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("document", [compose(), CLUSTER], ids=["compose", "cluster"])
def test_no_secret_has_a_default(document: dict[str, Any]) -> None:
    for service in document["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASS|TOKEN|SECRET|COOKIE|AUTH|_URL$|_USERS$|_KEYS$", name):
                has_none = not interpolated(str(value), {}) if name in OPTIONAL else required(str(value))
                assert has_none, f"{name} has a value of its own"
    assert required((ROOT / "docker-compose.yml").read_text()) == set(secrets)


def test_the_script_makes_every_secret_anew_and_fit_for_a_url() -> None:
    runs = [subprocess.run([DEPLOY / "secrets.sh"], check=True, capture_output=True, text=True) for _ in range(2)]
    first, second = (dict(line.split("=", 1) for line in run.stdout.splitlines()) for run in runs)
    assert set(first) == set(secrets)
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for name, value in first.items() if name not in SHAPED)
    assert re.fullmatch(r"[0-9a-f]{48}", first["MESH_TIKTOK_CLIENT_SECRETS"])
    assert re.fullmatch(r"oms:[0-9a-f]{48}", first["MESH_EVENTS_USERS"])
    assert re.fullmatch(r"admin:[0-9a-f]{48}:admin\+secrets", first["MESH_ADMIN_USERS"])
    assert Vault([first["MESH_ENCRYPTION_KEYS"]])
    assert not set(first.values()) & set(second.values())


@pytest.mark.parametrize("document", [compose(), CLUSTER], ids=["compose", "cluster"])
def test_images_are_pinned_to_a_minor_version(document: dict[str, Any]) -> None:
    for service in document["services"].values():
        assert re.search(r":(v?\d+\.\d+|\$\{MESH_VERSION:-\d+\.\d+\})", service["image"])


@all_of_them
def test_what_ends_is_started_again(name: str) -> None:
    expected = {"migrate": "on-failure:5", "mesh": "no"}.get(name, "unless-stopped")
    assert services()[name]["restart"] == expected


@all_of_them
def test_files_that_are_mounted_exist(name: str) -> None:
    for volume in services()[name].get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in compose()["volumes"]


def test_files_that_the_cluster_mounts_exist() -> None:
    for service in CLUSTER["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (DEPLOY / "cluster" / source).exists() if source.startswith(".") else source in CLUSTER["volumes"]


def test_the_cluster_has_three_nodes_and_the_balancer_knows_them() -> None:
    hosts = {service["hostname"] for service in CLUSTER["services"].values() if "hostname" in service}
    config = (DEPLOY / "cluster" / "cluster.conf").read_text()
    balancer = (DEPLOY / "cluster" / "haproxy.cfg").read_text()
    assert len(hosts) == 3
    assert set(re.findall(r"rabbit@(\S+)", config)) == hosts
    assert set(re.findall(r"^ +server (\S+) ", balancer, re.MULTILINE)) == hosts


def test_every_broker_of_ours_passes_on_delayed_messages_a_thousand_at_a_time() -> None:
    prefetch = re.compile(r"dead_letter_worker_consumer_prefetch, (\d+)")
    told = (DEPLOY / "rabbitmq" / "advanced.config").read_text()
    assert prefetch.findall(told) == prefetch.findall(ADVANCED) == ["1000"]
    nodes = [compose()["services"]["rabbitmq"]] + [
        service for service in CLUSTER["services"].values() if "rabbitmq" in service.get("hostname", "")
    ]
    assert len(nodes) == 4
    assert all(any(":/etc/rabbitmq/advanced.config:ro" in volume for volume in node["volumes"]) for node in nodes)


def test_the_broker_shows_its_metrics() -> None:
    assert "rabbitmq_prometheus" in (DEPLOY / "rabbitmq" / "enabled_plugins").read_text()

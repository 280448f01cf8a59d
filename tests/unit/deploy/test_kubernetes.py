"""The Kubernetes manifests hold together, and say what the compose file says."""

import re
from typing import Any

import pytest

from brokers import topology
from brokers.queue import Queue
from mesh.worker import chosen
from settings import Settings
from tests.build.cli import accepted
from tests.build.deploy import DEPLOY, environment, image_environment, manifests, parsed, pods, services

SETTINGS = {f"MESH_{name.upper()}" for name in Settings.model_fields}
OBJECTS = [document for _, document in manifests()]
POD_LIST = list(pods())
PODS = pytest.mark.parametrize("pod", [pod for _, pod in POD_LIST], ids=[name for name, _ in POD_LIST])
ROLES = [(name, pod) for name, pod in POD_LIST if name != "migrate"]
EACH_ROLE = pytest.mark.parametrize("pod", [pod for _, pod in ROLES], ids=[name for name, _ in ROLES])


def of_kind(*kinds: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in OBJECTS if document["kind"] in kinds}


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def given(container: dict[str, Any]) -> set[str]:
    """The names of the variables that a container gets."""
    names: set[str] = set()
    for source in container["envFrom"]:
        for kind, reference in source.items():
            wanted = "ConfigMap" if kind == "configMapRef" else "Secret"
            found = of_kind(wanted)[reference["name"]]
            names |= set(found.get("data", {})) | set(found.get("stringData", {}))
    return names


def scaled_by(metadata: dict[str, str]) -> Queue:
    """The queue whose length a trigger asks for: by its name, or by an expression that all of its partitions meet."""
    wanted = metadata["queueName"]
    if metadata.get("useRegex") != "true":
        (queue,) = [each for each in topology.QUEUES if each.name == wanted]
        return queue
    assert metadata["operation"] == "sum"
    (queue,) = [each for each in topology.QUEUES if any(re.search(wanted, name) for name in each.physical_names)]
    assert all(re.search(wanted, name) for name in queue.physical_names)
    assert not re.search(wanted, queue.dead)
    return queue


@PODS
def test_every_container_runs_a_command_that_the_command_line_has(pod: dict[str, Any]) -> None:
    for container in containers(pod):
        accepted(container["args"])
        if container["args"][0] == "worker":
            chosen(container["args"][1:], None)


def test_every_queue_has_a_worker_that_scales_with_it() -> None:
    arguments = {name: pod["containers"][0]["args"] for name, pod in ROLES}
    consumed = {queue: name for name, words in arguments.items() if words[0] == "worker" for queue in words[1:]}
    scaled = {
        scaled_by(trigger["metadata"]).name: each["spec"]["scaleTargetRef"]["name"]
        for each in of_kind("ScaledObject").values()
        for trigger in each["spec"]["triggers"]
    }
    assert consumed == scaled
    assert set(consumed) == {queue.name for queue in topology.QUEUES}


def test_a_worker_is_added_when_there_is_more_than_one_prefetches() -> None:
    for each in of_kind("ScaledObject").values():
        for metadata in (trigger["metadata"] for trigger in each["spec"]["triggers"]):
            assert int(metadata["value"]) == scaled_by(metadata).prefetch
            assert metadata["protocol"] == "http"
        assert "replicas" not in of_kind("Deployment")[each["spec"]["scaleTargetRef"]["name"]]["spec"]


def test_the_scaler_finds_its_credentials() -> None:
    (reference,) = of_kind("TriggerAuthentication")["rabbitmq"]["spec"]["secretTargetRef"]
    assert reference["key"] in of_kind("Secret")[reference["name"]]["stringData"]


@PODS
def test_every_variable_is_a_setting(pod: dict[str, Any]) -> None:
    for container in containers(pod):
        assert given(container) <= SETTINGS


@pytest.mark.parametrize(("name", "pod"), POD_LIST, ids=[name for name, _ in POD_LIST])
def test_a_pod_gets_what_its_role_gets_in_compose(name: str, pod: dict[str, Any]) -> None:
    service = services()[name.removeprefix("worker-")]
    secrets = dict.fromkeys(re.findall(r"\$\{([A-Z_]+):\?", str(service)), "x")
    kinds = ("_URL", "_TOKENS", "_USERS", "_KEYS")
    wanted = {each for each in environment(service, secrets) if each.endswith(kinds)}
    got = {each for container in containers(pod) for each in given(container) if each.endswith(kinds)}
    assert got == wanted


def test_politeness_is_what_it_is_in_compose() -> None:
    config = of_kind("ConfigMap")["mesh"]["data"]
    publishers = environment(services()["publishers"], {"RABBITMQ_PASSWORD": "x", "MYSQL_PASSWORD": "x"})
    for name in ("MESH_CHATBOT_QUIET_HOURS", "MESH_CHATBOT_DAILY_CAP", "MESH_DRAIN_SECONDS"):
        assert config[name] == publishers[name]


@EACH_ROLE
def test_a_role_is_probed_where_it_answers(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    (port,) = container["ports"]
    assert str(port["containerPort"]) == image_environment()["MESH_WORKER_METRICS_PORT"]
    assert container["livenessProbe"]["httpGet"] == {"path": "/health/live", "port": port["name"]}
    assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": port["name"]}


@EACH_ROLE
def test_a_role_is_given_time_to_drain(pod: dict[str, Any]) -> None:
    drain = float(of_kind("ConfigMap")["mesh"]["data"]["MESH_DRAIN_SECONDS"])
    before = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["", "0"])
    assert pod["terminationGracePeriodSeconds"] > drain + float(before[1]) + 5


@PODS
def test_a_pod_meets_the_restricted_standard(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(pod):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("name", [name for name, _ in ROLES])
def test_one_pod_of_a_role_at_a_time_is_taken_away(name: str) -> None:
    budget = of_kind("PodDisruptionBudget")[name]["spec"]
    labels = of_kind("Deployment")[name]["spec"]["template"]["metadata"]["labels"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"] == labels == of_kind("Deployment")[name]["spec"]["selector"]["matchLabels"]


def test_there_are_two_publishers() -> None:
    assert of_kind("Deployment")["publishers"]["spec"]["replicas"] == 2


def test_the_kustomization_names_every_file_but_the_example_of_secrets() -> None:
    named = parsed(DEPLOY / "kubernetes" / "kustomization.yaml")["resources"]
    files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    assert set(named) == files - {"kustomization.yaml", "secret.example.yaml"}


def test_no_secret_is_in_the_manifests() -> None:
    for secret in of_kind("Secret").values():
        assert all("CHANGE-ME" in value for value in secret["stringData"].values())

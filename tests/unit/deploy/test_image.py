"""The image is small, unprivileged and complete."""

import shlex
import tomllib
from pathlib import PurePath

from tests.build.deploy import ROOT, dockerfile, image_environment

COPIED = [word for name, rest in dockerfile() if name == "COPY" and "--from" not in rest for word in rest.split()[:-1]]


def test_everything_copied_exists() -> None:
    assert COPIED
    assert [source for source in COPIED if not (ROOT / source).exists()] == []


def test_everything_copied_is_let_through_by_dockerignore_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(COPIED)


def test_every_package_of_the_project_is_in_the_image() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {name.rstrip("*") for name in setuptools["packages"]["find"]["include"]}
    assert packages <= set(COPIED)


def test_it_is_built_in_two_stages_on_a_pinned_slim_python() -> None:
    bases = [rest.split()[0] for name, rest in dockerfile() if name == "FROM"]
    assert bases == ["python:3.13-slim", "python:3.13-slim", "runtime", "runtime"]


def test_nothing_is_installed_without_a_known_hash() -> None:
    installs = [part.strip() for name, rest in dockerfile() if name == "RUN" for part in rest.split("&&")]
    installs = [part for part in installs if " install " in part and not part.startswith("apt-get")]
    assert installs
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)


def test_it_does_not_run_as_root() -> None:
    stages: list[list[str]] = []
    for name, rest in dockerfile():
        if name == "FROM":
            stages.append([])
        elif name == "USER":
            stages[-1].append(rest)
    _, runtime, crawls, mesh = stages
    assert (int(runtime[-1].split(":")[0]) > 0, int(crawls[-1].split(":")[0]) > 0, mesh) == (True, True, [])


def test_its_command_is_mesh_and_signals_reach_it() -> None:
    assert ("ENTRYPOINT", '["mesh"]') in dockerfile()


def test_every_role_answers_where_the_health_check_asks() -> None:
    (check,) = [rest for name, rest in dockerfile() if name == "HEALTHCHECK"]
    ports = {value for name, value in image_environment().items() if name.endswith("_PORT")}
    assert len(ports) == 1
    assert f"http://127.0.0.1:{ports.pop()}/health/ready" in check


def test_it_writes_only_where_a_read_only_container_lets_it() -> None:
    assert PurePath(image_environment()["MESH_DATA_DIR"]).is_relative_to("/tmp")
    assert shlex.split("WORKDIR /var/lib/mesh")[1] in dict(dockerfile())["WORKDIR"]

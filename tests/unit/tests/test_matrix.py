"""What the matrix runs, what it counts, and what it writes into the page on compatibility."""

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from tests.matrix import machine, table
from tests.matrix.__main__ import cache, environment_of, parsed, trees_of
from tests.matrix.cells import CELLS, SUITES, Cell, Server
from tests.matrix.machine import Unsuitable
from tests.matrix.suites import Result, counted, progress_of
from tests.services.mysql import PROGRAM

CELL = Cell("rabbitmq-4.3", ("mesh",), Server("RabbitMQ", "4.3", "sid"), Server("MySQL", "9", "sid"))

WRITTEN = """\
<testsuites><testsuite name="pytest" tests="4">
<properties><property name="broker" value="RabbitMQ {broker}"/><property name="sql" value="MySQL 9.7.4"/></properties>
<testcase classname="tests.mesh.one" name="good"/>
<testcase classname="tests.mesh.one" name="bad"><failure message="no"/></testcase>
<testcase classname="tests.mesh.one" name="broken"><error message="no"/></testcase>
<testcase classname="tests.mesh.one" name="left_out"><skipped/></testcase>
</testsuite></testsuites>
"""

PAGE = f"# Title\n\nBefore.\n\n{table.BEGIN}\n{table.END}\n\nAfter.\n"


def run(cell: str = "rabbitmq-4.3", suite: str = "mesh", passed: int = 5, failures: int = 0) -> Result:
    return Result(cell, suite, "RabbitMQ 4.3.6", "", passed, 0, 61.7, date(2026, 11, 21), ["x"] * failures)


def names(arguments: list[str]) -> list[tuple[str, str]]:
    return [(cell.name, suite) for cell, suite in parsed(arguments).runs]


def test_without_arguments_every_cell_runs_every_suite_of_its() -> None:
    assert names([]) == [(cell.name, suite) for cell in CELLS for suite in cell.suites]


def test_cells_and_suites_are_chosen_by_name() -> None:
    assert names(["--only", "rabbitmq-4.0", "--only", "sqlite"]) == [
        ("rabbitmq-4.0", "mesh"),
        ("rabbitmq-4.0", "chaos"),
        ("sqlite", "contract"),
    ]
    assert names(["--suite", "contract", "--only", "rabbitmq-4.3"]) == [("rabbitmq-4.3", "contract")]


@pytest.mark.parametrize("arguments", [["--only", "rabbitmq-5"], ["--only", "sqlite", "--suite", "chaos"]])
def test_a_choice_that_runs_nothing_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(arguments)
    assert ended.value.code == 2
    assert re.search("choose from|that was chosen", capsys.readouterr().err)


def test_every_suite_has_a_folder_and_a_time_to_end() -> None:
    for cell in CELLS:
        for suite in cell.suites:
            assert Path(cell.arguments(suite)[0]).is_dir()
            assert SUITES[suite] > 0


def test_contract_tests_run_on_sqlite_in_one_cell_and_on_servers_in_the_others() -> None:
    chosen = {cell.name: cell.arguments("contract")[-1] for cell in CELLS if "contract" in cell.suites}
    assert chosen == {"rabbitmq-3.10": "not sqlite", "rabbitmq-4.3": "not sqlite", "sqlite": "sqlite"}


@pytest.mark.parametrize(("said", "is_it"), [("MySQL 9.7.4", True), ("MySQL 90.1", False), ("MariaDB 9.7", False)])
def test_a_version_is_what_was_meant_or_is_not(said: str, is_it: bool) -> None:
    assert Server("MySQL", "9", "sid").is_what(said) is is_it


def test_the_machines_own_release_needs_no_folder(tmp_path: Path) -> None:
    assert sorted(trees_of(CELLS, tmp_path, "bookworm")) == ["sid", "trixie"]
    assert sorted(trees_of(CELLS, tmp_path, "trixie")) == ["bookworm", "sid"]
    assert trees_of([CELLS[-1]], tmp_path, "bookworm") == {}


def test_a_cells_programs_come_first_and_start_inside_its_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESH_BROKER_URL", "amqp://elsewhere")
    (tmp_path / "sid/usr/lib/erlang/erts-16/bin").mkdir(parents=True)
    (tmp_path / "sid/usr/lib/erlang/erts-16/bin/erl_call").touch()
    environment = environment_of(CELL, trees_of([CELL], tmp_path, "bookworm"), tmp_path / "work")
    server = shutil.which("rabbitmq-server", path=environment["PATH"])
    assert server == str(tmp_path / "work/rabbitmq-4.3/bin/rabbitmq-server")
    assert f"exec chroot {tmp_path}/sid /usr/bin/env" in Path(server).read_text()
    assert Path(server).read_text().endswith('/usr/lib/rabbitmq/bin/rabbitmq-server "$@"\n')
    assert (tmp_path / "work/rabbitmq-4.3/erts-16/bin/erl_call").exists()
    assert environment[PROGRAM] == str(tmp_path / "work/rabbitmq-4.3/bin/mysqld")
    assert "MESH_BROKER_URL" not in environment


def test_what_pytest_wrote_is_counted(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(WRITTEN.format(broker="4.3.6"))
    result = counted(CELL, "mesh", tmp_path / "x")
    assert (result.passed, result.skipped, result.broker, result.sql) == (1, 1, "RabbitMQ 4.3.6", "MySQL 9.7.4")
    assert result.failures == ["tests.mesh.one::bad", "tests.mesh.one::broken"]


def test_another_version_than_the_one_meant_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(WRITTEN.format(broker="4.30.1"))
    assert "RabbitMQ 4.3 was meant, and RabbitMQ 4.30.1 answered" in counted(CELL, "mesh", tmp_path / "x").failures


def test_a_run_that_wrote_nothing_or_left_something_out_is_not_right(tmp_path: Path) -> None:
    assert not counted(CELL, "mesh", tmp_path / "missing").is_right
    assert Result("a", "b", passed=1).is_right
    assert not Result("a", "b", passed=1, skipped=1).is_right
    assert not Result("a", "b", passed=1, failures=["x"]).is_right


def test_how_far_a_run_is_stands_in_its_output() -> None:
    assert progress_of("") == "starting"
    assert progress_of("a PASSED   [  7%]\nb PASSED   [ 42%]\n") == "42 %"


def test_rows_that_were_run_are_renewed_and_everything_else_stays() -> None:
    page = table.renewed(PAGE, [run(), run("rabbitmq-3.10")])
    page = table.renewed(page, [run(passed=7, failures=1)])
    rows = [line for line in page.splitlines() if line.startswith("| rabbitmq")]
    assert rows == [
        "| rabbitmq-3.10 | mesh | 4.3.6 | - | 5 | 0 | 0 | 62 | 2026-11-21 |",
        "| rabbitmq-4.3 | mesh | 4.3.6 | - | 7 | 1 | 0 | 62 | 2026-11-21 |",
    ]
    assert page.startswith("# Title\n\nBefore.\n\n")
    assert page.endswith("\n\nAfter.\n")
    assert table.renewed(page, []) == page


def test_a_cell_that_is_no_more_leaves_the_table() -> None:
    assert "rabbitmq-2" not in table.renewed(PAGE, [run("rabbitmq-2")])


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        table.renewed("# Title\n", [run()])


def test_the_page_of_the_project_has_its_marks() -> None:
    assert table.renewed(table.PAGE.read_text(), []) == table.PAGE.read_text()


def test_one_run_at_a_time_works_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_MATRIX_DIR", str(tmp_path / "trees"))
    with cache() as folder:
        assert folder == tmp_path / "trees"
        with pytest.raises(Unsuitable, match="another run"), cache():
            pass
    with cache():
        pass


def test_who_is_not_root_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    with pytest.raises(Unsuitable, match="sudo make matrix"):
        machine.apart()


def test_a_machine_without_apt_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda _: None)
    with pytest.raises(Unsuitable, match="Debian 12"):
        machine.apart()


def test_a_container_that_may_not_mount_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(machine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1))
    with pytest.raises(Unsuitable, match="privileged"):
        machine.apart()


def test_the_mirror_can_be_named_and_has_to_be_where_apt_knows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.mirror({"MESH_MATRIX_MIRROR": "http://mine.example/debian"}) == "http://mine.example/debian"
    monkeypatch.setattr(machine, "release", lambda: ("ubuntu", "noble"))
    with pytest.raises(Unsuitable, match="MESH_MATRIX_MIRROR"):
        machine.mirror({})


def test_the_release_is_read_from_the_machine(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('ID=debian\nPRETTY_NAME="Debian"\nVERSION_CODENAME=bookworm\n')
    assert machine.release(tmp_path / "os-release") == ("debian", "bookworm")
    assert machine.release(tmp_path / "missing") == ("", "")


def test_a_folder_whose_programs_may_not_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_UNUSABLE", {"noexec": 8, "nodev": 4})
    monkeypatch.setattr(machine.os, "statvfs", lambda _: type("Flags", (), {"f_flag": 8})())
    with pytest.raises(Unsuitable, match="noexec"):
        machine.is_roomy(tmp_path)

import json
from pathlib import Path

import pytest

from mesh import doctor
from mesh.doctor import Finding, Health, examine
from mesh.examinations import CHECKS
from settings import Settings


async def test_a_check_that_breaks_is_a_finding_and_stops_no_other() -> None:
    async def breaks(_settings: Settings) -> Finding:
        raise ZeroDivisionError("oops")

    async def works(_settings: Settings) -> Finding:
        return Finding(Health.OK, "well")

    findings = await examine({"one": breaks, "two": works}, Settings(_env_file=None))
    assert (findings["one"].health, findings["one"].said) == (Health.FAIL, "ZeroDivisionError: oops")
    assert findings["two"].health is Health.OK


async def test_a_full_disk_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1_000_000

    monkeypatch.setattr("mesh.examinations.shutil.disk_usage", lambda _path: Usage)
    finding = await CHECKS["disk"](Settings(_env_file=None))
    assert finding.health is Health.FAIL
    assert "make room" in finding.remedy


async def test_a_folder_others_may_read_is_told_with_its_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    finding = await CHECKS["data folder"](Settings(_env_file=None, data_dir=tmp_path))
    assert (finding.health, finding.remedy) == (Health.WARN, f"chmod 700 {tmp_path}")


async def test_a_broker_that_is_away_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_BROKER_URL", "amqp://guest:guest@127.0.0.1:1/")
    finding = await CHECKS["broker"](Settings(_env_file=None))
    assert finding.health is Health.FAIL
    assert "MESH_BROKER_URL" in finding.remedy


def test_programs_get_json_and_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MESH_BROKER_URL", "amqp://guest:guest@127.0.0.1:1/")
    assert doctor.run(as_json=True) == 1
    said = {each["check"]: each["health"] for each in json.loads(capsys.readouterr().out)}
    assert said["broker"] == "fail"
    assert said["templates"] == "ok"

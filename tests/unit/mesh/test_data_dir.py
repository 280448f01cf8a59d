from pathlib import Path

import pytest

from adapters.vault import Vault, new_key
from mesh.data_dir import AlreadyRunning, DataDir


def test_a_folder_is_held_by_one_mesh_at_a_time(tmp_path: Path) -> None:
    with DataDir(tmp_path).held(), pytest.raises(AlreadyRunning, match="still starting"), DataDir(tmp_path).held():
        pass


def test_who_comes_second_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    first = DataDir(tmp_path)
    with first.held():
        first.publish({"MESH_GATEWAY_URL": "http://gateway:8000"})
        with (
            pytest.raises(AlreadyRunning, match="its gateway is at http://gateway:8000"),
            DataDir(tmp_path).held(),
        ):
            pass


def test_others_learn_how_to_join_only_while_it_runs(tmp_path: Path) -> None:
    first, other = DataDir(tmp_path), DataDir(tmp_path)
    assert other.running() is None
    with first.held():
        assert other.running() is None
        first.publish({"MESH_BROKER_URL": "amqp://"})
        assert other.running() == {"MESH_BROKER_URL": "amqp://"}
    assert other.running() is None


def test_what_a_crashed_run_published_is_not_believed(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    with folder.held():
        pass
    folder.publish({"MESH_BROKER_URL": "amqp://gone"})
    assert folder.running() is None
    with folder.held():
        assert not (tmp_path / "env.json").exists()


def test_secrets_are_made_once_and_are_ours_alone(tmp_path: Path) -> None:
    folder = DataDir(tmp_path / "data")
    with folder.held():
        token = folder.secret("service_token")
        folder.publish({"MESH_SERVICE_TOKEN": token})
        assert len(token) >= 32
        assert DataDir(tmp_path / "data").secret("service_token") == token
        files = [path for path in (tmp_path / "data").rglob("*") if path.name in {"service_token", "env.json"}]
        assert [path.stat().st_mode & 0o777 for path in files] == [0o600, 0o600]
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_secret_is_made_once_and_as_it_is_wanted(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    key = folder.secret("encryption_key", new_key)
    assert Vault([key]).open(Vault([folder.secret("encryption_key", new_key)]).seal("hush")) == "hush"
    assert folder.secret("events_password") != key
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}

from pathlib import Path

import pytest

from mesh.bench import peers


def test_without_their_environment_the_peers_say_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    assert not peers.are_installed()
    with pytest.raises(peers.PeersMissing, match="run `make bench`"):
        peers.python()


def test_an_environment_whose_making_was_cut_short_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert not peers.are_installed()
    (tmp_path / ".made-from").touch()
    assert peers.python() == tmp_path / "bin" / "python"

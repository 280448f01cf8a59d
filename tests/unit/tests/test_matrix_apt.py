"""Where the machine's packages come from, read from both of apt's forms."""

from pathlib import Path

import pytest

from tests.matrix.apt import Source, configured, mirror_of, sources_of

LIST = """\
# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] https://packages.example/tool bookworm main  # a tool
deb-src http://near.example/debian bookworm main
deb http://near.example/debian bookworm main contrib
deb http://near.example/debian-security bookworm-security main
deb cdrom:[Debian 12]/ bookworm main
deb mirror+file:/etc/apt/mirrors.txt bookworm main

deb
"""

DEB822 = """\
# The machine's own.
Types: deb deb-src
URIs: http://near.example/debian
 http://far.example/debian
# http://commented.example
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://packages.example/linux/debian
Suites: bookworm
Components: stable

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""


def test_a_list_names_one_source_a_line() -> None:
    assert sources_of(LIST, is_deb822=False) == [
        Source("https://packages.example/tool", "bookworm"),
        Source("http://near.example/debian", "bookworm"),
        Source("http://near.example/debian-security", "bookworm-security"),
    ]


def test_a_stanza_names_several_sources_and_suites_at_once() -> None:
    assert sources_of(DEB822, is_deb822=True) == [
        Source("http://near.example/debian", "bookworm"),
        Source("http://near.example/debian", "bookworm-updates"),
        Source("http://far.example/debian", "bookworm"),
        Source("http://far.example/debian", "bookworm-updates"),
    ]


@pytest.mark.parametrize(("name", "text"), [("debian.list", LIST), ("debian.sources", DEB822)])
def test_the_files_of_a_machine_are_read_by_their_ending(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / name).write_text(text)
    (tmp_path / "sources.list.d" / f"{name}.disabled").write_text(text.replace("near", "disabled"))
    uris = {source.uri for source in configured(tmp_path)}
    assert "http://near.example/debian" in uris
    assert "http://disabled.example/debian" not in uris


def test_the_mirror_is_where_the_machines_own_release_comes_from() -> None:
    found = sources_of(DEB822, is_deb822=True)
    assert mirror_of(found, "bookworm") == "http://near.example/debian"
    assert mirror_of(found, "trixie") is None


def test_another_repository_for_the_release_is_not_debians_mirror() -> None:
    assert mirror_of(sources_of(LIST, is_deb822=False), "bookworm") == "http://near.example/debian"
    assert mirror_of([Source("https://packages.example/tool", "bookworm")], "bookworm") is None


def test_a_mirror_without_debians_name_is_known_by_its_updates() -> None:
    both = [Source("http://near.example/os/", suite) for suite in ("bookworm", "bookworm-updates")]
    assert mirror_of([Source("https://packages.example/tool", "bookworm"), *both], "bookworm") == both[0].uri

"""The peers of the benchmarks are pinned as strictly as the product, and stay out of it."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
BENCH = (ROOT / "deploy" / "bench.lock").read_text()
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ]+)(?: ; ([^\\]*))?", re.MULTILINE)


def peers() -> list[Requirement]:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    return [Requirement(line) for line in groups["bench"]]


def test_every_peer_is_pinned_to_a_version_that_is_wanted() -> None:
    pins = {name: version for name, version, _ in PIN.findall(BENCH)}
    stale = [str(peer) for peer in peers() if pins.get(canonicalize_name(peer.name), "0") not in peer.specifier]
    assert stale == [], "run `make lock`"


def test_every_pin_has_hashes_and_no_address() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", BENCH.strip())
    assert len(entries) == len(PIN.findall(BENCH))
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.findall(r"https?://|index-url|find-links|file:", BENCH) == []


def test_what_both_use_has_the_same_version_in_both() -> None:
    product = set(PIN.findall((ROOT / "requirements.lock").read_text()))
    names = {name for name, _, _ in product}
    other = {pin for pin in PIN.findall(BENCH) if pin[0] in names} - product
    assert other == set(), "run `make lock`"


def test_no_peer_is_a_dependency_of_the_product() -> None:
    product = {name for name, _, _ in PIN.findall((ROOT / "requirements.lock").read_text())}
    assert {canonicalize_name(peer.name) for peer in peers()} & product == set()

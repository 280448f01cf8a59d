"""What the machine's own apt knows: where Debian's packages come from, and by way of which proxy."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ETC = Path("/etc/apt")
#: What debootstrap can read from; apt also knows discs and lists of mirrors.
_SCHEMES = ("http://", "https://", "file:", "ftp://")


class Source(NamedTuple):
    """One place that the main packages of one suite come from."""

    uri: str
    suite: str


def sources_of(text: str, *, is_deb822: bool) -> list[Source]:
    """Read a file of sources, in either of apt's two forms."""
    found = _stanzas(text) if is_deb822 else _lines(text)
    return [source for source in found if source.uri.startswith(_SCHEMES)]


def configured(etc: Path = ETC) -> Iterator[Source]:
    """Yield all sources of this machine."""
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    for file in files:
        if file.suffix in {".list", ".sources"} and file.is_file():
            yield from sources_of(file.read_text(errors="replace"), is_deb822=file.suffix == ".sources")


def mirror_of(sources: Iterable[Source], release: str) -> str | None:
    """Return where the machine's own release comes from, whose mirror has the other releases too.

    Others publish for a release as well; Debian's own mirrors have its updates, or at least Debian's name.
    """
    found = list(sources)
    own = [source.uri for source in found if source.suite == release]
    updated = {source.uri for source in found if source.suite == f"{release}-updates"}
    named = (uri for uri in own if uri.rstrip("/").endswith("/debian"))
    return next((uri for uri in own if uri in updated), None) or next(named, None)


def proxy() -> dict[str, str]:
    """Return apt's proxy in the words of wget, which debootstrap loads with."""
    dump = subprocess.run(["apt-config", "dump", "Acquire::http::Proxy"], capture_output=True, text=True, check=False)
    named = re.search(r'^Acquire::http::Proxy "(.+)";$', dump.stdout, re.MULTILINE)
    return {"http_proxy": named[1]} if named and named[1] != "DIRECT" else {}


def _lines(text: str) -> Iterator[Source]:
    """One source a line: `deb [options] uri suite components`."""
    for line in text.splitlines():
        words = re.sub(r"\[.*?\]", " ", line.partition("#")[0]).split()
        if len(words) >= 3 and words[0] == "deb" and "main" in words[3:]:
            yield Source(words[1], words[2])


def _stanzas(text: str) -> Iterator[Source]:
    """Fields in paragraphs, as deb822(5) has it: several places and suites at once."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", kept):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        pairs = (line.partition(":") for line in unfolded.splitlines())
        fields = {name.strip().lower(): value.split() for name, _, value in pairs}
        is_used = "deb" in fields.get("types", []) and fields.get("enabled") != ["no"]
        if not is_used or "main" not in fields.get("components", []):
            continue
        yield from (Source(uri, suite) for uri in fields.get("uris", []) for suite in fields.get("suites", []))

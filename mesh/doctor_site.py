"""`mesh doctor --site`: the sellers' pages looked through for everything that crawls and the chat rely on."""

import asyncio
import sys
from dataclasses import asdict

from crawlers.survey import Looked, Sight, survey
from mesh.browsing import browsing
from mesh.compose import Composition
from mesh.console import console, notes, print_json, table
from settings import Settings

COLUMNS = ["page", "", "looked for", "as"]
_SIGNS = {Sight.FOUND: "[green]found[/]", Sight.MISSING: "[bold red]missing[/]", Sight.NOT_NOW: "[dim]not now[/]"}


def run(site: str, *, region: str, account: str | None, as_json: bool) -> int:
    """Walk the pages, read-only, and tell what was found; 1 if something is missing."""
    settings = Settings(site_url=site)
    looked = asyncio.run(_walk(settings, region, account))
    if as_json:
        print_json([{**asdict(each), "is_well": each.is_well} for each in looked])
    else:
        _show(looked)
    return int(not all(each.is_well for each in looked))


async def _walk(settings: Settings, region: str, account: str | None) -> list[Looked]:
    composition = Composition(settings, "doctor")
    ask = notes.input if sys.stdin.isatty() else None
    parts = browsing(settings, composition.vault if settings.encryption_keys else None, ask)
    looked = []
    try:
        async with parts.sessions.open(region, account) as session:
            async for each in survey(session):
                notes.print(f"{each.page}: {_in_short(each)}")
                looked.append(each)
    finally:
        await parts.close()
        await composition.close()
    return looked


def _show(looked: list[Looked]) -> None:
    rows = [
        (each.page, _SIGNS[sight], name, each.sought[name].replace("[", r"\["))
        for each in looked
        for name, sight in each.sights.items()
    ]
    console.print(table("What the pages are made of", COLUMNS, rows))
    for each in looked:
        if each.problem:
            console.print(f"{each.page} ({each.path}): {each.problem}", style="red", markup=False)
    missing = sum(sight is Sight.MISSING for each in looked for sight in each.sights.values())
    mending = f"{missing} missing. Each is mended in crawlers/pages/, in the file of its page."
    console.print(mending if missing else "Nothing is missing.")


def _in_short(looked: Looked) -> str:
    missing = [name for name, sight in looked.sights.items() if sight is Sight.MISSING]
    return looked.problem or (f"missing {', '.join(missing)}" if missing else "well")

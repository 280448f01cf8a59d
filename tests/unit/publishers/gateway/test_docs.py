"""The API's page works where nothing else can be reached."""

import re

import httpx

from publishers.gateway import docs
from tests.build.gateway import World


async def test_the_page_loads_nothing_from_elsewhere() -> None:
    client = World().client(headers={})
    page = await client.get("/docs")
    assert page.status_code == httpx.codes.OK
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert set(loaded) == set(docs.FILES)
    assert "//" not in page.headers["content-security-policy"]


async def test_what_the_page_loads_is_here_and_open() -> None:
    client = World().client(headers={})
    for path in docs.FILES:
        file = await client.get(path)
        assert (file.status_code, len(file.content) > 1000) == (httpx.codes.OK, True)

"""The page that documents the API, with its scripts served from here: a closed network has no CDN."""

from functools import partial
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

PATH = "/docs"
#: Swagger UI's files by the path they are served under; the package holds them unchanged.
FILES = {
    f"{PATH}/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    f"{PATH}/swagger-ui.css": "swagger-ui.css",
    f"{PATH}/favicon.png": "favicon.png",
}
#: FastAPI's page starts Swagger UI with a script of its own, and Swagger UI draws with inline styles and data images.
POLICY = (
    b"default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-inline'; "
    b"style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)
_FOLDER = Path(fastapi_offline.__file__).parent / "static"


def install(app: FastAPI) -> None:
    """Serve the page and its files."""
    app.router.routes.append(Route(PATH, partial(_page, app.title)))
    for path, name in FILES.items():
        app.router.routes.append(Route(path, partial(_file, _FOLDER / name)))


async def _page(title: str, _: Request) -> Response:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url=f"{PATH}/swagger-ui-bundle.js",
        swagger_css_url=f"{PATH}/swagger-ui.css",
        swagger_favicon_url=f"{PATH}/favicon.png",
    )


async def _file(file: Path, _: Request) -> Response:
    return FileResponse(file)

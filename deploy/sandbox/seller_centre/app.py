"""The seller centre as a web application: pages, calls, and what only a sandbox has, under `/_sandbox`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deploy.sandbox.seller_centre.accounts import COOKIE, Accounts, Refused
from deploy.sandbox.seller_centre.api import Answer, Api, Bad
from deploy.sandbox.seller_centre.chat import Chats, NotSent
from deploy.sandbox.seller_centre.faults import Counts, Faults, concerns, used_up
from deploy.sandbox.seller_centre.world import World

STATIC = Path(__file__).parent / "static"
#: Address of a page → the script that draws it.
PAGES = {
    "/home": "home.js",
    "/affiliate-campaign/sample-requests": "samples.js",
    "/affiliate-cmp/creator": "creators.js",
    "/affiliate-cmp/creator/detail": "creator.js",
    "/affiliate-campaign/campaign": "campaigns.js",
    "/affiliate-campaign/campaign/detail": "campaign.js",
    "/partner/im": "chat.js",
}
LOGIN = "/account/login"
#: What the answers of calls say is wrong.
NO_SESSION, PUZZLE, BANNED, THROTTLED, BROKEN, BAD = 100_002, 10_000, 98_001_001, 36_009_009, 100_500, 100_400
_HANGS_S = 120.0

_SHELL = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Seller centre</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/site.css"></head><body>
<header class="partner-header"><a href="/home">Partner Center</a> <span class="account-name">{account}</span></header>
<main id="root"><div class="arco-spin">Loading…</div></main>
<script>window.SITE = {site};</script><script src="/static/site.js"></script><script src="/static/{script}"></script>
</body></html>"""
_DOWN = "<html><body><h1>502 Bad Gateway</h1></body></html>"
_WALL = '<div id="captcha-verify-container" class="captcha_verify_container"><h2>Verify to continue</h2></div>'
_BAN = '<div class="account-restricted"><h2>Your account has been suspended</h2><p>Contact your manager.</p></div>'


class SellerCentre:
    """One running seller centre: its data, sessions, conversations and moods."""

    name = "seller_centre"

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.forget()
        control = [
            Route("/_sandbox/mail", self._tell_mails, methods=["GET"]),
            Route("/_sandbox/chat", self._tell_chats, methods=["GET"]),
            Route("/_sandbox/chat/counts", self._tell_tally, methods=["GET"]),
            Route("/_sandbox/replies", self._take_reply, methods=["POST"]),
            Route("/_sandbox/counts", self._tell_counts, methods=["GET"]),
            Route("/_sandbox/faults", self._take_faults, methods=["POST"]),
            Route("/_sandbox/sessions", self._end_sessions, methods=["DELETE"]),
            Route("/_sandbox", self._forget, methods=["DELETE"]),
        ]
        login = [
            Route("/", lambda _: RedirectResponse("/home"), methods=["GET"]),
            Route(LOGIN, self._login_page, methods=["GET"]),
            Route("/passport/email/code/send", self._send_code, methods=["POST"]),
            Route("/passport/email/code/login", self._log_in, methods=["POST"]),
        ]
        pages = [Route(path, self._page(script), methods=["GET"]) for path, script in PAGES.items()]
        calls = [self._call(*each.split(" ", 1)) for each in self.api.calls]
        static = Mount("/static", StaticFiles(directory=STATIC))
        self.app = Starlette(routes=[*control, *login, *pages, *calls, static])

    def forget(self) -> None:
        """Forget sessions, mails, conversations, counts and faults."""
        self.faults = Faults()
        self.counts = Counts()
        self.accounts = Accounts()
        self.chats = Chats()
        self.api = Api(self.world, self.chats, lambda: self.faults)

    def set_faults(self, **values: Any) -> None:
        """Do this wrong from now on, and nothing else."""
        self.faults = Faults.read(values)

    # Pages -----------------------------------------------------------------------------------------------------------

    def _page(self, script: str) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            self.counts.seen["pages"] += 1
            if used_up(self.faults.hang_next, request.url.path):
                await asyncio.sleep(_HANGS_S)
            if self.faults.down:
                return Response(_DOWN, 502, media_type="text/html")
            email = self.accounts.whose(request.cookies.get(COOKIE))
            if email is None:
                wanted = quote(f"{request.url.path}?{request.url.query}", safe="")
                return RedirectResponse(f"{LOGIN}?redirect={wanted}", 302)
            return self._shell(script, email)

        return page

    async def _login_page(self, request: Request) -> Response:  # noqa: ARG002
        self.counts.seen["pages"] += 1
        if self.faults.down:
            return Response(_DOWN, 502, media_type="text/html")
        return self._shell("login.js", "")

    def _shell(self, script: str, email: str) -> Response:
        if self.faults.captcha:
            return _html(_SHELL.split("<main", 1)[0].format(account=email) + _WALL)
        if email and concerns(self.faults.banned, email):
            return _html(_SHELL.split("<main", 1)[0].format(account=email) + _BAN)
        site = {"account": email, "shuffled": self.faults.shuffled, "missing": self.faults.missing}
        return _html(_SHELL.format(account=email, site=orjson.dumps(site).decode(), script=script))

    # Calls -----------------------------------------------------------------------------------------------------------

    def _call(self, verb: str, path: str) -> Route:
        async def call(request: Request) -> Response:
            body = await request.body()
            asked = orjson.loads(body) if body else dict(request.query_params)
            return await self._moody(path, lambda: self._answered(path, verb, asked, request.cookies.get(COOKIE)))

        return Route(path, call, methods=[verb])

    async def _moody(self, path: str, answer: Callable[[], Response]) -> Response:
        self.counts.calls[path] += 1
        faults, delay = self.faults, self.faults.delay_of(path)
        self.counts.delayed_s += delay
        await asyncio.sleep(delay)
        if faults.down:
            return self._fault(Response(_DOWN, 502, media_type="text/html"))
        if used_up(faults.hang_next, path):
            self.counts.seen["faults"] += 1
            await asyncio.sleep(_HANGS_S)
        if used_up(faults.fail_next, path):
            return self._fault(_said(500, BROKEN, "internal error"))
        if used_up(faults.throttle_next, path):
            return self._fault(_said(429, THROTTLED, "too many requests"))
        self._grow_worse(faults)
        answered = answer()
        if used_up(faults.taken_and_failed, path):
            return self._fault(_said(502, BROKEN, "too many connections"))
        return answered

    def _grow_worse(self, faults: Faults) -> None:
        if faults.captcha_after is not None:
            faults.captcha_after -= 1
            faults.captcha = faults.captcha or faults.captcha_after < 0
        if faults.expire_after is not None:
            faults.expire_after -= 1
            if faults.expire_after < 0:
                faults.expire_after = None
                self.accounts.expire()

    def _answered(self, path: str, verb: str, asked: Answer, cookie: str | None) -> Response:
        if self.faults.captcha:
            return self._fault(_said(200, PUZZLE, "verify to continue"))
        email = self.accounts.whose(cookie)
        if email is None:
            return _said(401, NO_SESSION, "session expired")
        if concerns(self.faults.banned, email):
            return self._fault(_said(403, BANNED, "account suspended"))
        try:
            return _said(200, 0, "success", self.api.calls[f"{verb} {path}"](asked, email))
        except NotSent as refusal:
            return _said(200, refusal.code, refusal.reason)
        except Bad as mistake:
            return _said(400, BAD, str(mistake))

    def _fault(self, response: Response) -> Response:
        self.counts.seen["faults"] += 1
        return response

    async def _send_code(self, request: Request) -> Response:
        asked = orjson.loads(await request.body())
        return await self._moody(request.url.path, lambda: self._code_sent(str(asked.get("email", ""))))

    def _code_sent(self, email: str) -> Response:
        try:
            self.accounts.send_code(email)
        except Refused as refusal:
            return _said(refusal.status, BAD, refusal.reason)
        self.counts.seen["mails"] += 1
        return _said(200, 0, "success")

    async def _log_in(self, request: Request) -> Response:
        asked = orjson.loads(await request.body())
        return await self._moody(request.url.path, lambda: self._logged_in(asked))

    def _logged_in(self, asked: Answer) -> Response:
        try:
            cookie = self.accounts.log_in(str(asked.get("email", "")), str(asked.get("code", "")))
        except Refused as refusal:
            return _said(refusal.status, BAD, refusal.reason)
        self.counts.seen["logins"] += 1
        response = _said(200, 0, "success")
        response.set_cookie(COOKIE, cookie, max_age=30 * 86400, httponly=True, samesite="lax")
        return response

    # What only a sandbox has -----------------------------------------------------------------------------------------

    async def _tell_mails(self, request: Request) -> Response:
        to = request.query_params.get("to")
        return _json(200, [mail for mail in self.accounts.mails if to in {None, mail["to"]}])

    async def _tell_chats(self, request: Request) -> Response:  # noqa: ARG002
        return _json(200, self.chats.truth())

    async def _tell_tally(self, request: Request) -> Response:  # noqa: ARG002
        return _json(200, self.chats.tally())

    async def _take_reply(self, request: Request) -> Response:
        said = orjson.loads(await request.body())
        return _json(200, self.chats.reply(str(said["creator_id"]), str(said["text"])))

    async def _tell_counts(self, request: Request) -> Response:  # noqa: ARG002
        return _json(200, self.counts.told())

    async def _take_faults(self, request: Request) -> Response:
        wanted = orjson.loads(await request.body())
        try:
            self.set_faults(**wanted)
        except (ValueError, TypeError) as error:
            return _json(422, {"error": str(error)})
        return _json(200, wanted)

    async def _end_sessions(self, request: Request) -> Response:  # noqa: ARG002
        return _json(200, {"ended": self.accounts.expire()})

    async def _forget(self, request: Request) -> Response:  # noqa: ARG002
        self.forget()
        return Response(status_code=204)


def _html(text: str) -> Response:
    return Response(text, media_type="text/html", headers={"cache-control": "no-store"})


def _json(status: int, body: Any) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _said(status: int, code: int, message: str, data: Any = None) -> Response:
    return _json(status, {"code": code, "message": message, "data": data})

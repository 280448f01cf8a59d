"""The calls that the seller centre's own pages make; each returns the `data` of its answer."""

from collections.abc import Callable, Mapping
from typing import Any

from deploy.sandbox.seller_centre.chat import Chats, NotSent
from deploy.sandbox.seller_centre.faults import Faults, concerns
from deploy.sandbox.seller_centre.search import found
from deploy.sandbox.seller_centre.world import TABS, World

#: What a page of samples, of contents, of creators and of products holds.
SAMPLES_PAGE, CONTENTS_PAGE, CREATORS_PAGE, PRODUCTS_PAGE, CAMPAIGNS_PAGE = 50, 10, 20, 20, 10

Answer = dict[str, Any]


class Bad(ValueError):
    """A call that asks for what is not there."""


class Api:
    """What the calls are answered with; `asked` is the body of a POST or the query of a GET."""

    def __init__(self, world: World, chats: Chats, faults: Callable[[], Faults]) -> None:
        self._world = world
        self._chats = chats
        self._faults = faults
        self.calls: Mapping[str, Callable[[Answer, str], Answer]] = {
            "POST /api/v1/affiliate/partner/sample/records/list": self.samples,
            "POST /api/v1/affiliate/partner/sample/content/list": self.contents,
            "GET /api/v1/affiliate/partner/sample/logistics": self.logistics,
            "POST /api/v1/oec/affiliate/creator/marketplace/find": self.creators,
            "GET /api/v1/oec/affiliate/creator/marketplace/profile": self.profile,
            "POST /api/v1/affiliate/partner/campaign/list": self.campaigns,
            "POST /api/v1/affiliate/partner/campaign/product/list": self.products,
            "GET /api/v1/im/conversation": self.conversation,
            "POST /api/v1/im/message/send": self.send,
            "POST /api/v1/im/upload": self.upload,
        }

    def samples(self, asked: Answer, account: str) -> Answer:  # noqa: ARG002 -- everybody sees the same
        """Return a page of a tab's sample requests, of one campaign where one is searched for."""
        tab = asked.get("tab", "")
        if tab not in TABS:
            raise Bad(f"no tab {tab}")
        numbers = self._world.applications(tab, str(asked.get("campaign_id") or ""))[self._faults().withdrawn :]
        shown = _page(numbers, asked, SAMPLES_PAGE)
        return {"total": len(numbers), "list": [self._world.application(tab, number) for number in shown]}

    def contents(self, asked: Answer, account: str) -> Answer:  # noqa: ARG002
        """Return a page of what was published for a sample; type 1 is video, 2 is live."""
        tab, number = self._application(asked)
        listed = self._world.contents(tab, number)[str(asked.get("type", "1"))]
        return {
            "apply_id": asked["apply_id"],
            "type": str(asked.get("type", "1")),
            "total": len(listed),
            "list": list(_page(listed, asked, CONTENTS_PAGE)),
        }

    def logistics(self, asked: Answer, account: str) -> Answer:  # noqa: ARG002
        """Return how a sample was shipped."""
        tab, number = self._application(asked)
        return {"apply_id": asked["apply_id"], **self._world.logistics(tab, number)}

    def creators(self, asked: Answer, account: str) -> Answer:  # noqa: ARG002
        """Return the next creators that fit a search; the cursor is where to go on."""
        people = found((self._world.creator(n) for n in range(self._world.creators)), asked.get("filters") or {})
        begin = int(asked.get("cursor") or 0)
        shown = people[begin : begin + CREATORS_PAGE]
        end = begin + len(shown)
        return {"total": len(people), "list": shown, "cursor": end, "has_more": end < len(people)}

    def profile(self, asked: Answer, account: str) -> Answer:  # noqa: ARG002
        """Return one section of a creator's page."""
        profile = self._world.profile(self._creator(asked))
        if (section := asked.get("section", "")) not in profile:
            raise Bad(f"no section {section}")
        return {"creator_id": asked["creator_id"], "section": section, **profile[section]}

    def campaigns(self, asked: Answer, account: str) -> Answer:  # noqa: ARG002
        """Return a page of campaigns."""
        numbers = range(self._world.campaigns)
        shown = _page(numbers, asked, CAMPAIGNS_PAGE)
        return {"total": len(numbers), "list": [self._world.campaign(number) for number in shown]}

    def products(self, asked: Answer, account: str) -> Answer:  # noqa: ARG002
        """Return a page of a campaign's approved products."""
        campaign = self._world.campaign_number(str(asked.get("campaign_id", "")))
        if campaign is None:
            raise Bad("no such campaign")
        approved = range(self._world.products if asked.get("status") == "approved" else 0)
        shown = _page(approved, asked, PRODUCTS_PAGE)
        return {
            "campaign_id": asked["campaign_id"],
            "total": len(approved),
            "list": [self._world.product(campaign, number) for number in shown],
        }

    def conversation(self, asked: Answer, account: str) -> Answer:  # noqa: ARG002
        """Return what a chat's page shows."""
        creator_id, faults = str(asked.get("creator_id", "")), self._faults()
        number = self._creator(asked)
        if concerns(faults.chat_of_another, creator_id):
            number = (number + 1) % self._world.creators
            creator_id = str(self._world.creator(number)["creator_id"])
        person, contact = self._world.creator(number), self._world.profile(number)["contact"]
        is_available = not concerns(faults.chat_unavailable, creator_id)
        return {
            "creator": {"creator_id": creator_id, "handle": person["handle"], "nickname": person["nickname"]} | contact,
            "is_available": is_available,
            "reason": "" if is_available else "This creator is not accepting messages",
            "history_late_ms": faults.history_late_ms,
            "has_input": not concerns(faults.input_missing, creator_id),
            "messages": _drawn(self._chats.shown(creator_id), creator_id, faults),
            "products": [self._world.product(0, each) for each in range(min(self._world.products, 40))],
        }

    def send(self, asked: Answer, account: str) -> Answer:
        """Take a message; raises NotSent."""
        self._creator(asked)
        creator_id, faults = str(asked["creator_id"]), self._faults()
        sent = self._chats.send(creator_id, account, asked, faults)
        return {
            "message_id": sent["message_id"],
            "is_shown": not concerns(faults.bubble_missing, creator_id),
            "is_pending": concerns(faults.bubble_pending, creator_id),
        }

    def upload(self, asked: Answer, account: str) -> Answer:  # noqa: ARG002
        """Take a picture, in base64, and return its address."""
        data = str(asked.get("data", ""))
        if not data.startswith("data:image/"):
            raise NotSent(30005, "This file is not an image")
        return {"url": f"/static/goods.svg?{len(data)}", "name": asked.get("name", "")}

    def _application(self, asked: Answer) -> tuple[str, int]:
        apply_id = str(asked.get("apply_id", ""))
        try:
            return list(TABS)[int(apply_id[2])], int(apply_id[3:])
        except (IndexError, ValueError):
            raise Bad(f"no sample request {apply_id}") from None

    def _creator(self, asked: Answer) -> int:
        number = self._world.creator_number(str(asked.get("creator_id", "")))
        if number is None:
            raise Bad("no such creator")
        return number


def _drawn(said: list[Answer], creator_id: str, faults: Faults) -> list[Answer]:
    """Return a conversation as its page draws it, without what it hides and with what it believes to be on its way."""
    if concerns(faults.bubble_missing, creator_id):
        said = [each for each in said if each["from"] != "merchant"]
    is_pending = concerns(faults.bubble_pending, creator_id)
    return [each | {"status": "sending" if is_pending and each["from"] == "merchant" else "sent"} for each in said]


def _page(listed: Any, asked: Answer, size: int) -> Any:
    page = max(int(asked.get("page") or 1), 1)
    return listed[(page - 1) * size : page * size]

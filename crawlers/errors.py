"""What a crawl may come up against; each says whose turn it is: ours to go on, the account's to rest, a person's."""

from datetime import datetime, timedelta


class CrawlError(Exception):
    """The base of everything that stops a crawl or a chat at its present place."""


class Passing(CrawlError):
    """Something that a reload, a fresh browser or a new login mends: the crawl goes on where it was."""


class SiteFailed(Passing):
    """A page or a call of the site failed or did not come in time."""


class BrowserLost(Passing):
    """The browser, or its page, is gone."""


class SessionLost(Passing):
    """The site asks to log in."""


class PageChanged(CrawlError):
    """An element or a field is not where its page object looks for it: the site has changed."""


class Throttled(CrawlError):
    """The site asks for patience; `after` is how long, where it says so."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class AccountStopped(CrawlError):
    """The account may not go on: it is to rest, and a person is to look at it."""

    kind = "stopped"
    rest = timedelta(hours=1)


class PuzzleShown(AccountStopped):
    """The site shows a puzzle for people. None is solved here: a person does it, or it goes away with time."""

    kind = "captcha"
    rest = timedelta(hours=2)


class Banned(AccountStopped):
    """The site has suspended the account."""

    kind = "banned"
    rest = timedelta(days=1)


class LoginFailed(AccountStopped):
    """No code came, or none opened: trying on would only make it worse."""

    kind = "login"
    rest = timedelta(minutes=30)


class NotNow(CrawlError):
    """Nothing is wrong, and now is not the time; `until` is when to try again."""

    def __init__(self, reason: str, until: datetime) -> None:
        super().__init__(reason)
        self.until = until


class AccountBusy(NotNow):
    """Every account that would do is driven by somebody else."""


class AccountResting(NotNow):
    """Every account that would do rests, because the site stopped it."""


class TaskWaits(NotNow):
    """The task that the crawl is for is paused, or has not begun."""


class OutOfHours(NotNow):
    """Nobody of the region would be at work."""


class LeaseLost(CrawlError):
    """The account may be driven by another browser by now: this one must do nothing more."""


class NoAccount(CrawlError):
    """No enabled account is called so, or drives that region."""


class CannotRead(CrawlError):
    """The site cannot be read as it was asked for: it has no such filter, or the words for it make no sense."""


class StillFailing(CrawlError):
    """The same place failed again and again."""


class TookTooLong(CrawlError):
    """The crawl is older than it may become."""


class TurnOver(CrawlError):
    """The crawl has run as long as it may in one go; it goes on from its cursor."""


class ChatClosed(CrawlError):
    """The creator takes no messages from us."""


class CreatorReplied(CrawlError):
    """The creator has written in the chat: nobody who is looked for is written to then."""


class CannotSend(CrawlError):
    """The chat does not take a message as it is: too long, a picture that is not there, a product it does not offer."""


class NotDelivered(CrawlError):
    """The site refused a message, which certainly did not arrive; `cause` is what that means, where it is known."""

    def __init__(self, reason: str, cause: CrawlError | None = None) -> None:
        super().__init__(reason)
        self.cause = cause

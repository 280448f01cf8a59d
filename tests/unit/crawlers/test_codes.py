"""Which code of which mail opens which account."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import ClassVar

import pytest

from crawlers import codes
from crawlers.accounts import Account, Mailbox
from crawlers.codes import AskedCodes, ImapCodes, Mail, NoCodeCame, OutboxCodes, code_in, newest_code, read_mail

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINE = "mx1@example.com"


def mail(text: str = "Your verification code is:\n\nAB12CD\n\nIt expires soon.", **values: object) -> Mail:
    made: dict[str, object] = {
        "to": frozenset({MINE}),
        "subject": "TikTok Shop Partner Center verification",
        "text": text,
        "at": NOON + timedelta(seconds=5),
    }
    return Mail(**{**made, **values})  # type: ignore[arg-type]


def test_the_code_that_was_asked_for_is_read() -> None:
    assert code_in(mail(), MINE, NOON) == "AB12CD"


def test_a_code_in_the_subject_is_read() -> None:
    assert code_in(mail("hello", subject="QW98ER is your TikTok Shop Partner Center code"), MINE, NOON) == "QW98ER"


@pytest.mark.parametrize(
    "other",
    [
        mail(at=NOON - timedelta(minutes=5)),
        mail(to=frozenset({"es1@example.com"})),
        mail(subject="Your invoice"),
        mail("Please contact us, thanks for your orders"),
        mail("Your code will arrive shortly. Update browser please"),
    ],
    ids=["yesterday's", "another account's", "another sender's", "no code", "only words"],
)
def test_no_other_mail_is_taken_for_it(other: Mail) -> None:
    assert code_in(other, MINE, NOON) is None


def test_the_newest_of_several_counts() -> None:
    older, newer = mail(), mail("Your code is 777777.", at=NOON + timedelta(seconds=40))
    assert newest_code([newer, older], MINE, NOON) == "777777"


def test_a_code_that_was_tried_is_not_taken_again() -> None:
    older, newer = mail(), mail("Your code is 777777.", at=NOON + timedelta(seconds=40))
    assert newest_code([older], MINE, NOON, {"AB12CD"}) is None
    assert newest_code([newer, older], MINE, NOON, {"777777"}) == "AB12CD"


async def test_a_second_login_waits_for_the_second_mail() -> None:
    looks = 0

    def fetch(*_: str) -> list[Mail]:
        nonlocal looks
        looks += 1
        second = [mail("Your code is 777777.", at=NOON + timedelta(seconds=40))]
        return [mail(), *(second if looks > 2 else [])]

    source = ImapCodes(lambda _: "app-password", fetch=fetch)
    owner = account(username="shop@example.com", password_env="X")
    assert await source.code(owner, NOON + timedelta(seconds=30), {"AB12CD"}) == "777777"


async def test_who_sits_at_the_terminal_types_the_code() -> None:
    asked: list[str] = []

    def ask(words: str) -> str:
        asked.append(words)
        return " ab12cd " if len(asked) == 1 else "  "

    source = AskedCodes(ask)
    owner = account(username="shop@example.com", password_env="X")
    assert await source.code(owner, NOON) == "AB12CD"
    assert asked == ["Code mailed to mx1@example.com: "]
    with pytest.raises(NoCodeCame):
        await source.code(owner, NOON)


def test_the_newest_mails_of_a_mailbox_are_read_with_when_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    message = EmailMessage()
    message["To"], message["Subject"] = MINE, "TikTok Shop: verification"
    message.set_content("Your code is 777777.")

    class Server:
        said: ClassVar[list[str]] = []

        def __init__(self, host: str, timeout: float) -> None:  # noqa: ARG002 -- as imaplib has it
            self.said.append(host)

        def login(self, username: str, password: str) -> None:
            self.said.append(f"{username}/{password}")

        def select(self, folder: str, readonly: bool) -> None:
            self.said.append(f"{folder} {readonly}")

        def search(self, *_: object) -> tuple[str, list[bytes]]:
            return "OK", [b" ".join(str(number).encode() for number in range(1, 21))]

        def fetch(self, number: bytes, parts: str) -> tuple[str, list[object]]:  # noqa: ARG002 -- the same
            came = b'%s (INTERNALDATE "01-Mar-2026 12:00:%02d +0000" BODY[] {9}' % (number, int(number))
            return "OK", [(came, message.as_bytes()), b")"]

        def logout(self) -> None:
            self.said.append("bye")

    monkeypatch.setattr("crawlers.codes.imaplib.IMAP4_SSL", Server)
    mails = codes._fetched("imap.example.com", "shop@example.com", "secret")
    assert Server.said == ["imap.example.com", "shop@example.com/secret", "INBOX True", "bye"]
    assert [each.at.second for each in mails] == list(range(6, 21))
    assert newest_code(mails, MINE, NOON) == "777777"
    assert codes._came(b"1 (FLAGS ())") < NOON - timedelta(days=365)


def test_a_mail_in_html_to_an_alias_is_read() -> None:
    message = EmailMessage()
    message["To"] = "Shop <MX1@example.com>"
    message["Subject"] = "TikTok Shop: verification"
    message.set_content("<style>.x{}</style><p>Your verification code is:</p><h1>ZX81QL</h1>", subtype="html")
    assert code_in(read_mail(message.as_bytes(), NOON), MINE, NOON) == "ZX81QL"


def account(**mailbox: str) -> Account:
    return Account(name="mx1", login_email=MINE, mailbox=Mailbox(**mailbox))  # type: ignore[arg-type]


async def test_a_mailbox_is_looked_into_until_the_code_has_come() -> None:
    looks: list[tuple[str, str, str]] = []

    def fetch(host: str, username: str, password: str) -> list[Mail]:
        looks.append((host, username, password))
        return [mail()] if len(looks) > 2 else [mail(at=NOON - timedelta(hours=1))]

    source = ImapCodes(lambda _: "app-password", fetch=fetch)
    owner = account(username="shop@example.com", password_env="X")
    assert await source.code(owner, NOON) == "AB12CD"
    assert looks[0] == ("imap.gmail.com", "shop@example.com", "app-password")


async def test_a_mailbox_that_cannot_be_read_gives_no_code_and_does_not_fail() -> None:
    def fetch(*_: str) -> list[Mail]:
        raise OSError("unreachable")

    source = ImapCodes(lambda _: "x", patience=timedelta(0), fetch=fetch)
    with pytest.raises(NoCodeCame):
        await source.code(account(username="shop@example.com", password_env="X"), NOON)


async def test_the_outbox_of_a_stand_in_is_asked_for_the_account_s_mails() -> None:
    asked: list[str] = []

    async def fetch(url: str) -> list[dict[str, object]]:
        asked.append(url)
        return [{"to": MINE, "subject": "TikTok Shop code", "body": "code: 123456\n", "sent_at": NOON.timestamp()}]

    source = OutboxCodes(fetch)
    assert await source.code(account(kind="outbox", url="http://site/_sandbox/mail"), NOON) == "123456"
    assert asked == [f"http://site/_sandbox/mail?to={MINE}"]

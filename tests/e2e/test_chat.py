"""A conversation at a terminal, through the `mesh up` of its folder."""

import json
from collections.abc import Iterator

import pytest

from tests.services.up import Up

#: Nobody else says this, so that it is known wherever it was written down.
UNUSUAL = "do you sell a zebrafish umbrella"
SCRIPT = [
    *("hi", "2", "size L jacket", "HOLD TH-P-001", "BUY TH-P-001", "YES", "where is my order", UNUSUAL),
    *("menu", "3", "hello?"),
]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"))
    up.start()
    try:
        up.wait_ready()
        yield up
    finally:
        if up.process.poll() is None:
            up.end()


def test_a_customer_orders_a_piece_and_no_log_tells_of_what_was_said(up: Up) -> None:
    said = up.mesh("chat", "--json", "--as", "zawadi", typed="\n".join([*SCRIPT, ""]))
    assert said.returncode == 0, said.stderr
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    talk = [(each["by"], each["text"]) for each in lines]
    assert [text for by, text in talk if by == "customer"] == SCRIPT
    answers = [text for by, text in talk if by == "shop"]
    assert len(answers) == len(SCRIPT) - 1  # whoever asked for a person is not answered by the bot
    assert talk[-1] == ("nobody", "no answer: the conversation is with a person of the shop")
    assert "1. Order status" in answers[0]
    assert "TH-P-001" in answers[3]
    assert "PT-" in answers[5]
    assert "waiting for payment" in answers[6]
    assert "40 pieces" in said.stderr
    environment = up.environment()
    told = "".join(path.read_text(errors="replace") for path in (up.folder / ".mesh" / "logs").glob("*.log"))
    secret = [environment[name] for name in ("MESH_TIKTOK_CLIENT_SECRETS", "MESH_ENCRYPTION_KEYS")]
    for hidden in (UNUSUAL, "zebrafish", "PT-", "sandbox-token", *secret):
        assert hidden not in told
        assert hidden not in up.said
    assert "webhook_received" in told


def test_what_is_said_at_a_terminal_reads_like_a_conversation(up: Up) -> None:
    said = up.mesh("chat", typed="hi\n/quit\n")
    assert said.returncode == 0, said.stderr
    assert "you  > hi" in said.stdout
    assert "shop > Hi, welcome" in said.stdout


def test_where_nothing_runs_it_says_what_to_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    said = Up(tmp_path_factory.mktemp("nothing")).mesh("chat", typed="hi\n")
    assert said.returncode == 1
    assert "start `mesh up`" in said.stderr
    assert "Traceback" not in said.stderr

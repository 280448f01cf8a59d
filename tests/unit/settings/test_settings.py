from datetime import time
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

import settings
from settings import Settings
from settings.example import example

ROOT = Path(settings.__file__).parents[1]
TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Read neither this machine's environment nor its .env."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MESH_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_env_example_says_what_the_code_says() -> None:
    assert (ROOT / ".env.example").read_text() == example(), "run: python -m settings > .env.example"


def test_every_setting_is_one_sentence() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_no_secret_has_a_default() -> None:
    fresh = Settings()
    for name, field in Settings.model_fields.items():
        if "SecretStr" in str(field.annotation):
            assert not getattr(fresh, name), name


def test_a_secret_is_not_shown() -> None:
    chosen = Settings(broker_url=SecretStr("amqp://me:hush@host/"), service_tokens=(SecretStr(TOKEN),))
    assert "hush" not in repr(chosen)
    assert TOKEN not in repr(chosen)


def test_a_refused_token_is_not_repeated_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_SERVICE_TOKENS", "hush\tñ")
    with pytest.raises(ValidationError) as refusal:
        Settings()
    assert "hush" not in str(refusal.value)


def test_tokens_and_regions_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_SERVICE_TOKENS", f"{TOKEN}, {TOKEN}2,")
    monkeypatch.setenv("MESH_CHATBOT_REGIONS", "mx,br")
    read = Settings()
    assert [token.get_secret_value() for token in read.service_tokens] == [TOKEN, f"{TOKEN}2"]
    assert read.chatbot_regions == ("MX", "BR")


def test_quiet_hours_are_read_by_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_CHATBOT_QUIET_HOURS", "mx=21:00-09:00, BR=22:30-08:00")
    assert Settings().chatbot_quiet_hours == {"MX": (time(21), time(9)), "BR": (time(22, 30), time(8))}


@pytest.mark.parametrize("text", ["MX", "MX=9", "MX=9-25:00", "21:00-09:00"])
def test_quiet_hours_that_make_no_sense_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MESH_CHATBOT_QUIET_HOURS", text)
    with pytest.raises(ValidationError, match="chatbot_quiet_hours"):
        Settings()


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MESH_GATEWAY_PORT=1\nMESH_LOG_LEVEL=debug\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("MESH_GATEWAY_PORT", "2")
    read = Settings()
    assert (read.gateway_port, read.log_level) == (2, "debug")


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_REDIS_URL", "")
    monkeypatch.setenv("MESH_GATEWAY_PORT", "")
    assert (Settings().redis_url, Settings().gateway_port) == (None, 8000)


def test_a_body_larger_than_a_message_may_be_is_refused() -> None:
    with pytest.raises(ValidationError, match="gateway_max_body_bytes"):
        Settings(gateway_max_body_bytes=17 * 1024 * 1024)


def test_admin_users_are_comma_separated_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_ADMIN_USERS", "ada:p4:ss word!:admin+secrets, bob:another-one:read")
    read = Settings()
    assert len(read.admin_users) == 2
    assert "p4:ss" not in repr(read)


@pytest.mark.parametrize(
    "user", ["ada", "ada:long-enough", "ada:long-enough:root", ":long-enough:read", "a:short:read"]
)
def test_an_admin_user_that_cannot_be_read_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    monkeypatch.setenv("MESH_ADMIN_USERS", user)
    with pytest.raises(ValidationError, match="admin_users") as refusal:
        Settings()
    assert "long-enough" not in str(refusal.value)


def test_the_password_that_everybody_tries_first_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_ADMIN_USERS", "admin:changeme:admin")
    with pytest.raises(ValidationError, match="admin_users"):
        Settings()


def test_producers_allowed_hosts_and_keys_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_EVENTS_USERS", "oms:p4:ss word!, oms:its-replacement")
    monkeypatch.setenv("MESH_RELAY_ALLOWED_HOSTS", "sgtm.inner, 10.1.0.0/16")
    monkeypatch.setenv("MESH_RELAY_BASE_URLS", "meta_capi=http://127.0.0.1:9101/v23.0, ga4=https://ga.example?a=b")
    monkeypatch.setenv("MESH_ENCRYPTION_KEYS", "new,old")
    read = Settings()
    assert [user.get_secret_value() for user in read.events_users] == ["oms:p4:ss word!", "oms:its-replacement"]
    assert read.relay_allowed_hosts == ("sgtm.inner", "10.1.0.0/16")
    assert read.relay_base_urls == {"meta_capi": "http://127.0.0.1:9101/v23.0", "ga4": "https://ga.example?a=b"}
    assert len(read.encryption_keys) == 2
    assert "p4:ss" not in repr(read)


@pytest.mark.parametrize("user", ["oms", "oms:short", ":long-enough", "oms:ChangeMe"])
def test_a_producer_that_cannot_be_read_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    monkeypatch.setenv("MESH_EVENTS_USERS", user)
    with pytest.raises(ValidationError, match="events_users") as refusal:
        Settings()
    assert "long-enough" not in str(refusal.value)

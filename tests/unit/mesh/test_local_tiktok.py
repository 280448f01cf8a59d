from pathlib import Path

import pytest

from deploy.sandbox import tiktok_messages
from deploy.sandbox.standin import TOKEN
from deploy.sandbox.tiktok_talk import BUSINESS as ITS_BUSINESS
from mesh import demo_replies, local_tiktok
from mesh.addresses import Addresses
from mesh.local_tiktok import APP, BUSINESS, is_wanted
from schemas.replies.wishes import wish_of
from settings import Settings
from tests.build.replies import seed


@pytest.mark.parametrize(
    "setting",
    [
        {"tiktok_client_key": "awk7"},
        {"tiktok_client_secrets": "a-secret-of-the-app"},
        {"tiktok_business_ids": "biz-1"},
        {"tiktok_base_url": "https://elsewhere.example/open_api/v1.3"},
        {"database_url": "mysql://mesh@db.example/mesh"},
    ],
)
def test_whoever_sets_anything_of_a_real_app_or_brings_a_database_gets_no_local_tiktok(setting: dict[str, str]) -> None:
    assert is_wanted(Settings(_env_file=None))
    assert not is_wanted(Settings(_env_file=None, **setting))  # type: ignore[arg-type]  # one of several


def test_what_is_known_here_of_the_stand_in_is_so() -> None:
    assert (APP, BUSINESS) == (tiktok_messages.APP, ITS_BUSINESS)
    assert (local_tiktok._TOKEN, local_tiktok._REFRESH) == (TOKEN, tiktok_messages.REFRESH)


def test_a_running_mesh_tells_where_its_tiktok_is_and_otherwise_nothing_of_it(tmp_path: Path) -> None:
    values = {"gateway_url": "http://127.0.0.1:1", "data_dir": tmp_path, "broker_url": "amqp://x"}
    rest = {"broker_management_url": None, "database_url": "sqlite:///x", "redis_url": "", "service_tokens": ("t",)}
    told = Addresses(**values, **rest).environment()  # type: ignore[arg-type]  # a mapping of several types
    assert not {"MESH_TIKTOK_BASE_URL", "MESH_TIKTOK_CLIENT_KEY"} & told.keys()
    at = {"tiktok_base_url": "http://127.0.0.1:2/open_api/v1.3", "tiktok_client_key": APP}
    told = Addresses(**values, **rest, **at).environment()  # type: ignore[arg-type]  # the same
    assert told["MESH_TIKTOK_BASE_URL"] == at["tiktok_base_url"]


def test_the_demos_customer_asks_for_what_the_example_has() -> None:
    assert demo_replies.PIECE in {each.sku for each in seed()}
    assert wish_of(demo_replies.SCRIPT[2][0]).tag_size == "l"

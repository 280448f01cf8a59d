import json
from datetime import datetime, timedelta
from importlib.resources import files

from mesh.demo_relay import environment_of, redated
from schemas.clock import utc_now
from schemas.relay.items import parse_item
from settings import Settings


def test_the_demos_page_is_the_example_as_if_it_had_just_happened() -> None:
    page = json.loads((files("mesh") / "examples" / "marketing-events.json").read_text())
    now = utc_now()
    ages = [now - datetime.fromisoformat(item["event_time"]) for item in redated(page)["data"]]
    assert all(timedelta() < age < timedelta(hours=1) for age in ages)
    before, after = ([parse_item(item, now).identity for item in each["data"]] for each in (page, redated(page)))
    assert before == after


def test_the_stand_ins_are_whom_the_mesh_sends_to() -> None:
    given = environment_of({"sgtm": "http://127.0.0.1:1", "ga4": "http://127.0.0.1:2", "segment": "http://127.0.0.1:3"})
    read = Settings.model_validate({name.removeprefix("MESH_").lower(): value for name, value in given.items()})
    assert read.relay_base_urls == {"ga4": "http://127.0.0.1:2", "segment": "http://127.0.0.1:3/v1"}
    assert read.relay_allowed_hosts == ("127.0.0.1",)

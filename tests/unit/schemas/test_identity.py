from uuid import NAMESPACE_DNS, NAMESPACE_URL, uuid5

from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import contact_id, creator_id, named_id


@given(st.text())
def test_an_id_by_name_is_a_uuid_of_version_5(name: str) -> None:
    assert named_id(name) == str(uuid5(NAMESPACE_URL, name))


def test_a_creator_has_the_id_that_other_programs_derive() -> None:
    expected = str(uuid5(NAMESPACE_DNS, "tiktok:7341000000000000777")).upper()
    assert creator_id("tiktok", "7341000000000000777") == expected


def test_a_contact_is_of_one_task_and_one_creator() -> None:
    assert len({contact_id("T", "1"), contact_id("T", "2"), contact_id("U", "1"), contact_id("T:1", "2")}) == 4

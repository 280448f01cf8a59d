from uuid import NAMESPACE_URL, uuid5

from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import named_id


@given(st.text())
def test_an_id_by_name_is_a_uuid_of_version_5(name: str) -> None:
    assert named_id(name) == str(uuid5(NAMESPACE_URL, name))

"""What every row has in common."""

from crawlers.rows.reading import storable


def test_a_row_is_what_every_database_takes() -> None:
    deep: object = "bottom"
    for _ in range(30):
        deep = [deep]
    row = storable({"productName": "Mask \ud83d\0", "stock": float("inf"), "registrationPeriod": deep, "sku": 2**70})
    assert row == {"productName": "Mask \ufffd", "stock": None, "sku": str(2**70)}

"""Every region's clock is one that this machine knows."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.zones import ZONES, zone_of


@pytest.mark.parametrize("region", sorted(ZONES))
def test_a_region_has_a_clock(region: str) -> None:
    assert str(zone_of(f" {region.lower()} ")) == str(zone_of(region)) == ZONES[region]
    assert datetime(2026, 1, 12, tzinfo=zone_of(region)).utcoffset() is not None


@pytest.mark.parametrize("region", [None, "", "XX"])
def test_a_region_that_nobody_knows_is_read_in_utc(region: str | None) -> None:
    assert zone_of(region) is UTC


def test_mexico_keeps_its_hour_all_year() -> None:
    for month in (1, 7):
        assert datetime(2026, month, 12, tzinfo=zone_of("MX")).utcoffset() == timedelta(hours=-6)

from datetime import UTC, datetime, timedelta

import pytest

from tabard.policy.instants import NANOSECONDS, read_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("-1", -1),
        ("+5", 5),
        ("1970-01-02", 86_400),
        ("1970-01-01T00:00:01Z", 1),
        ("1970-01-01t00:00:01z", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00+01", 0),
        ("1970-01-01T00:00:00-0130", 5_400),
        ("2000-02-29", 951_782_400),
        ("1969-12-31T23:59:59Z", -1),
        ("1970-01T00:01", 60),
        ("1970T", 0),
    ],
)
def test_an_instant_is_read(text, seconds):
    assert read_instant(text) == seconds * NANOSECONDS


@pytest.mark.parametrize(
    "text",
    ["", " 0", "0\n", "T", "1900-02-29", "2026-00-01", "2026-01-32", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
     "2026-01-01T00:00:60Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00.Z",
     "2026-01-01 00:00:00Z", "\u0662\u0660\u0662\u0666", "9223372036854775808", "-9223372036854775809", "0x10"],
)  # fmt: skip
def test_what_is_no_instant_is_none(text):
    assert read_instant(text) is None


def test_a_fraction_counts_to_the_nanosecond():
    assert read_instant("1970-01-01T00:00:00.000000001Z") == 1
    assert read_instant("1970-01-01T00:00:00,5Z") == NANOSECONDS // 2


@pytest.mark.parametrize("days", range(-700_000, 2_900_000, 9_973))
def test_the_calendar_is_the_standard_librarys(days):
    day = EPOCH + timedelta(days=days)
    assert read_instant(day.strftime("%Y-%m-%dT%H:%M:%SZ")) == days * 86_400 * NANOSECONDS

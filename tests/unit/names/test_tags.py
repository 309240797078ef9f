"""Tag keys compare without regard to ASCII case, and to nothing else."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tabard.names.instants import iso
from tabard.names.tags import duplicate_key, fold, is_reserved, merge


@pytest.mark.parametrize(
    ("key", "folded"),
    [("Team", "team"), ("TEAM-É", "team-É"), ("\u212a", "\u212a"), ("İ", "İ"), ("", "")],
)
def test_p09_only_ascii_letters_are_folded(key: str, folded: str) -> None:
    assert fold(key) == folded


def test_duplicates_are_found_without_regard_to_case() -> None:
    assert duplicate_key(["a", "b", "A"]) == "A"
    assert duplicate_key(["k", "\u212a"]) is None


def test_keys_that_begin_with_aws_are_reserved_in_any_case() -> None:
    assert all(map(is_reserved, ["aws:x", "AWS:x", "aWs:"]))
    assert not any(map(is_reserved, ["aws", "awsx:", "x-aws:", ""]))


def test_the_upper_tags_win_with_their_own_spelling() -> None:
    assert merge({"team": "red", "shift": "day"}, {"Team": "blue"}) == {"shift": "day", "Team": "blue"}


def test_an_instant_is_written_in_utc_and_whole_seconds() -> None:
    at = datetime(2026, 11, 24, 12, 30, 15, 999999, tzinfo=timezone(timedelta(hours=2)))

    assert iso(at) == "2026-11-24T10:30:15Z"
    assert iso(at.astimezone(UTC)) == "2026-11-24T10:30:15Z"

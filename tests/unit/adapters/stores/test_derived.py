"""What stores derive from an entity."""

import pytest

from tabard.adapters.stores.derived import fold


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Admin_1+=,.@-", "admin_1+=,.@-"),
        ("ÄB", "Äb"),
        ("\u212a", "\u212a"),
        ("İI", "İi"),
        ("ẞS", "ẞs"),
        ("\ud800A", "\ud800a"),
        ("", ""),
    ],
)
def test_only_ascii_letters_are_folded(name: str, folded: str):
    assert fold(name) == folded

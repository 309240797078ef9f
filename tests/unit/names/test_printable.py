"""What others wrote is shown, and obeyed by no terminal."""

import sys

import pytest

from tabard.apps.cli.shell import in_json
from tabard.names.printable import escaped, masked

HOSTILE = ["\x1b[31m", "\x9b31m", "\x07", "\r", "\n", "\x7f", "\x85", "\u2028", "\u202e", "\u2066", "\ufeff", "\udc80"]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_what_does_not_print_is_shown_as_such(text: str) -> None:
    assert escaped(f"a{text}b").isprintable()
    assert escaped(f"a{text}b") != f"a{text}b"
    assert masked(f"a{text}b").isprintable()
    assert len(masked(text)) == len(text)


@pytest.mark.parametrize("text", ["", "plain", "é 名", "a'b\"c\\d"])
def test_what_prints_stays_as_it_is(text: str) -> None:
    assert escaped(text) == masked(text) == text


def test_every_character_is_masked_or_prints() -> None:
    assert masked("".join(map(chr, range(sys.maxunicode + 1)))).isprintable()


def test_json_is_ascii_and_says_the_same() -> None:
    assert in_json({"é\x9b": ["\u202e", 1]}) == r'{"\u00e9\u009b":["\u202e",1]}'

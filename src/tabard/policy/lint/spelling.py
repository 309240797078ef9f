"""What a misspelt word was meant to be: one letter too many, too few or other, or two that changed places.

A word is filed under itself and under each rest that one letter less leaves (Garbe, "symmetric delete"); so a lookup
costs the length of what was written, and not the number of words that there are.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from tabard.names.tags import fold

_LONGEST: Final = 64
"""A text that is longer was not misspelt from any of the words."""


class Speller:
    """Words that somebody may have meant."""

    def __init__(self, known: Iterable[str]) -> None:
        spelled = {fold(word): word for word in known}
        self._near = {rest: word for folded, word in spelled.items() for rest in _rests(folded)} | spelled

    def meant(self, written: str) -> str | None:
        """The word that is at most one slip, or its case, away."""
        if len(written) > _LONGEST:
            return None
        return next((self._near[rest] for rest in _rests(fold(written)) if rest in self._near), None)


def words(text: str) -> list[str]:
    """The words of a text, for tables of many."""
    return text.split()


def _rests(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]

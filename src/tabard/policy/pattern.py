"""`*` and `?`: matching text, without a regular expression.

A pattern is cut at its stars; the first piece is held to the start of the text, the last to its end, and each
piece between is taken where it is found first, which is enough (leftmost is never worse). So the cost is one
pass over the text, whatever the number of stars; a backtracking matcher needs minutes for twenty.

Text between wildcards is literal. A value put into a pattern (`variables`) arrives as literal text, so a `*` in
a user's name is a star and no wildcard.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias


class Wild(Enum):
    """A wildcard."""

    ANY = "*"
    ONE = "?"


Tokens: TypeAlias = tuple[str | Wild, ...]
"""A pattern: literal texts and wildcards."""

Matcher: TypeAlias = Callable[[str], bool]

ARN_PARTS: Final = 6
_WILDCARD: Final = re.compile(r"([*?])")
_WILD: Final = {"*": Wild.ANY, "?": Wild.ONE}


def tokens_of(text: str) -> Tokens:
    """The pattern that a text with `*` and `?` spells."""
    if "*" not in text and "?" not in text:
        return (text,)
    return tuple(_WILD.get(part, part) for part in _WILDCARD.split(text) if part)


def text_of(tokens: Tokens) -> str:
    """The pattern's text, for operators that know no wildcards."""
    return "".join(token if isinstance(token, str) else token.value for token in tokens)


def is_literal(tokens: Tokens) -> bool:
    """Has it no wildcard?"""
    return all(isinstance(token, str) for token in tokens)


def glob(tokens: Tokens) -> Matcher:
    """The pattern's matcher; the whole text must match, case counts."""
    pieces = _pieces(tokens)
    if len(pieces) == 1:
        return pieces[0].equals
    head, *middle, tail = pieces
    middle = [piece for piece in middle if piece.size]
    if not middle and not tail.size:
        return head.begins if head.size else _anything
    return _Glob(head, tuple(middle), tail).matches


def split_arn(tokens: Tokens) -> tuple[Tokens, ...] | None:
    """The six parts of an ARN pattern, or None when it has fewer. The last part keeps its colons."""
    parts: list[list[str | Wild]] = [[]]
    for token in tokens:
        if isinstance(token, Wild) or ":" not in token:
            parts[-1].append(token)
            continue
        first, *rest = token.split(":", ARN_PARTS - len(parts))
        parts[-1].append(first)
        parts.extend([text] for text in rest)
    return tuple(tuple(part) for part in parts) if len(parts) == ARN_PARTS else None


def arn_glob(parts: Sequence[Tokens]) -> Matcher:
    """A matcher that compares six ARN parts one by one: a `*` stays within its part."""
    matchers = [glob(part) for part in parts]

    def match(text: str) -> bool:
        found = text.split(":", ARN_PARTS - 1)
        return len(found) == ARN_PARTS and all(matches(part) for matches, part in zip(matchers, found, strict=True))

    return match


def _anything(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class _Literal:
    """A piece of plain text."""

    text: str

    @property
    def size(self) -> int:
        return len(self.text)

    def equals(self, text: str) -> bool:
        return text == self.text

    def begins(self, text: str) -> bool:
        return text.startswith(self.text)

    def ends(self, text: str) -> bool:
        return text.endswith(self.text)

    def find(self, text: str, start: int, end: int) -> int:
        return text.find(self.text, start, end)


@dataclass(frozen=True, slots=True)
class _Gapped:
    """A piece with `?` in it: one bit a character (Baeza-Yates and Gonnet, "A New Approach to Text Searching").

    Bit i of `masks[c]` is set where the piece's character i may be c; `gaps` is the mask of characters that
    the piece does not name.
    """

    size: int
    gaps: int
    masks: dict[str, int]

    def equals(self, text: str) -> bool:
        return len(text) == self.size and self.begins(text)

    def begins(self, text: str) -> bool:
        return len(text) >= self.size and self._fits(text[: self.size])

    def ends(self, text: str) -> bool:
        return len(text) >= self.size and self._fits(text[len(text) - self.size :])

    def find(self, text: str, start: int, end: int) -> int:
        if end - start < self.size:
            return -1
        state, found = 0, 1 << (self.size - 1)
        for position in range(start, end):
            state = ((state << 1) | 1) & self.masks.get(text[position], self.gaps)
            if state & found:
                return position - self.size + 1
        return -1

    def _fits(self, text: str) -> bool:
        return all(self.masks.get(character, self.gaps) >> i & 1 for i, character in enumerate(text))


_Piece: TypeAlias = _Literal | _Gapped


@dataclass(frozen=True, slots=True)
class _Glob:
    head: _Piece
    middle: tuple[_Piece, ...]
    tail: _Piece

    def matches(self, text: str) -> bool:
        start, end = self.head.size, len(text) - self.tail.size
        if start > end or not self.head.begins(text) or not self.tail.ends(text):
            return False
        for piece in self.middle:
            found = piece.find(text, start, end)
            if found < 0:
                return False
            start = found + piece.size
        return True


def _pieces(tokens: Tokens) -> list[_Piece]:
    """What stands between the stars: one piece more than there are stars."""
    pieces: list[list[str | Wild]] = [[]]
    for token in tokens:
        if token is Wild.ANY:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [_piece(piece) for piece in pieces]


def _piece(tokens: Iterable[str | Wild]) -> _Piece:
    texts = [token for token in tokens if isinstance(token, str)]
    characters = [c for token in tokens for c in (token if isinstance(token, str) else (Wild.ONE,))]
    if Wild.ONE not in characters:
        return _Literal("".join(texts))
    gaps = sum(1 << i for i, c in enumerate(characters) if c is Wild.ONE)
    masks: dict[str, int] = {}
    for i, c in enumerate(characters):
        if isinstance(c, str):
            masks[c] = masks.get(c, gaps) | 1 << i
    return _Gapped(len(characters), gaps, masks)

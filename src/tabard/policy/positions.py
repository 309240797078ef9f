"""Where things stand in a document's text: the line and column of each value, and of each statement.

For texts that `strict_json` has read: nothing is checked again. One pass over the tokens finds all places, however
many are asked for. Lines and columns count from 1, a column is a character, and a line ends with `\\n`, `\\r\\n` or
`\\r`.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Members and list indices from the top; `0` on what is no list is that value itself, as a list of one would be."""

_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s"\[\]{},:]++', re.ASCII | re.DOTALL)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A character's place."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to, and without, `end`."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """Offsets of a value, and of its member's name: `key`."""

    start: int
    end: int
    key: int


class Places:
    """All places of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._values = _values_of(text)

    def value(self, path: Path) -> Span:
        """Where a value stands; for a path that leads nowhere, where the last thing on the way stands."""
        found = self._find(path)
        return Span(self._position(found.start), self._position(found.end))

    def member(self, path: Path) -> Span:
        """A member from its name to the end of its value; in a list, the value alone."""
        found = self._find(path)
        return Span(self._position(found.key), self._position(found.end))

    def statements(self) -> tuple[Span, ...]:
        """Where each statement stands, as `statement_spans` says."""
        whole = self._values.get(("Statement",))
        if whole is None:
            return ()
        start = whole.start + 1
        if self._text[whole.start] != "[":
            return (Span(self._position(start), self._position(whole.end)),)
        spans: list[Span] = []
        while (found := self._values.get(("Statement", len(spans)))) is not None:
            spans.append(Span(self._position(start), self._position(found.end)))
            start = found.end
        return tuple(spans)

    def _find(self, path: Path) -> _Value:
        at: Path = ()
        found = self._values[at]
        for step in path:
            inner = self._values.get((*at, step))
            if inner is None:
                if step == 0:
                    continue
                break
            found, at = inner, (*at, step)
        return found

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._lines, offset)
        return Position(line, offset - self._lines[line - 1] + 1)


def place_of(text: str, path: Path) -> Span:
    """Where a value stands; see `Places` for more than one."""
    return Places(text).value(path)


def statement_spans(text: str) -> tuple[Span, ...]:
    """Each statement as `iam:Simulate…` places it.

    The end is just after its closing brace. The start is just after its own opening brace for a statement that is in no
    list, after the list's bracket for the first of a list, and where the one before it ends for every other.
    """
    return Places(text).statements()


def path_text(path: Path) -> str:
    """A path as people write it: `Statement[0].Condition.StringLike["token.example:sub"]`."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif step.isidentifier():
            shown += f".{step}" if shown else step
        else:
            shown += f"[{json.dumps(step, ensure_ascii=False)}]"
    return shown


class _Open:
    """An object or list that is being read: `step` is where in it."""

    __slots__ = ("key", "key_start", "start", "step")

    def __init__(self, start: int, *, listed: bool, key: int) -> None:
        self.start = start
        self.step: str | int = 0 if listed else ""
        self.key = key
        self.key_start = -1


def _values_of(text: str) -> dict[Path, _Value]:
    values: dict[Path, _Value] = {}
    stack: list[_Open] = []
    wants_name = False
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        match token[0]:
            case "{" | "[" as opened:
                stack.append(_Open(start, listed=opened == "[", key=_key(stack, start)))
                wants_name = opened == "{"
            case "}" | "]":
                closed = stack.pop()
                values[_path(stack)] = _Value(start=closed.start, end=end, key=closed.key)
                wants_name = False
            case ",":
                top = stack[-1]
                if isinstance(top.step, int):
                    top.step += 1
                else:
                    wants_name = True
            case ":":
                pass
            case name if wants_name:
                stack[-1].step = json.loads(name)
                stack[-1].key_start = start
                wants_name = False
            case _:
                values[_path(stack)] = _Value(start=start, end=end, key=_key(stack, start))
    return values


def _path(stack: Sequence[_Open]) -> Path:
    return tuple(each.step for each in stack)


def _key(stack: Sequence[_Open], start: int) -> int:
    return stack[-1].key_start if stack and isinstance(stack[-1].step, str) else start

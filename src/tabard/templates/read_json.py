"""JSON → the tree of a template, strictly (RFC 8259), with places.

YAML is no superset of JSON where it matters here: tabs indent, and characters beyond the first plane come as pairs
of escapes.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Final

from tabard.templates.source import MAXIMUM_DEPTH, ListNode, MapNode, Mark, Node, TemplateError, TextNode, shown

_TOKEN: Final = re.compile(
    r"""(?P<string>"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+")"""
    r"""|(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?![0-9A-Za-z.]))"""
    r"""|(?P<word>true|false|null)(?![0-9A-Za-z])|(?P<sign>[{}\[\],:])"""
)
_SPACE: Final = re.compile(r"[ \t\r\n]*+")


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet."""

    mark: Mark
    is_map: bool
    items: list[Node] = field(default_factory=list)
    members: dict[str, Node] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    key: str | None = None
    waits_for: str = "first"
    """`first` item or end, `item`, `colon`, `value`, or `comma`."""

    def closed(self) -> Node:
        if self.is_map:
            return MapNode(members=self.members, marks=self.marks, mark=self.mark)
        return ListNode(items=tuple(self.items), mark=self.mark)

    def take(self, node: Node) -> None:
        if self.is_map and self.key is not None:
            self.members[self.key] = node
        else:
            self.items.append(node)
        self.waits_for = "comma"


def read_json(text: str, file: str) -> Node:
    """The tree of a JSON text.

    Raises:
        TemplateError: it is no JSON, holds a null or a key twice, or is nested too deeply.
    """
    tokens = _Tokens(text, file)
    stack: list[_Open] = []
    root: Node | None = None
    while True:
        kind, read = tokens.next()
        mark = tokens.mark
        if kind == "end":
            if root is None:
                raise TemplateError(mark, "the JSON ends too early; a bracket or a value is missing")
            return root
        if root is not None:
            raise TemplateError(mark, f"{shown(read)} stands after the end of the JSON")
        top = stack[-1] if stack else None
        node: Node | None = None
        if read in ("}", "]"):
            if top is None or top.is_map is not (read == "}") or top.waits_for not in ("first", "comma"):
                raise TemplateError(mark, f"`{read}` is not expected here")
            node = stack.pop().closed()
            top = stack[-1] if stack else None
        elif top is not None and read == "," and top.waits_for == "comma":
            top.waits_for = "item"
            continue
        elif top is not None and read == ":" and top.waits_for == "colon":
            top.waits_for = "value"
            continue
        elif kind == "sign" and read not in ("{", "["):
            raise TemplateError(mark, f"`{read}` is not expected here")
        elif top is not None and top.waits_for in ("comma", "colon"):
            missing = "a comma or a closing bracket" if top.waits_for == "comma" else "a colon"
            raise TemplateError(mark, f"{missing} is missing before {shown(read)}")
        elif top is not None and top.is_map and top.waits_for in ("first", "item"):
            _take_key(top, kind, read, mark)
            continue
        elif kind == "sign":
            if len(stack) >= MAXIMUM_DEPTH:
                raise TemplateError(mark, f"the template is nested more than {MAXIMUM_DEPTH} levels deep")
            stack.append(_Open(mark, read == "{"))
            continue
        else:
            node = _scalar(kind, read, mark)
        if top is None:
            root = node
        else:
            top.take(node)


def _take_key(into: _Open, kind: str, read: str, mark: Mark) -> None:
    if kind != "string":
        raise TemplateError(mark, f"a key must be a text in double quotes, not {shown(read)}")
    key = _text(read, mark)
    if key in into.members or key in into.marks:
        raise TemplateError(mark, f"the key {shown(key)} stands twice (first in line {into.marks[key].line})")
    into.key, into.marks[key], into.waits_for = key, mark, "colon"


def _scalar(kind: str, read: str, mark: Mark) -> TextNode:
    if read == "null" and kind == "word":
        raise TemplateError(mark, "null is no value; leave the key out, or use AWS::NoValue")
    if kind == "string":
        return TextNode(text=_text(read, mark), mark=mark)
    return TextNode(text=read, mark=mark)


def _text(token: str, mark: Mark) -> str:
    text: str = json.loads(token)
    if any("\ud800" <= c <= "\udfff" or (c < " " and c not in "\t\n\r") for c in text):
        raise TemplateError(mark, "a text holds a control character, or half a character")
    return text


class _Tokens:
    """The tokens of a text, and the place of the latest."""

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file, self._at = text, file, 0
        self._line, self._line_start, self._start = 1, 0, 0

    @property
    def mark(self) -> Mark:
        return Mark(self._file, self._line, self._start - self._line_start + 1)

    def next(self) -> tuple[str, str]:
        space = _SPACE.match(self._text, self._at)
        if space is not None:
            if newlines := space[0].count("\n"):
                self._line += newlines
                self._line_start = self._text.rindex("\n", self._at, space.end()) + 1
            self._at = self._start = space.end()
        if self._at == len(self._text):
            return "end", ""
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise TemplateError(self.mark, f"this is no JSON: {shown(self._text[self._at : self._at + 20])}")
        self._at = found.end()
        return found.lastgroup, found[0]

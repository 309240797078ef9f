"""A template as it was written: a tree whose every node knows its place.

Scalars stay text. `Version: 2012-10-17` is no date, `012345678901` no octal number and `no` no boolean; what a
property expects decides what its text means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, TypeAlias

from tabard.names.printable import escaped

MAXIMUM_SIZE: Final = 1_000_000
"""Bytes of a template, as CloudFormation takes them from S3."""
MAXIMUM_DEPTH: Final = 50
"""Levels of a template."""
SHOWN: Final = 80
"""Characters of a text from a template that an error repeats."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where something stands."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{escaped(self.file)}:{self.line}:{self.column}"


class TemplateError(Exception):
    """A template cannot be read, or does not mean anything here. The text begins with where."""

    def __init__(self, mark: Mark, text: str) -> None:
        super().__init__(f"{mark}: {text}")
        self.mark = mark


@dataclass(frozen=True, slots=True, kw_only=True)
class TextNode:
    """A scalar."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNode:
    """A list."""

    items: "tuple[Node, ...]"
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class MapNode:
    """A mapping; no key stands twice. `marks` are the places of the keys."""

    members: "Mapping[str, Node]"
    marks: Mapping[str, Mark]
    mark: Mark


Node: TypeAlias = TextNode | ListNode | MapNode


def as_map(node: Node, what: str) -> MapNode:
    """Raises TemplateError: it is none."""
    if not isinstance(node, MapNode):
        raise TemplateError(node.mark, f"{what} must be a mapping, and is {noun(node)}")
    return node


def as_list(node: Node, what: str) -> ListNode:
    """Raises TemplateError: it is none."""
    if not isinstance(node, ListNode):
        raise TemplateError(node.mark, f"{what} must be a list, and is {noun(node)}")
    return node


def as_text(node: Node, what: str) -> str:
    """Raises TemplateError: it is none."""
    if not isinstance(node, TextNode):
        raise TemplateError(node.mark, f"{what} must be a text, and is {noun(node)}")
    return node.text


def end_of(text: str, file: str) -> Mark:
    """Where a text ends that begins the file."""
    return Mark(file, text.count("\n") + 1, len(text) - text.rfind("\n"))


def refuse_dynamic(text: str, mark: Mark) -> None:
    """Raises TemplateError: the text asks AWS for a value. As a password, it would be one that everybody knows."""
    if "{{resolve:" in text:
        raise TemplateError(mark, "dynamic references (`{{resolve:…}}`) are not supported; use a parameter with NoEcho")


def noun(node: Node) -> str:
    """What a node is, for people."""
    return {TextNode: "a text", ListNode: "a list", MapNode: "a mapping"}[type(node)]


def shown(text: str) -> str:
    """A text from a template, quoted and cut, with nothing in it that a terminal would obey."""
    cut = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return f"`{escaped(cut)}`"


def known(name: str, names: "Mapping[str, object] | frozenset[str] | tuple[str, ...]") -> str:
    """The end of an error about a name that there is none of: what was probably meant, or what there is."""
    near = get_close_matches(name[:SHOWN], sorted(names), n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known are {', '.join(sorted(names))}" if names else "there are none"

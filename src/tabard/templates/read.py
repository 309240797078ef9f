"""Text → the tree of a template: YAML 1.1 as CloudFormation takes it, or JSON.

Read from YAML's events and not from its objects, so that nothing is ever constructed: no tag makes an object, no
scalar becomes a date. As CloudFormation, it refuses aliases, merged mappings and the tags of other types (AWS
CloudFormation User Guide, "Template formats"); without aliases nothing in a file can be larger than the file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from tabard.templates.read_json import read_json
from tabard.templates.source import (
    MAXIMUM_DEPTH,
    MAXIMUM_SIZE,
    ListNode,
    MapNode,
    Mark,
    Node,
    TemplateError,
    TextNode,
    as_map,
    end_of,
    known,
    shown,
)

FUNCTIONS: Final = (
    "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "If", "ImportValue", "Join", "Not", "Or", "Select",
    "Split", "Sub", "ToJsonString",
)  # fmt: skip
TAGS: Final[Mapping[str, str]] = {
    "!Ref": "Ref",
    "!Condition": "Condition",
    **{f"!{name}": f"Fn::{name}" for name in FUNCTIONS},
}
"""The short form of each function, and its name."""
_CORE: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "map", "seq")) | {"!"}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER: Final[Any] = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read_template(raw: bytes, file: str) -> MapNode:
    """The tree of a template.

    Raises:
        TemplateError: it is no template, or one that nobody should read on.
    """
    start = Mark(file)
    if len(raw) > MAXIMUM_SIZE:
        raise TemplateError(start, f"the template is larger than {MAXIMUM_SIZE} bytes; split it into several stacks")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode(errors="replace")
        raise TemplateError(end_of(before, file), "the template is not UTF-8; save it as UTF-8") from None
    if text.lstrip().startswith("{"):
        try:
            return as_map(read_json(text, file), "a template")
        except TemplateError:
            if file.endswith(".json"):
                raise
    return as_map(_read_yaml(text, file), "a template")


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    mark: Mark
    is_map: bool
    function: str | None
    items: list[Node] = field(default_factory=list)
    members: dict[str, Node] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    key: str | None = None

    def closed(self) -> Node:
        node: Node = (
            MapNode(members=self.members, marks=self.marks, mark=self.mark)
            if self.is_map
            else ListNode(items=tuple(self.items), mark=self.mark)
        )
        return _wrapped(node, self.function)


def _read_yaml(text: str, file: str) -> Node:
    stack: list[_Open] = []
    root: Node | None = None
    for event in _events(text, file):
        mark = _place(event.start_mark, file)
        node: Node | None = None
        match event:
            case AliasEvent():
                raise TemplateError(mark, "YAML aliases are not taken, as by CloudFormation; write the value out")
            case DocumentStartEvent() if root is not None:
                raise TemplateError(mark, "a file holds one template; this begins a second document")
            case ScalarEvent():
                _refuse_anchor(event, mark)
                if stack and stack[-1].is_map and stack[-1].key is None:
                    _take_key(stack[-1], event, mark)
                    continue
                node = _scalar(event, mark)
            case MappingStartEvent() | SequenceStartEvent():
                _refuse_anchor(event, mark)
                if stack and stack[-1].is_map and stack[-1].key is None:
                    raise TemplateError(mark, "a key must be a text")
                if len(stack) >= MAXIMUM_DEPTH:
                    raise TemplateError(mark, f"the template is nested more than {MAXIMUM_DEPTH} levels deep")
                stack.append(_Open(mark, isinstance(event, MappingStartEvent), _function(event.tag, mark)))
            case MappingEndEvent() | SequenceEndEvent():
                node = stack.pop().closed()
        if node is None:
            continue
        if not stack:
            root = node
        elif stack[-1].is_map:
            stack[-1].members[str(stack[-1].key)], stack[-1].key = node, None
        else:
            stack[-1].items.append(node)
    if root is None:
        raise TemplateError(Mark(file), "the file is empty; a template has at least `Resources`")
    return root


def _events(text: str, file: str) -> Iterator[Any]:
    """PyYAML's events; what it cannot read is told with its line."""
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise TemplateError(_place(mark, file) if mark else Mark(file), f"this is no YAML: {said}") from None
    except yaml.reader.ReaderError as error:
        raise TemplateError(
            end_of(text[: max(error.position, 0)], file), "the template holds a character that YAML does not allow"
        ) from None


def _place(mark: Any, file: str) -> Mark:
    return Mark(file, mark.line + 1, mark.column + 1)


def _refuse_anchor(event: Any, mark: Mark) -> None:
    if event.anchor is not None:
        raise TemplateError(mark, "YAML anchors are not taken, as by CloudFormation; write the value out")


def _take_key(into: _Open, event: ScalarEvent, mark: Mark) -> None:
    key: str = event.value
    if event.tag is not None and event.tag not in _CORE:
        raise TemplateError(mark, f"a key must be a text, not {shown(event.tag)}")
    if key == "<<" and not event.style:
        raise TemplateError(mark, "`<<` merges mappings, which is not taken, as by CloudFormation; write them out")
    if key in into.marks:
        raise TemplateError(mark, f"the key {shown(key)} stands twice (first in line {into.marks[key].line})")
    into.key, into.marks[key] = key, mark


def _scalar(event: ScalarEvent, mark: Mark) -> Node:
    function = _function(event.tag, mark)
    if not event.style and event.tag is None and event.value in _NULLS:
        raise TemplateError(mark, "there is no value here; leave the key out, or use AWS::NoValue")
    return _wrapped(TextNode(text=event.value, mark=mark), function)


def _function(tag: str | None, mark: Mark) -> str | None:
    if tag is None or tag in _CORE:
        return None
    if tag not in TAGS:
        raise TemplateError(mark, f"there is no function {shown(tag)}; {known(tag, TAGS)}")
    return TAGS[tag]


def _wrapped(node: Node, function: str | None) -> Node:
    """`!Ref x` → `Ref: x`."""
    if function is None:
        return node
    return MapNode(members={function: node}, marks={function: node.mark}, mark=node.mark)

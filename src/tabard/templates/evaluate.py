"""The intrinsic functions of templates.

(AWS CloudFormation User Guide, "Intrinsic function reference".) Everything that a function produces is counted, so
that a short template cannot come to a long text. A text that is made of a secret is secret, one that is made of what
is not known yet is unknown.
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol, TypeAlias

from tabard.templates.source import (
    ListNode,
    MapNode,
    Mark,
    Node,
    TemplateError,
    TextNode,
    as_list,
    as_map,
    as_text,
    known,
    noun,
    refuse_dynamic,
    shown,
)
from tabard.templates.template import Template
from tabard.templates.values import Members, NoValue, Text, Unknown, Value, is_secret, joined, like, texts_in

MAXIMUM_PRODUCED: Final = 10_000_000
"""Characters and list items that the functions of one stack may produce together."""
MAXIMUM_CONDITIONS: Final = 100
"""Levels of conditions that rest on conditions."""
NO_VALUE: Final = "AWS::NoValue"
_VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")
_CONDITIONS: Final = ("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition")
Found: TypeAlias = "Value | NoValue"


class Made(Protocol):
    """What the resources of a template are called, and what they tell of themselves."""

    def ref(self, logical_id: str, mark: Mark) -> Text: ...
    def attribute(self, logical_id: str, name: str, mark: Mark) -> Text: ...


class NothingMade:
    """Where no resource may be asked."""

    def __init__(self, where: str) -> None:
        self._where = where

    def ref(self, logical_id: str, mark: Mark) -> Text:
        raise TemplateError(mark, f"{logical_id} is a resource; {self._where} cannot depend on resources")

    def attribute(self, logical_id: str, name: str, mark: Mark) -> Text:
        del name
        return self.ref(logical_id, mark)


class Evaluator:
    """Evaluates the nodes of one template. `imports` are the exports of the other stacks of the account."""

    def __init__(
        self, template: Template, *, parameters: Mapping[str, Value], pseudo: Mapping[str, str],
        imports: Mapping[str, Text],
    ) -> None:  # fmt: skip
        self.template = template
        self._parameters = parameters
        self._pseudo = pseudo
        self._imports = imports
        self._made: Made = NothingMade("this")
        self._decided: dict[str, bool] = {}
        self._deciding: list[str] = []
        self._produced = 0
        self._depth = 0
        self._functions: Mapping[str, Callable[[Node], Found]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::ImportValue": self._import_value,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Base64": self._base64,
            "Fn::ToJsonString": self._to_json_string,
            "Fn::Cidr": self._cidr,
        }

    # ── values ───────────────────────────────────────────────────────────────────────────────────────

    def value(self, node: Node, made: Made, what: str) -> Found:
        """What a node comes to."""
        self._made = made
        found = self._value(node)
        if isinstance(found, NoValue) and what:
            raise TemplateError(node.mark, f"{what} may not be AWS::NoValue")
        return found

    def members(self, node: MapNode, made: Made) -> Members:
        """What the members of a mapping come to; those that are AWS::NoValue are left out."""
        self._made = made
        return self._members(node)

    def _value(self, node: Node) -> Found:
        match node:
            case TextNode():
                refuse_dynamic(node.text, node.mark)
                return node.text
            case ListNode():
                return [each for each in map(self._value, node.items) if not isinstance(each, NoValue)]
            case MapNode():
                name = call_of(node)
                if name is None:
                    return self._members(node)
                if name not in self._functions:
                    if name in _CONDITIONS:
                        raise TemplateError(node.marks[name], f"{name} stands only where a condition is asked for")
                    raise TemplateError(
                        node.marks[name], f"there is no function {shown(name)}; {known(name, self._functions)}"
                    )
                return self._functions[name](node.members[name])

    def _members(self, node: MapNode) -> Members:
        found = {key: self._value(each) for key, each in node.members.items()}
        return Members({key: v for key, v in found.items() if not isinstance(v, NoValue)}, node.marks)

    def _text(self, node: Node, what: str) -> Text:
        found = self._value(node)
        if not isinstance(found, str | Unknown):
            raise TemplateError(node.mark, f"{what} must be a text")
        return found

    def _known_text(self, node: Node, what: str) -> str:
        found = self._text(node, what)
        if isinstance(found, Unknown):
            raise TemplateError(node.mark, f"{what} must be known beforehand, and {found.of} is known only afterwards")
        return found

    def _list(self, node: Node, what: str) -> "list[Value]":
        found = self._value(node)
        if not isinstance(found, list):
            raise TemplateError(node.mark, f"{what} must be a list")
        return found

    def _spend(self, size: int, mark: Mark) -> None:
        self._produced += size
        if self._produced > MAXIMUM_PRODUCED:
            raise TemplateError(mark, f"the functions of this template come to more than {MAXIMUM_PRODUCED} characters")

    # ── references ───────────────────────────────────────────────────────────────────────────────────

    def _ref(self, node: Node) -> Found:
        return self._named(as_text(node, "Ref"), node.mark)

    def _named(self, name: str, mark: Mark) -> Found:
        if name == NO_VALUE:
            return NoValue.NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        require_named(self.template, name, mark)
        return self._made.ref(name, mark)

    def _get_att(self, node: Node) -> Found:
        logical_id, attribute = attribute_of(node)
        return self._attribute(logical_id, attribute, node.mark)

    def _attribute(self, logical_id: str, attribute: str, mark: Mark) -> Text:
        require_attribute(self.template, logical_id, attribute, mark)
        return self._made.attribute(logical_id, attribute, mark)

    def _import_value(self, node: Node) -> Found:
        made, self._made = self._made, NothingMade("Fn::ImportValue")
        name = self._known_text(node, "the name of an import")
        self._made = made
        if name not in self._imports:
            raise TemplateError(
                node.mark, f"no other stack of the account exports {shown(name)}; {known(name, dict(self._imports))}"
            )
        return self._imports[name]

    def import_names(self) -> Iterator[str]:
        """The names that the template imports, whether or not they are exported yet."""
        for node in _calls(self.template, "Fn::ImportValue"):
            self._made = NothingMade("Fn::ImportValue")
            yield self._known_text(node, "the name of an import")

    def export_names(self) -> Iterator[str]:
        """The names that the template exports."""
        for output in self.template.outputs.values():
            if output.export is not None and (output.condition is None or self.holds(output.condition, output.mark)):
                self._made = NothingMade("the name of an export")
                yield self._known_text(output.export, "the name of an export")

    def offer(self, imports: Mapping[str, Text]) -> None:
        """Exports of other stacks that are known by now."""
        self._imports = {**self._imports, **imports}

    # ── texts ────────────────────────────────────────────────────────────────────────────────────────

    def _sub(self, node: Node) -> Found:
        text, variables = sub_parts(node)
        refuse_dynamic(text, node.mark)
        own = {name: self._text(each, f"the variable {name}") for name, each in variables.items()}
        parts: list[Text] = []
        at, size = 0, 0
        for variable in _VARIABLE.finditer(text):
            parts.append(text[at : variable.start()])
            at = variable.end()
            parts.append(self._variable(variable[1], own, node.mark))
            size += sum(len(part) for part in parts[-2:] if isinstance(part, str))
            self._spend(size, node.mark)
            size = 0
        parts.append(text[at:])
        self._spend(len(text) - at, node.mark)
        return joined(parts)

    def _variable(self, name: str, own: Mapping[str, Text], mark: Mark) -> Text:
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in own:
            return own[name]
        require_variable(self.template, name, mark)
        logical_id, dot, attribute = name.partition(".")
        found = self._attribute(logical_id, attribute, mark) if dot else self._named(name, mark)
        if not isinstance(found, str | Unknown):
            raise TemplateError(mark, f"${{{name}}} in Fn::Sub must be a text")
        return found

    def _join(self, node: Node) -> Found:
        delimiter_node, list_node = _arguments(node, "Fn::Join", "a delimiter and a list", 2)
        delimiter = as_text(delimiter_node, "the delimiter of Fn::Join")
        parts: list[Text] = []
        for each in self._list(list_node, "the second argument of Fn::Join"):
            if not isinstance(each, str | Unknown):
                raise TemplateError(list_node.mark, "Fn::Join joins texts only")
            self._spend(len(delimiter) + (len(each) if isinstance(each, str) else 0), node.mark)
            parts += [delimiter, each] if parts else [each]
        return joined(parts)

    def _split(self, node: Node) -> Found:
        delimiter_node, text_node = _arguments(node, "Fn::Split", "a delimiter and a text", 2)
        delimiter = as_text(delimiter_node, "the delimiter of Fn::Split")
        if not delimiter:
            raise TemplateError(delimiter_node.mark, "the delimiter of Fn::Split may not be empty")
        text = self._known_text(text_node, "the second argument of Fn::Split")
        parts = text.split(delimiter)
        self._spend(len(text) + len(parts), node.mark)
        return [like(part, [text]) for part in parts]

    def _select(self, node: Node) -> Found:
        index_node, list_node = _arguments(node, "Fn::Select", "an index and a list", 2)
        index = _natural(self._known_text(index_node, "the index of Fn::Select"), index_node.mark)
        items = self._list(list_node, "the second argument of Fn::Select")
        if index >= len(items):
            raise TemplateError(
                node.mark, f"Fn::Select asks for item {index} of a list of {len(items)}; the first is 0"
            )
        return items[index]

    def _base64(self, node: Node) -> Found:
        text = self._text(node, "the argument of Fn::Base64")
        if isinstance(text, Unknown):
            return text
        self._spend(len(text) * 2, node.mark)
        return like(base64.b64encode(text.encode("utf-8", "surrogatepass")).decode(), [text])

    def _to_json_string(self, node: Node) -> Found:
        found = self._value(node)
        if not isinstance(found, list | dict):
            raise TemplateError(node.mark, "Fn::ToJsonString takes a mapping or a list")
        return self.json_text(found, node.mark)

    def json_text(self, value: Value, mark: Mark) -> Text:
        """A value as JSON."""
        unknown = next((text for text in texts_in(value) if isinstance(text, Unknown)), None)
        if unknown is not None:
            return Unknown(unknown.of, secret=is_secret(value))
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        self._spend(len(text), mark)
        return like(text, list(texts_in(value)))

    def _find_in_map(self, node: Node) -> Found:
        arguments = as_list(node, "the argument of Fn::FindInMap").items
        if len(arguments) not in (3, 4):
            raise TemplateError(node.mark, "Fn::FindInMap takes the name of a mapping and two keys")
        names = [self._known_text(each, "an argument of Fn::FindInMap") for each in arguments[:3]]
        default = as_map(arguments[3], "the default of Fn::FindInMap") if len(arguments) == 4 else None
        if default is not None and set(default.members) != {"DefaultValue"}:
            raise TemplateError(default.mark, "the fourth argument of Fn::FindInMap is {DefaultValue: …}")
        found: Node | None = None
        if names[0] in self.template.mappings:
            found = self.template.mappings[names[0]].members.get(names[1])
            found = as_map(found, f"{names[0]}.{names[1]}").members.get(names[2]) if found is not None else None
        if found is None and default is not None:
            return self._value(default.members["DefaultValue"])
        if found is None:
            raise TemplateError(node.mark, f"there is no {shown('.'.join(names))} in Mappings")
        for each in found.items if isinstance(found, ListNode) else (found,):
            as_text(each, "a value in Mappings")
        return self._value(found)

    def _cidr(self, node: Node) -> Found:
        block_node, count_node, bits_node = _arguments(node, "Fn::Cidr", "a block, a count and the bits of each", 3)
        count = _natural(self._known_text(count_node, "the count of Fn::Cidr"), count_node.mark)
        bits = _natural(self._known_text(bits_node, "the bits of Fn::Cidr"), bits_node.mark)
        text = self._known_text(block_node, "the block of Fn::Cidr")
        if not 1 <= count <= 256:
            raise TemplateError(count_node.mark, "the count of Fn::Cidr is 1 to 256")
        try:
            block = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise TemplateError(block_node.mark, f"{shown(text)} is no CIDR block") from None
        prefix = block.max_prefixlen - bits
        if not block.prefixlen <= prefix or count > 1 << (prefix - block.prefixlen):
            raise TemplateError(node.mark, f"{count} blocks of {bits} bits do not fit into {text}")
        subnets = block.subnets(new_prefix=prefix)
        return [str(next(subnets)) for _ in range(count)]

    # ── conditions ───────────────────────────────────────────────────────────────────────────────────

    def _if(self, node: Node) -> Found:
        name, then, otherwise = _arguments(node, "Fn::If", "the name of a condition and two values", 3)
        return self._value(then if self.holds(as_text(name, "the condition of Fn::If"), name.mark) else otherwise)

    def holds(self, name: str, mark: Mark) -> bool:
        """Whether a condition of the template holds.

        Raises:
            TemplateError: there is none of that name, or it rests on itself.
        """
        if name in self._decided:
            return self._decided[name]
        if name not in self.template.conditions:
            raise TemplateError(mark, f"there is no condition {shown(name)}; {known(name, self.template.conditions)}")
        if name in self._deciding:
            raise TemplateError(mark, f"the condition {name} rests on itself: {' → '.join([*self._deciding, name])}")
        self._deciding.append(name)
        made, self._made = self._made, NothingMade("a condition")
        self._decided[name] = self._holds(self.template.conditions[name])
        self._made = made
        self._deciding.pop()
        return self._decided[name]

    def _holds(self, node: Node) -> bool:
        self._depth += 1
        if self._depth > MAXIMUM_CONDITIONS:
            raise TemplateError(node.mark, f"conditions rest on one another more than {MAXIMUM_CONDITIONS} levels deep")
        held = self._judged(node)
        self._depth -= 1
        return held

    def _judged(self, node: Node) -> bool:
        call = as_map(node, "a condition")
        name = next(iter(call.members), "")
        if len(call.members) != 1 or name not in _CONDITIONS:
            raise TemplateError(node.mark, f"a condition is one of {', '.join(_CONDITIONS)}")
        argument = call.members[name]
        if name == "Condition":
            return self.holds(as_text(argument, "Condition"), argument.mark)
        arguments = as_list(argument, f"the argument of {name}").items
        if name == "Fn::Equals":
            left, right = _arguments(argument, name, "two values", 2)
            return bool(self._value(left) == self._value(right))
        if name == "Fn::Not":
            (only,) = _arguments(argument, name, "one condition", 1)
            return not self._holds(only)
        if not 2 <= len(arguments) <= 10:
            raise TemplateError(argument.mark, f"{name} takes 2 to 10 conditions")
        each = [self._holds(one) for one in arguments]
        return all(each) if name == "Fn::And" else any(each)

    # ── what depends on what ─────────────────────────────────────────────────────────────────────────

    def needed(self, node: Node) -> Iterator[tuple[str, Mark]]:
        """The resources that a node refers to, in the branches that are taken."""
        match node:
            case ListNode():
                for each in node.items:
                    yield from self.needed(each)
            case MapNode() if call_of(node) == "Fn::If":
                asked, then, otherwise = _arguments(node.members["Fn::If"], "Fn::If", "a condition and two values", 3)
                holds = self.holds(as_text(asked, "the condition of Fn::If"), asked.mark)
                yield from self.needed(then if holds else otherwise)
            case MapNode():
                for name, mark in references(node):
                    if name in self.template.resources:
                        yield name, mark
                for each in node.members.values():
                    yield from self.needed(each)


# ── reading calls ────────────────────────────────────────────────────────────────────────────────────


def call_of(node: MapNode) -> str | None:
    """The function that a mapping calls; None for a mapping that is one.

    Raises:
        TemplateError: a function stands beside something else.
    """
    name = next((key for key in node.members if key == "Ref" or key.startswith("Fn::")), None)
    if name is None:
        return None
    if len(node.members) != 1:
        raise TemplateError(node.marks[name], f"{name} must stand alone in its mapping")
    return name


def references(node: MapNode) -> Iterator[tuple[str, Mark]]:
    """The names that a call itself refers to: parameters, pseudo parameters and resources."""
    name = call_of(node)
    if name is None:
        return
    argument = node.members[name]
    if name == "Ref":
        yield as_text(argument, "Ref"), argument.mark
    elif name == "Fn::GetAtt":
        yield attribute_of(argument)[0], argument.mark
    elif name == "Fn::Sub":
        text, own = sub_parts(argument)
        for variable in _VARIABLE.finditer(text):
            if variable[1] not in own and not variable[1].startswith("!"):
                yield variable[1].partition(".")[0], argument.mark


def require_references(template: Template, pseudo: Mapping[str, str]) -> None:
    """Everything that the template refers to is there, in branches that are not taken too.

    Raises:
        TemplateError: something is not.
    """
    names = {*pseudo, *template.parameters, *template.resources, NO_VALUE}
    for node in _maps(template):
        call = call_of(node)
        for name, mark in references(node):
            if name not in names:
                (require_variable if call == "Fn::Sub" else require_named)(template, name, mark)
        if call == "Fn::GetAtt":
            require_attribute(template, *attribute_of(node.members[call]), node.members[call].mark)
        if call == "Fn::If":
            asked = _arguments(node.members[call], call, "the name of a condition and two values", 3)[0]
            name = as_text(asked, "the condition of Fn::If")
            if name not in template.conditions:
                raise TemplateError(
                    asked.mark, f"there is no condition {shown(name)}; {known(name, template.conditions)}"
                )


def require_named(template: Template, name: str, mark: Mark) -> None:
    """Raises TemplateError: there is neither a parameter nor a resource of that name."""
    if name not in template.resources and name not in template.parameters:
        raise TemplateError(
            mark,
            f"there is no parameter or resource {shown(name)}; "
            f"{known(name, (*template.parameters, *template.resources))}",
        )


def require_variable(template: Template, name: str, mark: Mark) -> None:
    """Raises TemplateError: `${name}` in a Fn::Sub names nothing; policy variables are the usual reason."""
    first = name.partition(".")[0]
    if ":" in name and not name.startswith("AWS::"):
        raise TemplateError(
            mark, f"${{{name}}} in Fn::Sub is read as a reference; write ${{!{name}}} for a variable of a policy"
        )
    if not name.startswith("AWS::"):
        require_named(template, first, mark)
    elif "." in name:
        raise TemplateError(mark, f"a pseudo parameter has no attributes: {shown(name)}")


def require_attribute(template: Template, logical_id: str, attribute: str, mark: Mark) -> None:
    """Raises TemplateError: there is no such resource, or it has no such attribute."""
    resource = template.resources.get(logical_id)
    if resource is None:
        raise TemplateError(
            mark, f"there is no resource {shown(logical_id)}; {known(logical_id, tuple(template.resources))}"
        )
    if attribute not in resource.type.attributes:
        raise TemplateError(
            mark,
            f"{resource.type.name} has no attribute {shown(attribute)}; {known(attribute, resource.type.attributes)}",
        )


def attribute_of(node: Node) -> tuple[str, str]:
    """The two parts of the argument of Fn::GetAtt.

    Raises:
        TemplateError: it has others.
    """
    if isinstance(node, TextNode):
        logical_id, dot, attribute = node.text.partition(".")
        if dot:
            return logical_id, attribute
    elif isinstance(node, ListNode) and len(node.items) == 2:
        return as_text(node.items[0], "a name in Fn::GetAtt"), as_text(node.items[1], "an attribute in Fn::GetAtt")
    raise TemplateError(node.mark, "Fn::GetAtt takes `Resource.Attribute`, or a list of the two")


def sub_parts(node: Node) -> tuple[str, Mapping[str, Node]]:
    """The text of a Fn::Sub, and its own variables.

    Raises:
        TemplateError: it has other parts.
    """
    if isinstance(node, TextNode):
        return node.text, {}
    text, variables = _arguments(node, "Fn::Sub", "a text, or a text and a mapping", 2)
    return as_text(text, "the text of Fn::Sub"), as_map(variables, "the variables of Fn::Sub").members


def _arguments(node: Node, name: str, what: str, count: int) -> tuple[Node, ...]:
    if not isinstance(node, ListNode) or len(node.items) != count:
        got = f"a list of {len(node.items)}" if isinstance(node, ListNode) else noun(node)
        raise TemplateError(node.mark, f"{name} takes {what}, and has {got}")
    return node.items


def _natural(text: str, mark: Mark) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise TemplateError(mark, f"{shown(text)} is no whole number")
    return int(text)


def _maps(template: Template) -> Iterator[MapNode]:
    """Every mapping in which functions may stand."""
    waiting: list[Node] = [resource.properties for resource in template.resources.values()]
    for output in template.outputs.values():
        waiting += [output.value] if output.export is None else [output.value, output.export]
    waiting += template.conditions.values()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ListNode):
            waiting += node.items
        elif isinstance(node, MapNode):
            yield node
            waiting += node.members.values()


def _calls(template: Template, name: str) -> Iterator[Node]:
    for node in _maps(template):
        if name in node.members and call_of(node) == name:
            yield node.members[name]

"""One operation's reader and writers, compiled once from its shapes and its action's dataclasses.

Reading is one walk that parses, checks and binds. It collects every violation before it refuses, and builds a
dataclass only when there is none. Without classes the same walk reads plain dicts by the model's own names.

Raises, while compiling: `TypeError` when a dataclass differs from the model. While reading: `MalformedInput`,
`ConstraintViolated`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, TypeVar

from tabard.wire.bind import Member, element_type, members_of
from tabard.wire.json_answers import compile_json
from tabard.wire.model import OperationModel, Shape
from tabard.wire.query import READERS, MalformedInput, Tree, in_order, is_scalar, tree_of
from tabard.wire.validate import NOT_NULL, compile_check, refusal, shown, violation
from tabard.wire.xml import compile_xml

Req = TypeVar("Req")
Resp = TypeVar("Resp")

Read = Callable[[Any, str, list[str]], Any]
"""Read what the tree holds for one member, a text or a branch, at a path; broken rules go to the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A member of a structure: where it stands in the tree and how it is read.

    `key` ends in a dot where the member has parts. `empty` is the key under which SDKs send an empty list (`X=`),
    `null` how the absence of a required member is told.
    """

    field: str
    key: str
    empty: str | None
    null: tuple[str, str | None] | None
    read: Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec(Generic[Req, Resp]):
    """How one operation is read and answered."""

    decode: Callable[[Mapping[str, str]], Req]
    encode_xml: Callable[[Resp, str], bytes]
    encode_json: Callable[[Resp, str], bytes]


def compile_operation(
    operation: OperationModel, request: type[Req] | None = None, response: type[Resp] | None = None
) -> Codec[Req, Resp]:
    """The codec of one operation; without classes, one that reads and writes plain dicts.

    Raises:
        TypeError: a class and the model differ.
    """
    if request is not None and (operation.output is None) is not (response is None):
        raise TypeError(f"{operation.name} has {'no' if operation.output is None else 'an'} output")
    return Codec(
        decode=_decoder(operation, request),
        encode_xml=compile_xml(operation, response),
        encode_json=compile_json(operation, response),
    )


def _decoder(operation: OperationModel, request: type[Any] | None) -> Callable[[Mapping[str, str]], Any]:
    shape = operation.input or Shape(name=f"{operation.name}Request", kind="structure")
    read = _Reading(prints_values=operation.prints_values).structure(shape, request)

    def decode(form: Mapping[str, str]) -> Any:
        violations: list[str] = []
        made = read(tree_of(form), "", violations)
        if violations:
            raise refusal(violations)
        return made

    return decode


@dataclass(frozen=True, slots=True)
class _Reading:
    """Compiles readers for one service."""

    prints_values: bool

    def structure(self, shape: Shape, owner: Any) -> Read:
        """A branch as a structure; `at` is the path with its dot."""
        parts: dict[str, tuple[str, Read, tuple[str, str | None] | None]] = {}
        for part in [self._part(member) for member in members_of(shape, owner)]:
            if part.empty is not None:
                parts[part.empty] = part.field, _no_elements, None
            parts[part.key] = part.field, part.read, part.null
        keys = tuple(parts)
        required = frozenset(key for key, (_, _, null) in parts.items() if null is not None)
        build = dict if owner is None else owner

        def read_structure(tree: Tree, at: str, violations: list[str]) -> Any:
            values: dict[str, Any] = {}
            # All keys only where one may be missing; violations are told in the model's order either way.
            for key in [key for key in keys if key in tree] if required <= tree.keys() else keys:
                field, read, null = parts[key]
                found = tree.get(key)
                if found is not None:
                    values[field] = read(found, at, violations)
                elif null is not None and field not in values:
                    violations.append(violation(f"{at}{null[0]}", NOT_NULL, null[1]))
            return values if violations else build(**values)

        return read_structure

    def _part(self, member: Member) -> Part:
        shape = member.shape
        scalar = is_scalar(shape)
        return Part(
            field=member.field,
            key=member.name if scalar else f"{member.name}.",
            empty=member.name if shape.kind == "list" else None,
            null=self._null(member),
            read=self._scalar(member) if scalar else self._branch(member),
        )

    def _null(self, member: Member) -> tuple[str, str | None] | None:
        """How the absence of a required member is told."""
        if not member.required:
            return None
        hidden = member.shape.sensitive or not self.prints_values
        return _lower_camel(member.name), None if hidden else "null"

    def _branch(self, member: Member) -> Read:
        if member.shape.kind == "structure":
            return self._nested(member)
        if member.shape.member is not None:
            return self._list(member, member.shape.member)
        if member.shape.key is not None and member.shape.value is not None:
            return self._map(member, member.shape.key, member.shape.value)
        raise TypeError(f"{member.shape.name} is a {member.shape.kind} without parts")

    def _told(self, member: Member) -> Callable[[Any, Sequence[str], str, list[str]], None]:
        """How broken rules are told, with the value where it may be shown."""
        label, inner = _lower_camel(member.name), member.shape.member
        hidden = not self.prints_values or member.shape.sensitive or (inner is not None and inner.sensitive)

        def tell(value: Any, rules: Sequence[str], at: str, violations: list[str]) -> None:
            told = None if hidden else shown(value)
            violations.extend([violation(f"{at}{label}", rule, told) for rule in rules])

        return tell

    def _scalar(self, member: Member) -> Read:
        convert, check, tell = READERS.get(member.shape.kind), compile_check(member.shape), self._told(member)

        def read_scalar(text: str, at: str, violations: list[str]) -> Any:
            value = text if convert is None else convert(text)
            if check is not None and (rules := check(value)):
                tell(value, rules, at, violations)
            return value

        return read_scalar

    def _nested(self, member: Member) -> Read:
        label, read = f"{_lower_camel(member.name)}.", self.structure(member.shape, member.type)
        return lambda node, at, violations: read(node, f"{at}{label}", violations)

    def _list(self, member: Member, inner: Shape) -> Read:
        label, check, tell = _lower_camel(member.name), compile_check(member.shape), self._told(member)
        read = self._element(inner, element_type(member.type))
        suffix = "" if is_scalar(inner) else "."

        def read_list(node: Tree, at: str, violations: list[str]) -> Any:
            elements = in_order(node.get("member.", {}), suffix)
            values = tuple(
                [read(element, f"{at}{label}.{n}.member.", violations) for n, element in enumerate(elements, 1)]
            )
            if check is not None and (rules := check(values)):
                tell(values, rules, at, violations)
            return values

        return read_list

    def _element(self, inner: Shape, annotation: Any) -> Read:
        """An element of a list. A scalar's rules are the list's to tell."""
        if not is_scalar(inner):
            return self.structure(inner, annotation)
        convert = READERS.get(inner.kind)
        return lambda text, _at, _violations: text if convert is None else convert(text)

    def _map(self, member: Member, key: Shape, value: Shape) -> Read:
        label, check, tell = _lower_camel(member.name), compile_check(member.shape), self._told(member)
        key_part = self._part(_entry_member("key", key, None))
        value_part = self._part(_entry_member("value", value, element_type(member.type, of=1)))

        def read_map(node: Tree, at: str, violations: list[str]) -> Any:
            values: dict[Any, Any] = {}
            for n, entry in enumerate(in_order(node.get("entry.", {}), "."), 1):
                path = f"{at}{label}.{n}."
                key, value = (
                    _of_entry(key_part, entry, path, violations),
                    _of_entry(value_part, entry, path, violations),
                )
                values.setdefault(key, value)
            if check is not None and (rules := check(values)):
                tell(values, rules, at, violations)
            return values

        return read_map


def _no_elements(_text: str, _at: str, _violations: list[str]) -> tuple[()]:
    """An empty list."""
    return ()


def _of_entry(part: Part, entry: Tree, at: str, violations: list[str]) -> Any:
    found = entry.get(part.key)
    if found is not None:
        return part.read(found, at, violations)
    if part.empty is not None and part.empty in entry:
        return ()
    raise MalformedInput(reason="value.entry")


def _entry_member(name: str, shape: Shape, annotation: Any) -> Member:
    """A map's key or value, as a member of its entry."""
    return Member(name=name, field=name, shape=shape, type=annotation, required=True, get=itemgetter(name))


def _lower_camel(name: str) -> str:
    """AWS lowers the first letter and no other: `clientIDList`, `sAMLAssertion`."""
    return name[:1].lower() + name[1:]

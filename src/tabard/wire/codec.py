"""One operation's reader and writers, compiled once from its shapes and its action's dataclasses.

Reading is one walk that parses, checks and binds. It collects every violation before it refuses, and builds a
dataclass only when there is none. Without classes the same walk reads plain dicts by the model's own names.

Raises, while compiling: `TypeError` when a dataclass differs from the model. While reading: `MalformedInput`,
`ConstraintViolated`.
"""

from collections.abc import Callable, Mapping
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

Take = Callable[[Tree, str, list[str]], Any]
"""Take one member out of the tree at a path; None where it is absent; broken rules go to the list."""


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

    def structure(self, shape: Shape, owner: Any) -> Take:
        """The tree itself as a structure; `at` is the path with its dot."""
        parts = tuple((member.field, self._null(member), self._member(member)) for member in members_of(shape, owner))
        build = dict if owner is None else owner

        def take(tree: Tree, at: str, violations: list[str]) -> Any:
            values: dict[str, Any] = {}
            for field, null, take_member in parts:
                value = take_member(tree, at, violations)
                if value is not None:
                    values[field] = value
                elif null is not None:
                    violations.append(violation(f"{at}{null[0]}", NOT_NULL, null[1]))
            return values if violations else build(**values)

        return take

    def _null(self, member: Member) -> tuple[str, str | None] | None:
        """How the absence of a required member is told."""
        if not member.required:
            return None
        hidden = member.shape.sensitive or not self.prints_values
        return _lower_camel(member.name), None if hidden else "null"

    def _member(self, member: Member) -> Take:
        if is_scalar(member.shape):
            return self._scalar(member)
        if member.shape.kind == "structure":
            return self._nested(member)
        if member.shape.member is not None:
            return self._list(member, member.shape.member)
        if member.shape.key is not None and member.shape.value is not None:
            return self._map(member, member.shape.key, member.shape.value)
        raise TypeError(f"{member.shape.name} is a {member.shape.kind} without parts")

    def _checked(self, member: Member) -> Callable[[Any, str, list[str]], None] | None:
        check, label = compile_check(member.shape), _lower_camel(member.name)
        if check is None:
            return None
        inner = member.shape.member
        hidden = not self.prints_values or member.shape.sensitive or (inner is not None and inner.sensitive)

        def require(value: Any, at: str, violations: list[str]) -> None:
            if rules := check(value):
                told = None if hidden else shown(value)
                violations.extend([violation(f"{at}{label}", rule, told) for rule in rules])

        return require

    def _scalar(self, member: Member) -> Take:
        name, read, require = member.name, READERS.get(member.shape.kind), self._checked(member)

        def take(tree: Tree, at: str, violations: list[str]) -> Any:
            text = tree.get(name)
            if text is None:
                return None
            value = text if read is None else read(text)
            if require is not None:
                require(value, at, violations)
            return value

        return take

    def _nested(self, member: Member) -> Take:
        branch, label = f"{member.name}.", f"{_lower_camel(member.name)}."
        read = self.structure(member.shape, member.type)

        def take(tree: Tree, at: str, violations: list[str]) -> Any:
            node = tree.get(branch)
            return None if node is None else read(node, f"{at}{label}", violations)

        return take

    def _list(self, member: Member, inner: Shape) -> Take:
        name, branch, label = member.name, f"{member.name}.", _lower_camel(member.name)
        require = self._checked(member)
        read = self._element(inner, element_type(member.type))
        suffix = "" if is_scalar(inner) else "."

        def take(tree: Tree, at: str, violations: list[str]) -> Any:
            node = tree.get(branch)
            if node is None:
                # `X=` is how SDKs send an empty list.
                return None if name not in tree else ()
            elements = in_order(node.get("member.", {}), suffix)
            values = tuple(
                [read(element, f"{at}{label}.{n}.member.", violations) for n, element in enumerate(elements, 1)]
            )
            if require is not None:
                require(values, at, violations)
            return values

        return take

    def _element(self, inner: Shape, annotation: Any) -> Callable[[Any, str, list[str]], Any]:
        """An element of a list. A scalar's rules are the list's to tell."""
        if not is_scalar(inner):
            return self.structure(inner, annotation)
        read = READERS.get(inner.kind)
        return lambda text, _at, _violations: text if read is None else read(text)

    def _map(self, member: Member, key: Shape, value: Shape) -> Take:
        branch, label, require = f"{member.name}.", _lower_camel(member.name), self._checked(member)
        take_key = self._member(_part("key", key, None))
        take_value = self._member(_part("value", value, element_type(member.type, of=1)))

        def take(tree: Tree, at: str, violations: list[str]) -> Any:
            node = tree.get(branch)
            if node is None:
                return None
            values: dict[Any, Any] = {}
            for n, entry in enumerate(in_order(node.get("entry.", {}), "."), 1):
                path = f"{at}{label}.{n}."
                key, value = take_key(entry, path, violations), take_value(entry, path, violations)
                if key is None or value is None:
                    raise MalformedInput(reason="value.entry")
                values.setdefault(key, value)
            if require is not None:
                require(values, at, violations)
            return values

        return take


def _part(name: str, shape: Shape, annotation: Any) -> Member:
    """A map's key or value, as a member of its entry."""
    return Member(name=name, field=name, shape=shape, type=annotation, required=True, get=itemgetter(name))


def _lower_camel(name: str) -> str:
    """AWS lowers the first letter and no other: `clientIDList`, `sAMLAssertion`."""
    return name[:1].lower() + name[1:]

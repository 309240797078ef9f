"""AWS's JSON protocol, version 1.1: the operation in the header `X-Amz-Target`, its input and output as JSON bodies.

(Smithy `aws.protocols#awsJson1_1`.) A body is read once and strictly: UTF-8, no key twice, no half surrogate pair, no
`NaN`, everything bounded before it is used. Members that the operation does not know are ignored and `null` is as good
as absent, as AWS does; a value of the wrong type is refused and never turned into the right one.

Reading is one walk that checks and binds, as in `codec`: it collects every violation before it refuses.

Raises, while compiling: `TypeError` when a dataclass differs from the model. While reading: `UnreadableBody`,
`UnknownTarget`, `ConstraintViolated`.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NoReturn, TypeVar

from tabard.faults import Malformed
from tabard.wire.bind import element_type, members_of
from tabard.wire.codec import Codec
from tabard.wire.json_answers import compile_value
from tabard.wire.model import TARGETS, Kind, OperationModel, Shape, service_model
from tabard.wire.validate import NOT_NULL, compile_check, refusal, violation

CONTENT_TYPE: Final = "application/x-amz-json-1.1"
MAXIMUM_BODY: Final = 262_144
"""Bytes of a body. The largest policy of an organisation with every character escaped is an eighth of it."""
MAXIMUM_DEPTH: Final = 12
"""Arrays and objects in one another; the deepest input of the models has four."""
MAXIMUM_DIGITS: Final = 19
_MAXIMUM_ECHO: Final = 256

_STRUCTURE: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|[\[\]{}]', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

Req = TypeVar("Req")
Resp = TypeVar("Resp")
Read = Callable[[Any, str, list[str]], Any]
"""Read a JSON value at a path; broken rules go to the list."""


class UnreadableBody(Malformed):
    """The body is no JSON, or not of the types that the operation takes (AWS: `SerializationException`)."""

    reason = "json"


class UnknownTarget(Malformed):
    """`X-Amz-Target` names no operation (AWS: `UnknownOperationException`)."""

    reason = "operation.unknown"


def find_target(target: str) -> OperationModel:
    """The operation that an `X-Amz-Target` names.

    Raises:
        UnknownTarget: none does.
    """
    prefix, _, name = target.partition(".")
    service = TARGETS.get(prefix)
    operation = service_model(service).operations.get(name) if service else None
    if operation is None:
        raise UnknownTarget(f"Could not find operation {target[:_MAXIMUM_ECHO]}")
    return operation


def compile_json_operation(
    operation: OperationModel, request: type[Req] | None = None, response: type[Resp] | None = None
) -> Codec[Req, Resp]:
    """The codec of one operation; without classes, one that reads and writes plain dicts.

    Raises:
        TypeError: a class and the model differ.
    """
    if request is not None and (operation.output is None) is not (response is None):
        raise TypeError(f"{operation.name} has {'no' if operation.output is None else 'an'} output")
    encode = _encoder(operation, response)  # the one form that answers have here
    return Codec(decode=_decoder(operation, request), encode_xml=encode, encode_json=encode)


def render_error(*, code: str, message: str | None, more: Mapping[str, str]) -> bytes:
    """The body of a refusal. `more` are the members that the model's exception has beside its message."""
    return _dump({"__type": code} | ({} if message is None else {"Message": message}) | dict(more))


def parse_body(raw: bytes) -> dict[str, Any]:
    """The members of a body; an empty one has none.

    Raises:
        UnreadableBody: it is no strict JSON object.
    """
    if not raw:
        return {}
    if len(raw) > MAXIMUM_BODY:
        raise UnreadableBody("The request is too large.", reason="json.size")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise UnreadableBody("The request is not valid UTF-8.", reason="json.encoding") from None
    if text.count("{") + text.count("[") > MAXIMUM_DEPTH and _depth(text) > MAXIMUM_DEPTH:
        raise UnreadableBody("The request is nested too deeply.", reason="json.depth")
    try:
        value = _DECODER.decode(text)
    except ValueError:
        raise UnreadableBody("The request is not valid JSON.", reason="json.syntax") from None
    if "\\" in text:
        _require_whole_characters(value)
    if not isinstance(value, dict):
        raise UnreadableBody("The request is not a JSON object.", reason="json.type")
    return value


# ── strict JSON ──────────────────────────────────────────────────────────────────────────────────────


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _STRUCTURE.finditer(text):
        if match[0] in ("[", "{"):
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in ("]", "}"):
            depth -= 1
    return deepest


def _require_whole_characters(value: Any) -> None:
    match value:
        case str():
            if _SURROGATE.search(value):
                raise UnreadableBody("The request has half a surrogate pair.", reason="json.character")
        case list():
            for item in value:
                _require_whole_characters(item)
        case dict():
            for key, item in value.items():
                _require_whole_characters(key)
                _require_whole_characters(item)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableBody("The request has a member twice.", reason="json.duplicate")
    return members


def _integer(text: str) -> int:
    if len(text) > MAXIMUM_DIGITS:
        raise UnreadableBody("The request has a number that is too long.", reason="json.number")
    return int(text)


def _fraction(_: str) -> NoReturn:
    raise UnreadableBody("The request has a number that is no integer.", reason="json.number")


def _constant(_: str) -> NoReturn:
    raise UnreadableBody("The request is not valid JSON.", reason="json.constant")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────


def _decoder(operation: OperationModel, request: type[Any] | None) -> Callable[[Any], Any]:
    shape = operation.input or Shape(name=f"{operation.name}Request", kind="structure")
    read = _structure(shape, request)

    def decode(body: bytes) -> Any:
        violations: list[str] = []
        made = read(parse_body(body), "", violations)
        if violations:
            raise refusal(violations)
        return made

    return decode


def _structure(shape: Shape, owner: Any) -> Read:
    """An object as a structure; `at` is the path with its dot."""
    parts = tuple(
        (member.field, member.name, member.required, _lower(member.name), _reader(member.shape, member.type))
        for member in members_of(shape, owner)
    )
    build = dict if owner is None else owner

    def read_structure(value: Any, at: str, violations: list[str]) -> Any:
        members = _of_type(value, dict, "Structure")
        values: dict[str, Any] = {}
        for field, name, required, label, read in parts:
            found = members.get(name)
            if found is not None:
                values[field] = read(found, f"{at}{label}", violations)
            elif required:
                violations.append(violation(f"{at}{label}", NOT_NULL, None))
        return values if violations else build(**values)

    return read_structure


def _reader(shape: Shape, annotation: Any) -> Read:
    if shape.kind == "structure":
        read = _structure(shape, annotation)
        return lambda value, at, violations: read(value, f"{at}.", violations)
    if shape.kind == "list" and shape.member is not None:
        return _list(shape, shape.member, annotation)
    return _scalar(shape)


def _list(shape: Shape, inner: Shape, annotation: Any) -> Read:
    check = compile_check(shape)
    # The rules of scalars are the list's to tell (`compile_check`); their types are not.
    told = inner.kind == "structure"
    read = _reader(inner, element_type(annotation)) if told else _typed(inner)

    def read_list(value: Any, at: str, violations: list[str]) -> Any:
        elements = _of_type(value, list, "List")
        values = tuple([read(element, f"{at}.{n}.member", violations) for n, element in enumerate(elements, 1)])
        if check is not None:
            violations.extend(violation(at, rule, None) for rule in check(values))
        return values

    return read_list


def _scalar(shape: Shape) -> Read:
    read, check = _typed(shape), compile_check(shape)

    def read_scalar(value: Any, at: str, violations: list[str]) -> Any:
        found = read(value, at, violations)
        if check is not None:
            violations.extend(violation(at, rule, None) for rule in check(found))
        return found

    return read_scalar


def _typed(shape: Shape) -> Read:
    """A scalar of its type, and of no other that JSON has.

    Raises:
        TypeError: none of the operations that are here takes a shape of this kind.
    """
    if shape.kind == "timestamp":
        return lambda value, _at, _violations: _instant(_of_type(value, int, "Timestamp"))
    if shape.kind not in _TYPES:
        raise TypeError(f"{shape.name} is a {shape.kind}, which no input in JSON has been yet")
    wanted, name = _TYPES[shape.kind]
    return lambda value, _at, _violations: _of_type(value, wanted, name)


_TYPES: Final[dict[Kind, tuple[type, str]]] = {
    "string": (str, "String"),
    "integer": (int, "Integer"),
    "boolean": (bool, "Boolean"),
}


def _of_type(value: Any, wanted: type, name: str) -> Any:
    # NOTE: by its very type; in Python, `True` is an integer as well.
    if type(value) is wanted:
        return value
    found = {str: "STRING_VALUE", int: "NUMBER_VALUE", bool: "BOOLEAN_VALUE", list: "START_ARRAY"}
    shown = found.get(type(value), "START_OBJECT" if isinstance(value, dict) else "NULL_VALUE")
    raise UnreadableBody(f"{shown} can not be converted to {name}", reason="json.type")


def _instant(seconds: int) -> datetime:
    """Seconds since 1970; AWS takes fractions of them too."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise UnreadableBody("The request has a timestamp out of range.", reason="json.timestamp") from None


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────


def _encoder(operation: OperationModel, response: type[Any] | None) -> Callable[[Any, str], bytes]:
    if operation.output is None:
        return lambda _value, _request_id: b""
    convert = compile_value(operation.output, response)
    return lambda value, _request_id: _dump(convert(value))


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()

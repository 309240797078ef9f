"""Every operation of all services, against botocore's own serializer and parser."""

import itertools
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import OperationModel as TheirOperation
from botocore.model import ServiceModel as TheirService
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from tabard.actions.organizations import ACTIONS
from tabard.wire.bind import field_name
from tabard.wire.codec import compile_operation
from tabard.wire.json_protocol import CONTENT_TYPE, compile_json_operation, find_target
from tabard.wire.model import OperationModel, Shape, service_model
from tabard.wire.patterns import compile_pattern
from tabard.wire.query import find_operation, parse_form

THEIRS = {
    name: TheirService(Loader().load_service_model(name, "service-2", version), name)
    for name, version in (("sts", "2011-06-15"), ("iam", "2010-05-08"), ("organizations", "2016-11-28"))
}
OPERATIONS = [
    pytest.param(operation, THEIRS[service].operation_model(operation.name), id=operation.name)
    for service in ("sts", "iam")
    for operation in service_model(service).operations.values()  # type: ignore[arg-type]
]
IN_JSON = [
    pytest.param(operation, THEIRS["organizations"].operation_model(operation.name), id=operation.name)
    for operation in service_model("organizations").operations.values()
    if operation.name in {action.name for action in ACTIONS}
]
INSTANT = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)
HOSTILE = "é <&>\"'+%25=;\n ]]> 名"
ARNS = (
    *("organization/o-aaaaaaaaaa", "root/o-aaaaaaaaaa/r-aaaa", "ou/o-aaaaaaaaaa/ou-aaaa-aaaaaaaa"),
    "account/o-aaaaaaaaaa/123456789012",
)
TEXTS = (
    *("/", "/a b/", "/a/", "v1", "o-aaaaaaaaaa", "p-aaaaaaaa", "o-aaaaaaaaaa/r-aaaa", "123456789012"),
    *("http://a", "https://example.org/x"),
    *(
        "r-aaaa",
        "a@b.org",
        "ou-aaaa-aaaaaaaa",
        "o-aaaaaaaaaa/r-aaaa/",
        "arn:aws:organizations::aws:policy/a/p-aaaaaaaaaa",
    ),
    *(f"arn:aws:organizations::123456789012:{kind}" for kind in ARNS),
)


def text(shape: Shape) -> str:
    """The most awkward text that the shape's rules let through."""
    if shape.enum:
        return min(shape.enum)
    low = max(shape.min or 1, 1)
    high = shape.max or 10**9
    stretched = ((HOSTILE, " +%&é", "+/=", "aZ", "12") if shape.pattern else (HOSTILE,)) + ("a",)
    for candidate in itertools.chain((unit * (low // len(unit) + 1) for unit in stretched), TEXTS):
        fitting = candidate[: max(low, min(high, len(candidate)))]
        matches = shape.pattern is None or compile_pattern(shape.pattern).fullmatch(fitting)
        if low <= len(fitting) <= high and matches:
            return fitting
    raise AssertionError(f"no text for {shape}")


def value(shape: Shape, *, sizes: int) -> Any:
    """A value with every member, and `sizes` elements in each list where the shape allows it."""
    match shape.kind:
        case "structure":
            return {name: value(member, sizes=sizes) for name, member in shape.members.items()}
        case "list":
            assert shape.member is not None
            count = max(shape.min or 0, min(shape.max or sizes, sizes))
            return [value(shape.member, sizes=sizes) for _ in range(count)]
        case "map":
            assert shape.key is not None
            assert shape.value is not None
            return {text(shape.key): value(shape.value, sizes=sizes)}
        case "integer":
            return shape.min if shape.min is not None else 7
        case "boolean":
            return sizes % 2 == 0
        case "blob":
            return b"\x00\xffblob"
        case "timestamp":
            return INSTANT
    return text(shape)


def untupled(read: Any) -> Any:
    if isinstance(read, tuple):
        return [untupled(element) for element in read]
    if isinstance(read, dict):
        return {key: untupled(element) for key, element in read.items()}
    return read


def as_answered(shape: Shape, given: Any) -> Any:
    """What a client reads of `given`: policy documents arrive percent-encoded."""
    if shape.kind == "structure":
        return {name: as_answered(shape.members[name], part) for name, part in given.items()}
    if shape.member is not None:
        return [as_answered(shape.member, part) for part in given]
    if shape.value is not None:
        return {key: as_answered(shape.value, part) for key, part in given.items()}
    return quote(given, safe="") if shape.percent_encoded else given


@pytest.mark.parametrize("sizes", [0, 1, 3, 12])
@pytest.mark.parametrize(("ours", "theirs"), OPERATIONS)
def test_what_botocore_writes_is_what_we_read(ours: OperationModel, theirs: TheirOperation, sizes: int) -> None:
    given = value(ours.input, sizes=sizes) if ours.input else {}
    request = create_serializer("query", include_validation=False).serialize_to_request(given, theirs)
    form = parse_form(urlencode(request["body"]).encode())
    assert find_operation(form) is ours
    assert untupled(compile_operation(ours).decode(form)) == given


@pytest.mark.parametrize("sizes", [0, 1, 3])
@pytest.mark.parametrize(("ours", "theirs"), OPERATIONS)
def test_what_we_write_is_what_botocore_reads(ours: OperationModel, theirs: TheirOperation, sizes: int) -> None:
    given = value(ours.output, sizes=sizes) if ours.output else {}
    body = compile_operation(ours).encode_xml(given, "request-1")
    read = create_parser("query").parse({"body": body, "headers": {}, "status_code": 200}, theirs.output_shape)
    assert read.pop("ResponseMetadata")["RequestId"] == "request-1"
    assert read == (as_answered(ours.output, given) if ours.output else {})


@pytest.mark.parametrize("sizes", [0, 1, 3])
@pytest.mark.parametrize(("ours", "theirs"), IN_JSON)
def test_what_botocore_writes_in_json_is_what_we_read(ours: OperationModel, theirs: TheirOperation, sizes: int) -> None:
    given = value(ours.input, sizes=sizes) if ours.input else {}
    request = create_serializer("json", include_validation=False).serialize_to_request(given, theirs)
    assert find_target(request["headers"]["X-Amz-Target"]) is ours
    assert request["headers"]["Content-Type"] == CONTENT_TYPE
    assert untupled(compile_json_operation(ours).decode(request["body"])) == given


@pytest.mark.parametrize("sizes", [0, 1, 3])
@pytest.mark.parametrize(("ours", "theirs"), IN_JSON)
def test_what_we_write_in_json_is_what_botocore_reads(ours: OperationModel, theirs: TheirOperation, sizes: int) -> None:
    given = value(ours.output, sizes=sizes) if ours.output else {}
    body = compile_json_operation(ours).encode_json(given, "request-1")
    read = create_parser("json").parse({"body": body, "headers": {}, "status_code": 200}, theirs.output_shape)
    read.pop("ResponseMetadata")
    assert read == given


@pytest.mark.parametrize(("ours", "theirs"), [*OPERATIONS, *IN_JSON])
def test_whether_an_operation_is_signed_is_what_botocore_says(ours: OperationModel, theirs: TheirOperation) -> None:
    assert ours.signed is (theirs.auth_type != "none")


def test_fields_are_named_as_botocore_names_its_own() -> None:
    """But where botocore keeps an acronym's plural apart."""
    names = {name for model in THEIRS.values() for shape in model.shape_names for name in members(model, shape)}
    differing = {name: field_name(name) for name in names if field_name(name) != xform_name(name)}
    assert differing == {}


def members(model: TheirService, shape: str) -> list[str]:
    return list(getattr(model.shape_for(shape), "members", ()))

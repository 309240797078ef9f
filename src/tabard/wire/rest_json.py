"""AWS's REST protocol with JSON, as far as IAM Toolbox needs it: an operation is a path, its parameters are in it.

(Smithy `aws.protocols#restJson1`; botocore's model `iam-toolbox`, 2018-05-10.) There are two operations, both `GET`,
and the API is a preview, so their shapes stand here and not among the models.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

from tabard.faults import Malformed
from tabard.wire.bind import members_of
from tabard.wire.codec import Codec
from tabard.wire.model import OperationModel, Shape
from tabard.wire.validate import NOT_NULL, compile_check, refusal, violation

CONTENT_TYPE: Final = "application/json"
PREFIX: Final = b"/authorization-details/"
MAXIMUM_FIELDS: Final = 10

_ROUTE: Final = re.compile(rb"/authorization-details/([^/]{1,1024})(/policy)?", re.DOTALL)
_TEXT: Final = Shape(name="String", kind="string", max=2048)
_ID: Final = Shape(name="AuthorizationId", kind="string", max=256, pattern="[0123456789abcdefghijklmnopqrstuvwxyz]+")
_URI: Final = Shape(name="PolicyUri", kind="string", min=1, max=2048)
_DETAILS, _POLICY = "GetRequestAuthorizationDetails", "GetRequestAuthorizationPolicy"

Req = TypeVar("Req")
Resp = TypeVar("Resp")


class UnknownRoute(Malformed):
    """The path is none of an operation (AWS: `UnknownOperationException`)."""

    reason = "operation.unknown"


class UnreadableQuery(Malformed):
    """The query string cannot be read, or has a parameter twice (AWS: `ValidationException`)."""

    reason = "query"


def _operation(name: str, members: Mapping[str, Shape], required: frozenset[str]) -> OperationModel:
    return OperationModel(
        name=name,
        service="iam",
        version="2018-05-10",
        namespace="",
        input=Shape(name=f"{name}Input", kind="structure", members=members, required=required),
        output=None,
        result_wrapper="",
        errors={"AccessDeniedException": 403, "ResourceNotFoundException": 404, "ValidationException": 400},
        signed=True,
        prints_values=False,
    )


OPERATIONS: Final[Mapping[str, OperationModel]] = {
    _DETAILS: _operation(
        _DETAILS, {"authorizationId": _ID, "nextToken": _TEXT}, required=frozenset({"authorizationId"})
    ),
    _POLICY: _operation(
        _POLICY, {"authorizationId": _ID, "policyUri": _URI}, required=frozenset({"authorizationId", "policyUri"})
    ),
}


def read_route(raw_path: bytes, raw_query: bytes) -> tuple[str, dict[str, str]]:
    """The operation that a path names, and its parameters.

    Raises:
        UnknownRoute: it names none.
        UnreadableQuery: the parameters cannot be read.
    """
    route = _ROUTE.fullmatch(raw_path)
    if route is None:
        raise UnknownRoute("Could not find the operation.")
    try:
        found = unquote_to_bytes(route[1]).decode()
        pairs = parse_qsl(
            raw_query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw_query),
            errors="strict",
            max_num_fields=MAXIMUM_FIELDS,
        )
    except ValueError:
        raise UnreadableQuery("The query string cannot be read.") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise UnreadableQuery("The query string has a parameter twice.", reason="query.duplicate")
    return (_POLICY if route[2] else _DETAILS), {**parameters, "authorizationId": found}


def compile_rest_operation(operation: OperationModel, request: type[Req], response: type[Resp]) -> Codec[Req, Resp]:
    """The codec of one operation. Answers are the response's fields under their names in lower camel case.

    Raises:
        TypeError: the request and the shapes differ.
    """
    encode = _encoder(response)
    return Codec(decode=_decoder(operation, request), encode_xml=encode, encode_json=encode)


def render_error(message: str | None) -> bytes:
    """The body of a refusal; its code is in the header `x-amzn-ErrorType`."""
    return _dump({"message": message or ""})


def _decoder(operation: OperationModel, request: type[Any]) -> Callable[[Any], Any]:
    if operation.input is None:
        raise TypeError(f"{operation.name} takes nothing")
    parts = [
        (member.field, member.name, member.required, compile_check(member.shape))
        for member in members_of(operation.input, request)
    ]

    def decode(parameters: Mapping[str, str]) -> Any:
        violations: list[str] = []
        values: dict[str, str] = {}
        for field, name, required, check in parts:
            value = parameters.get(name)
            if value is not None:
                values[field] = value
                violations.extend(violation(name, rule, None) for rule in (check(value) if check else ()))
            elif required:
                violations.append(violation(name, NOT_NULL, None))
        if violations:
            raise refusal(violations)
        return request(**values)

    return decode


def _encoder(response: type[Any]) -> Callable[[Any, str], bytes]:
    names = [(field.name, _lower_camel(field.name)) for field in fields(response)]
    return lambda value, _request_id: _dump({name: getattr(value, field) for field, name in names})


def _lower_camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()

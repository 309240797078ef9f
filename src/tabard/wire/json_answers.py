"""Answers of the query protocol in JSON, for callers that send `Accept: application/json` (Envoy, EKS).

The same names as in XML; lists are arrays, timestamps are seconds since the epoch.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from tabard.wire.bind import element_type, members_of
from tabard.wire.model import OperationModel, Shape
from tabard.wire.values import text_of

Convert = Callable[[Any], Any]

CONTENT_TYPE: Final = "application/json"


def compile_json(operation: OperationModel, response: type[Any] | None) -> Callable[[Any, str], bytes]:
    """A function of a response and the request id."""
    convert = None if operation.output is None else compile_value(operation.output, response)

    def encode(value: Any, request_id: str) -> bytes:
        body = {operation.result_wrapper: convert(value)} if convert else {}
        return _dump({f"{operation.name}Response": body | {"ResponseMetadata": {"RequestId": request_id}}})

    return encode


def render_error(*, code: str, message: str | None, sender: bool, request_id: str) -> bytes:
    error = {"Code": code, "Message": message, "Type": "Sender" if sender else "Receiver"}
    return _dump({"Error": {key: text for key, text in error.items() if text is not None}, "RequestId": request_id})


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def compile_value(shape: Shape, annotation: Any) -> Convert:
    """How a value of `shape` becomes what `json` can write."""
    if shape.kind == "structure":
        return _structure(shape, annotation)
    if shape.member is not None:
        convert_member = compile_value(shape.member, element_type(annotation))
        return lambda values: [convert_member(value) for value in values]
    if shape.value is not None:
        convert_value = compile_value(shape.value, element_type(annotation, of=1))
        return lambda values: {key: convert_value(value) for key, value in values.items()}
    if shape.kind in ("integer", "boolean"):
        return lambda value: value
    if shape.kind == "timestamp":
        return lambda value: int(value.timestamp())
    return text_of(shape)


def _structure(shape: Shape, owner: Any) -> Convert:
    parts = tuple(
        (member.name, member.get, compile_value(member.shape, member.type)) for member in members_of(shape, owner)
    )

    def convert(value: Any) -> dict[str, Any]:
        return {name: to(part) for name, get, to in parts if (part := get(value)) is not None}

    return convert

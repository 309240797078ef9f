"""Scalars as answers write them, in XML and in JSON alike."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from tabard.names.instants import iso
from tabard.wire.model import Kind, Shape


def text_of(shape: Shape) -> Callable[[Any], str]:
    """How a scalar of `shape` becomes text."""
    if shape.kind == "string":
        return percent_encoded if shape.percent_encoded else str
    return _TEXTS[shape.kind]


def percent_encoded(value: str) -> str:
    """RFC 3986, and only its unreserved characters stay: a literal `+` must not be taken for a space by anyone."""
    return quote(value, safe="")


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _blob(value: bytes) -> str:
    return base64.b64encode(value).decode()


_TEXTS: Final[Mapping[Kind, Callable[[Any], str]]] = {
    "integer": str,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": iso,
}

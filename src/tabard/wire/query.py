"""The query protocol, inbound: a form of flat names and texts, and the tree that the dots in the names mean.

(AWS Query protocol, Smithy `aws.protocols#awsQuery`.) A form is read once and strictly: `&` alone separates, names
are case-sensitive, of two fields with one name the first counts, and what is not well-formed percent-encoded UTF-8 is
refused. Fields that the operation does not know are ignored, as AWS does. Every size is bounded before it is used.

Raises: `MalformedForm`, `UnknownOperation`, `MalformedInput`.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from tabard.faults import Malformed
from tabard.wire.model import VERSIONS, Kind, OperationModel, Shape, service_model

MAXIMUM_FIELDS: Final = 2_000
"""Fifty tags are 100 fields; the largest lists of IAM (simulations) need several hundred."""
MAXIMUM_NAME: Final = 512
MAXIMUM_DEPTH: Final = 12
"""Dots in a name; the deepest of both models has fewer."""
_MAXIMUM_ECHO: Final = 256
_OUTLINED: Final = 128
"""Bytes of a field that names an operation or a version; the longest has fewer."""

_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_INDEX: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
Tree = dict[str, Any]
"""`A.member.1=x` is {"A.": {"member.": {"1": "x"}}}: a name that goes on ends in a dot, a name that ends does not."""


class MalformedForm(Malformed):
    """The form itself cannot be read."""

    reason = "form"


class MalformedInput(Malformed):
    """A value cannot be read as its type (AWS: `MalformedInput`, mostly without a message)."""

    reason = "value"


class UnknownOperation(Malformed):
    """No such action in this version (AWS: `InvalidAction`)."""

    reason = "operation.unknown"


def parse_form(raw: bytes, *, unique: bool = False) -> dict[str, str]:
    """The fields of a form or a query string; the first of duplicates, which `unique` refuses.

    A signature covers a body's bytes, but of a query string only its sorted parameters: with a duplicate, somebody
    on the way could choose which one comes first.

    Raises:
        MalformedForm: too many fields, a name too long, a broken percent escape, no UTF-8.
    """
    if raw.count(b"&") >= MAXIMUM_FIELDS:
        raise MalformedForm("The request has too many parameters.", reason="form.fields")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise MalformedForm("The request is not valid UTF-8.", reason="form.encoding") from None
    text = _simplified(text)
    parts = text.split("&")
    if "%" not in text:
        form = {name: value for part in parts for name, _, value in [part.partition("=")]}
        if len(form) == len(parts) and "" not in form and max(map(len, form)) <= MAXIMUM_NAME:
            return form
    return _field_by_field(parts, unique=unique)


def _field_by_field(parts: Iterable[str], *, unique: bool) -> dict[str, str]:
    """The fields of a form in which something is escaped, repeated, nameless or too long."""
    form: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if "%" in part:
            name, value = _decode(name), _decode(value)
        if len(name) > MAXIMUM_NAME:
            raise MalformedForm("The request has a parameter with too long a name.", reason="form.name")
        if unique and name in form:
            raise MalformedForm("The request has a query-string parameter twice.", reason="form.duplicate")
        if name and name not in form:
            form[name] = value
    return form


def parse_outline(raw: bytes) -> dict[str, str]:
    """The `Action` and `Version` of a form that is too long to be read before its sender is proven.

    Only fields that spell these names plainly are looked at, so the whole form has to be held against it later.

    Raises:
        MalformedForm: too many fields.
    """
    if raw.count(b"&") >= MAXIMUM_FIELDS:
        raise MalformedForm("The request has too many parameters.", reason="form.fields")
    outline: dict[str, str] = {}
    for part in raw.split(b"&"):
        name, _, value = part[: _OUTLINED + 1].partition(b"=")
        if name in (b"Action", b"Version") and len(part) <= _OUTLINED:
            outline.setdefault(name.decode(), value.decode("latin-1"))
    return outline


def _simplified(text: str) -> str:
    """The form without the most frequent escapes: one pass for each, instead of one for each in every field.

    They are what JSON and ARNs are full of. None of them makes a `%`, a hexadecimal digit or what separates fields and
    names, so that the whole form can be rid of them before it is cut.
    """
    text = text.replace("+", " ")
    if "%" in text:
        # Written out, for a loop costs as much as the replacing.
        text = text.replace("%22", '"').replace("%3A", ":").replace("%2C", ",").replace("%2F", "/").replace("%20", " ")
        text = text.replace("%7B", "{").replace("%7D", "}").replace("%5B", "[").replace("%5D", "]")
        text = text.replace("%2A", "*").replace("%0A", "\n")
        if "%" in text and _BROKEN_ESCAPE.search(text):
            raise MalformedForm("The request has a malformed percent escape.", reason="form.escape")
    return text


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise MalformedForm("The request is not valid UTF-8.", reason="form.encoding") from None


def find_operation(form: Mapping[str, str]) -> OperationModel:
    """The operation that `Action` and `Version` name.

    Raises:
        UnknownOperation: in AWS's words.
    """
    action, version = form.get("Action", ""), form.get("Version", "NO_VERSION_SPECIFIED")
    service = VERSIONS.get(version)
    operation = service_model(service).operations.get(action) if service else None
    if operation is None:
        raise UnknownOperation(
            f"Could not find operation {action[:_MAXIMUM_ECHO]} for version {version[:_MAXIMUM_ECHO]}"
        )
    return operation


def tree_of(form: Mapping[str, str]) -> Tree:
    """The form, by the dots in its names. Names that are too deep mean nothing to any operation and are left out."""
    tree: Tree = {name: value for name, value in form.items() if "." not in name}
    if len(tree) == len(form):
        return tree
    for name, value in form.items():
        if "." in name:
            branches, leaf = _way(name)
            if len(branches) <= MAXIMUM_DEPTH:
                node = tree
                for branch in branches:
                    node = node.setdefault(branch, {})
                node[leaf] = value
    return tree


@lru_cache(maxsize=2048)
def _way(name: str) -> tuple[tuple[str, ...], str]:
    """A name with dots, cut; remembered, because clients send the same names with each request."""
    *branches, leaf = name.split(".", MAXIMUM_DEPTH + 1)
    return tuple(f"{branch}." for branch in branches), leaf


def in_order(branch: Mapping[str, Any], suffix: str) -> list[Any]:
    """The elements of a list, sorted by their number; gaps close. `suffix` is `.` where elements have parts.

    Raises:
        MalformedInput: something that is no element's number.
    """
    numbered: list[tuple[int, Any]] = []
    for key, value in branch.items():
        number, dot = _number(key)
        if dot == suffix:
            numbered.append((number, value))
    numbered.sort(key=lambda element: element[0])
    return [value for _, value in numbered]


@lru_cache(maxsize=512)
def _number(key: str) -> tuple[int, str]:
    """The number of an element and its dot."""
    index, dot = (key[:-1], ".") if key.endswith(".") else (key, "")
    if not _INDEX.fullmatch(index):
        raise MalformedInput(reason="value.index")
    return int(index), dot


# ── one text, one value ──────────────────────────────────────────────────────────────────────────────


def read_integer(text: str) -> int:
    """A 32-bit number; signs and leading zeros are read as AWS reads them."""
    if not text:
        raise MalformedInput("missing value for decimal type", reason="value.integer")
    if _INTEGER.fullmatch(text) and -(2**31) <= (number := int(text)) < 2**31:
        return number
    raise MalformedInput(reason="value.integer")


def read_boolean(text: str) -> bool:
    folded = text.lower() if text.isascii() else text
    if folded in ("true", "false"):
        return folded == "true"
    raise MalformedInput(reason="value.boolean")


def read_blob(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise MalformedInput(reason="value.blob") from None


def read_timestamp(text: str) -> datetime:
    """ISO 8601; without an offset it is UTC."""
    try:
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise MalformedInput(reason="value.timestamp") from None


READERS: Final[Mapping[Kind, Callable[[str], Any]]] = {
    "integer": read_integer,
    "boolean": read_boolean,
    "blob": read_blob,
    "timestamp": read_timestamp,
}
"""How a scalar is read; a string is itself."""


def is_scalar(shape: Shape) -> bool:
    return shape.kind == "string" or shape.kind in READERS

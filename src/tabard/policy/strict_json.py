"""JSON without the liberties that parsers take (RFC 8259 §4, §6, §8; RFC 7493 "I-JSON" §2).

Python's reader takes the last of two equal keys, `NaN`, any depth, any number of digits and half a surrogate
pair. A policy that two readers read differently is a hole, so all of these are refused, as are control
characters, however they are written. Numbers stay text: nothing here needs their value.
"""

import json
import re
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from tabard.faults import MalformedPolicy

MAXIMUM_SIZE: Final = 131_072
"""Characters in one document (IAM API, `policyDocumentType`)."""
MAXIMUM_DEPTH: Final = 20
MAXIMUM_DIGITS: Final = 64

_STRUCTURE: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|[\[\]{}]', re.ASCII | re.DOTALL)
_UNWANTED: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as it was written."""

    text: str


JSON: TypeAlias = "str | Number | bool | list[JSON] | dict[str, JSON] | None"


class _Refused(Exception):  # noqa: N818 - carries a reason code out of the standard library's callbacks
    pass


def load_strict(text: str, *, public: str) -> JSON:
    """Text → JSON value.

    Raises:
        MalformedPolicy: with `public` as its text, for whatever is not strict JSON.
    """
    try:
        return _load(text)
    except _Refused as refusal:
        raise MalformedPolicy(public, reason=f"policy.json.{refusal}") from None


def _load(text: str) -> JSON:
    if len(text) > MAXIMUM_SIZE:
        raise _Refused("size")
    if text.count("{") + text.count("[") > MAXIMUM_DEPTH and _depth(text) > MAXIMUM_DEPTH:
        raise _Refused("depth")
    try:
        value: JSON = _DECODER.decode(text)
    except ValueError as error:
        raise _Refused("syntax") from error
    if "\\" in text or not text.isascii() or "\x7f" in text:
        _refuse_characters(value)
    return value


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _STRUCTURE.finditer(text):
        token = match[0]
        if token in ("[", "{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token in ("]", "}"):
            depth -= 1
    return deepest


def _refuse_characters(value: JSON) -> None:
    match value:
        case str():
            if _UNWANTED.search(value):
                raise _Refused("character")
        case list():
            for item in value:
                _refuse_characters(item)
        case dict():
            for key, item in value.items():
                _refuse_characters(key)
                _refuse_characters(item)


def _pairs(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("duplicate-key")
    return members


def _number(text: str) -> Number:
    if len(text) > MAXIMUM_DIGITS:
        raise _Refused("number")
    return Number(text)


def _constant(_: str) -> NoReturn:
    raise _Refused("constant")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_int=_number,
    parse_float=_number,
    parse_constant=_constant,
)

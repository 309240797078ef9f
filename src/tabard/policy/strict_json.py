"""JSON without the liberties that parsers take (RFC 8259 §4, §6, §8; RFC 7493 "I-JSON" §2).

Python's reader takes the last of two equal keys, `NaN`, any depth, any number of digits and half a surrogate
pair. A policy that two readers read differently is a hole, so all of these are refused, as are control
characters, however they are written. Numbers stay text: nothing here needs their value.
"""

import json
import re
from collections import Counter
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


class NotStrict(Exception):  # noqa: N818 - a refusal, which callers turn into the fault or message of their own
    """The text is not strict JSON; `reason` is a stable code, `what` the member or number that is at fault."""

    def __init__(self, reason: str, what: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.what = what


def load_strict(text: str, *, public: str) -> JSON:
    """Text → JSON value.

    Raises:
        MalformedPolicy: with `public` as its text, for whatever is not strict JSON.
    """
    try:
        return read_strict(text)
    except NotStrict as refusal:
        raise MalformedPolicy(public, reason=f"policy.json.{refusal.reason}") from None


def read_strict(text: str, *, size: int = MAXIMUM_SIZE, depth: int = MAXIMUM_DEPTH) -> JSON:
    """Text → JSON value, of at most `size` characters and `depth` levels.

    Raises:
        NotStrict: for whatever is not strict JSON.
    """
    if len(text) > size:
        raise NotStrict("size")
    if text.count("{") + text.count("[") > depth and _depth(text) > depth:
        raise NotStrict("depth")
    try:
        value: JSON = _DECODER.decode(text)
    except ValueError as error:
        raise NotStrict("syntax") from error
    if "\\" in text or not text.isascii() or "\x7f" in text:
        _refuse_characters(value)
    return value


def write_json(value: JSON) -> str:
    """JSON value → text, numbers as they were written."""
    match value:
        case Number():
            return value.text
        case list():
            return f"[{','.join(map(write_json, value))}]"
        case dict():
            return f"{{{','.join(f'{json.dumps(key)}:{write_json(item)}' for key, item in value.items())}}}"
        case _:
            return json.dumps(value, ensure_ascii=False)


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
                raise NotStrict("character")
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
        counts = Counter(key for key, _ in pairs)
        raise NotStrict("duplicate-key", counts.most_common(1)[0][0])
    return members


def _number(text: str) -> Number:
    if len(text) > MAXIMUM_DIGITS:
        raise NotStrict("number", text)
    return Number(text)


def _constant(text: str) -> NoReturn:
    raise NotStrict("constant", text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_int=_number,
    parse_float=_number,
    parse_constant=_constant,
)

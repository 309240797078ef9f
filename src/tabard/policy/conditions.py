"""Condition operators: one row each, and what qualifies them.

A row says how a policy value and a request value are read and what must hold between them; negation, the set
qualifiers and `IfExists` are the same for all and stand once, in `compile_condition` (IAM User Guide, "IAM JSON
policy elements: Condition operators" and "Multivalued context keys"):

* An absent key makes an operator false and a negated one true. `IfExists` and `ForAllValues:` make it true,
  `ForAnyValue:` false, negated or not. A multi-valued key without values counts as absent.
* A request value that cannot be read makes both an operator and its negation false. A policy value that cannot
  be read matches nothing, and makes a negated operator false.
* An operator without a set qualifier does not hold for a multi-valued key, negated or not.
* `ForAllValues:` takes values that are all empty text as no values.

`Null` knows only whether a key is there.
"""

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias, TypeVar

from tabard.names.tags import fold
from tabard.policy.context import Context, Value
from tabard.policy.document import ConditionBlock
from tabard.policy.instants import read_instant
from tabard.policy.pattern import ARN_PARTS, Matcher, Tokens, glob, split_arn, text_of
from tabard.policy.variables import parse_template, resolve, without_variables

Test: TypeAlias = Callable[[Context], bool]
"""Does the condition hold?"""
ValueTest: TypeAlias = Callable[[str], bool | None]
"""Does a request value match one of the policy values? None: it cannot be told."""
Prepare: TypeAlias = Callable[[Sequence[Tokens]], ValueTest]
"""Policy values → the test for a request value."""

P = TypeVar("P")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One row. `variables` tells whether policy variables count in its values."""

    name: str
    prepare: Prepare
    negated: bool = False
    variables: bool = False


class Quantifier(Enum):
    """The set qualifiers."""

    ALL = "ForAllValues:"
    ANY = "ForAnyValue:"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorUse:
    """An operator with its qualifiers, as a document spells it."""

    operator: Operator
    quantifier: Quantifier | None
    if_exists: bool


# ── how values are read ──────────────────────────────────────────────────────────────────────────────

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,32}(?:\.[0-9]{0,32})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_CIDR: Final = re.compile(r"([0-9A-Fa-f:.]{2,45})(?:/([0-9]{1,3}))?", re.ASCII)
_V4_MAPPED_PREFIX: Final = 96
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}


def read_number(text: str) -> Decimal | None:
    """A decimal number."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def read_boolean(text: str) -> bool | None:
    """`true` or `false`, in any case."""
    return _BOOLEANS.get(fold(text))


def read_bytes(text: str) -> bytes | None:
    """Base64 (RFC 4648 §4), strictly."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None


@dataclass(frozen=True, slots=True)
class Network:
    """A block of addresses. `shift` is the number of bits that are free."""

    version: int
    bits: int
    shift: int

    def __contains__(self, other: "Network") -> bool:
        return self.version == other.version and self.bits == other.bits >> self.shift


def read_network(text: str) -> Network | None:
    """An address or a CIDR block, IPv4-mapped IPv6 read as IPv4; no zone, no leading zeros, no netmask.

    Bits below the prefix are dropped: `10.1.2.3/8` is the block of 10, as everywhere else.
    """
    found = _CIDR.fullmatch(text)
    if found is None:
        return None
    try:
        address = ipaddress.ip_address(found[1])
    except ValueError:
        return None
    prefix = int(found[2]) if found[2] else address.max_prefixlen
    if prefix > address.max_prefixlen:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped and prefix >= _V4_MAPPED_PREFIX:
        address, prefix = address.ipv4_mapped, prefix - _V4_MAPPED_PREFIX
    shift = address.max_prefixlen - prefix
    return Network(address.version, int(address) >> shift, shift)


def read_address(text: str) -> Network | None:
    """A single address."""
    return None if "/" in text else read_network(text)


def _read_arn(text: str) -> list[str] | None:
    parts = text.split(":", ARN_PARTS - 1)
    return parts if len(parts) == ARN_PARTS else None


def _read_arn_pattern(tokens: Tokens) -> tuple[Matcher, ...] | None:
    parts = split_arn(tokens)
    return None if parts is None else tuple(glob(part) for part in parts)


def _arn_matches(parts: list[str], pattern: tuple[Matcher, ...]) -> bool:
    return all(matches(part) for matches, part in zip(pattern, parts, strict=True))


# ── what must hold ───────────────────────────────────────────────────────────────────────────────────


def _text(values: Sequence[Tokens]) -> ValueTest:
    wanted = frozenset(text_of(value) for value in values)
    return wanted.__contains__


def _text_ignoring_case(values: Sequence[Tokens]) -> ValueTest:
    # NOTE: ASCII letters only; full case folding would make texts equal that nobody sees as equal ("ß", "ss").
    wanted = frozenset(fold(text_of(value)) for value in values)
    return lambda text: fold(text) in wanted


def _text_like(values: Sequence[Tokens]) -> ValueTest:
    matchers = tuple(glob(value) for value in values)
    return matchers[0] if len(matchers) == 1 else lambda text: any(matches(text) for matches in matchers)


def _read(
    read_wanted: Callable[[Tokens], P | None], read_value: Callable[[str], V | None], holds: Callable[[V, P], bool]
) -> Prepare:
    """A row for values that must be read before they can be compared."""

    def prepare(values: Sequence[Tokens]) -> ValueTest:
        read = [read_wanted(value) for value in values]
        wanted = [value for value in read if value is not None]
        otherwise = None if len(wanted) < len(read) else False

        def test(text: str) -> bool | None:
            value = read_value(text)
            if value is None:
                return None
            for each in wanted:
                if holds(value, each):
                    return True
            return otherwise

        return test

    return prepare


def _plain(read: Callable[[str], V | None], holds: Callable[[V, V], bool]) -> Prepare:
    return _read(lambda tokens: read(text_of(tokens)), read, holds)


def _within(address: Network, block: Network) -> bool:
    return address in block


_ARN: Final = _read(_read_arn_pattern, _read_arn, _arn_matches)
_NETWORK: Final = _read(lambda tokens: read_network(text_of(tokens)), read_address, _within)


def _presence(values: Sequence[Tokens]) -> ValueTest:
    """`Null`: the request value is `true` when the key is absent."""
    wanted = {read_boolean(text_of(value)) for value in values}
    return lambda absent: read_boolean(absent) in wanted


_NULL: Final = Operator(name="Null", prepare=_presence)

_ROWS: Final = (
    Operator(name="StringEquals", prepare=_text, variables=True),
    Operator(name="StringNotEquals", prepare=_text, variables=True, negated=True),
    Operator(name="StringEqualsIgnoreCase", prepare=_text_ignoring_case, variables=True),
    Operator(name="StringNotEqualsIgnoreCase", prepare=_text_ignoring_case, variables=True, negated=True),
    Operator(name="StringLike", prepare=_text_like, variables=True),
    Operator(name="StringNotLike", prepare=_text_like, variables=True, negated=True),
    Operator(name="NumericEquals", prepare=_plain(read_number, operator.eq)),
    Operator(name="NumericNotEquals", prepare=_plain(read_number, operator.eq), negated=True),
    Operator(name="NumericLessThan", prepare=_plain(read_number, operator.lt)),
    Operator(name="NumericLessThanEquals", prepare=_plain(read_number, operator.le)),
    Operator(name="NumericGreaterThan", prepare=_plain(read_number, operator.gt)),
    Operator(name="NumericGreaterThanEquals", prepare=_plain(read_number, operator.ge)),
    Operator(name="DateEquals", prepare=_plain(read_instant, operator.eq)),
    Operator(name="DateNotEquals", prepare=_plain(read_instant, operator.eq), negated=True),
    Operator(name="DateLessThan", prepare=_plain(read_instant, operator.lt)),
    Operator(name="DateLessThanEquals", prepare=_plain(read_instant, operator.le)),
    Operator(name="DateGreaterThan", prepare=_plain(read_instant, operator.gt)),
    Operator(name="DateGreaterThanEquals", prepare=_plain(read_instant, operator.ge)),
    Operator(name="Bool", prepare=_plain(read_boolean, operator.eq), variables=True),
    Operator(name="BinaryEquals", prepare=_plain(read_bytes, operator.eq)),
    Operator(name="IpAddress", prepare=_NETWORK),
    Operator(name="NotIpAddress", prepare=_NETWORK, negated=True),
    Operator(name="ArnEquals", prepare=_ARN, variables=True),
    Operator(name="ArnNotEquals", prepare=_ARN, variables=True, negated=True),
    Operator(name="ArnLike", prepare=_ARN, variables=True),
    Operator(name="ArnNotLike", prepare=_ARN, variables=True, negated=True),
    _NULL,
)

OPERATORS: Final[Mapping[str, Operator]] = {row.name: row for row in _ROWS}
_IF_EXISTS: Final = "IfExists"


def read_operator(name: str) -> OperatorUse | None:
    """A document's spelling → the row and its qualifiers, or None for what is no operator.

    `Null` takes no qualifier: it could mean nothing.
    """
    plain = OPERATORS.get(name)
    if plain is not None:
        return OperatorUse(operator=plain, quantifier=None, if_exists=False)
    quantifier = next((q for q in Quantifier if name.startswith(q.value)), None)
    bare = name.removeprefix(quantifier.value) if quantifier else name
    row = OPERATORS.get(bare.removesuffix(_IF_EXISTS))
    if row is None or row is _NULL:
        return None
    return OperatorUse(operator=row, quantifier=quantifier, if_exists=bare.endswith(_IF_EXISTS))


# ── one condition ────────────────────────────────────────────────────────────────────────────────────


def compile_condition(block: ConditionBlock, *, variables: bool) -> Test:
    """The test for one key under one operator. `variables`: the document's version has policy variables."""
    use = read_operator(block.operator)
    if use is None:
        raise ValueError(f"unknown condition operator {block.operator}")
    key = fold(block.key)
    fixed, matcher = _matcher(use.operator, block.values, variables=variables)
    if use.operator is _NULL:
        return lambda context: matcher(context)("true" if context.get(key) in (None, ()) else "false") is True
    wanted = not use.operator.negated
    if use.quantifier is Quantifier.ALL:
        return _for_all(key, matcher, wanted)
    if use.quantifier is Quantifier.ANY:
        return _for_any(key, matcher, wanted, absent=use.if_exists)
    absent = use.if_exists or use.operator.negated
    if fixed is not None:
        return _single_fixed(key, fixed, wanted, absent=absent)
    return _single(key, matcher, wanted, absent=absent)


_MatcherOf: TypeAlias = Callable[[Context], ValueTest]


def _matcher(row: Operator, values: tuple[str, ...], *, variables: bool) -> tuple[ValueTest | None, _MatcherOf]:
    """The test for request values where it is always the same, and how it is had from a context."""
    templates = [parse_template(value, variables=variables and row.variables) for value in values]
    plain = [tokens for template in templates if (tokens := without_variables(template)) is not None]
    if len(plain) == len(templates):
        fixed = row.prepare(plain)
        return fixed, lambda _: fixed
    return None, lambda context: row.prepare(
        [tokens for template in templates if (tokens := resolve(template, context)) is not None]
    )


def _single(key: str, matcher: _MatcherOf, wanted: bool, *, absent: bool) -> Test:
    def test(context: Context) -> bool:
        value = context.get(key)
        if isinstance(value, str):
            return matcher(context)(value) is wanted
        return absent if not value else False

    return test


def _single_fixed(key: str, matches: ValueTest, wanted: bool, *, absent: bool) -> Test:
    """`_single` without variables: nearly all conditions are such."""

    def test(context: Context) -> bool:
        value = context.get(key)
        if isinstance(value, str):
            return matches(value) is wanted
        return absent if not value else False

    return test


def _for_all(key: str, matcher: _MatcherOf, wanted: bool) -> Test:
    def test(context: Context) -> bool:
        values = _values(context.get(key))
        if not any(values):
            return True
        matches = matcher(context)
        return all(matches(value) is wanted for value in values)

    return test


def _for_any(key: str, matcher: _MatcherOf, wanted: bool, *, absent: bool) -> Test:
    def test(context: Context) -> bool:
        values = _values(context.get(key))
        if not values:
            return absent
        matches = matcher(context)
        return any(matches(value) is wanted for value in values)

    return test


def _values(value: Value | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value

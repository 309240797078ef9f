"""The constraints of the models, in AWS's words.

All violations of a request are told at once: `2 validation errors detected: A; B`. Lengths count code points.
STS repeats the refused value, except where the model calls it sensitive; IAM never does. (Both as recorded from AWS.)
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from tabard.faults import ConstraintViolated
from tabard.wire.model import Shape
from tabard.wire.patterns import compile_pattern

Check = Callable[[Any], Sequence[str]]
"""Which rules a value breaks, each as `Member must …`; nothing for a good value."""

NOT_NULL: Final = "Member must not be null"
_ENDLESS: Final = 2**63
_PATTERN_REACH: Final = 16_384
"""A value beyond its maximum is matched no further than this: its length is told anyway."""
_MAXIMUM_ECHO: Final = 16_384


def compile_check(shape: Shape) -> Check | None:
    """The rules for values of `shape` itself; None where there are none. A list's rules include its scalars'."""
    if shape.kind == "string":
        return _text_check(shape)
    if shape.kind == "integer":
        return _range_check(shape, noun="value", measure=int)
    if shape.kind == "list":
        return _list_check(shape)
    return _range_check(shape, noun="length", measure=len)


def violation(at: str, rule: str, shown: str | None) -> str:
    """One broken rule. `shown` is the value as it may be printed, `'x'` or `null`; None hides it."""
    value = "Value" if shown is None else f"Value {shown}"
    return f"{value} at '{at}' failed to satisfy constraint: {rule}"


def shown(value: object) -> str | None:
    """A value as STS prints it; structures are not printed."""
    if isinstance(value, str | int):
        return f"'{str(value)[:_MAXIMUM_ECHO]}'"
    if isinstance(value, tuple) and all(isinstance(element, str | int) for element in value):
        return f"'[{', '.join(map(str, value))[:_MAXIMUM_ECHO]}]'"
    return None


def refusal(violations: Sequence[str]) -> ConstraintViolated:
    """All violations as one fault."""
    noun = "error" if len(violations) == 1 else "errors"
    return ConstraintViolated(f"{len(violations)} validation {noun} detected: {'; '.join(violations)}")


def _range_check(shape: Shape, *, noun: str, measure: Callable[[Any], int]) -> Check | None:
    if shape.min is None and shape.max is None:
        return None
    low, high = _bounds(shape)
    too_low, too_high = _at_least(noun, low), _at_most(noun, high)

    def check(value: Any) -> Sequence[str]:
        size = measure(value)
        if low <= size <= high:
            return ()
        return (too_low,) if size < low else (too_high,)

    return check


def _text_check(shape: Shape) -> Check | None:
    sized = _range_check(shape, noun="length", measure=len)
    matches = compile_pattern(shape.pattern).fullmatch if shape.pattern is not None else None
    if matches is None and not shape.enum:
        return sized
    low, high = _bounds(shape)
    # INVARIANT: no good value is longer than this, so that one of a good length is always matched.
    reach = max(_PATTERN_REACH, high)
    enum = shape.enum
    unmatched = f"Member must satisfy regular expression pattern: {shape.pattern}"

    def check(value: str) -> Sequence[str]:
        if low <= len(value) <= high and (matches is None or matches(value)) and (not enum or value in enum):
            return ()
        rules = []
        if enum and value not in enum:
            rules.append("Member must satisfy enum value set")
        if matches is not None and len(value) <= reach and matches(value) is None:
            rules.append(unmatched)
        return (*rules, *(sized(value) if sized else ()))

    return check


def _list_check(shape: Shape) -> Check | None:
    counted = _range_check(shape, noun="length", measure=len)
    member = shape.member
    each = compile_check(member) if member is not None and member.kind in ("string", "integer") else None
    if member is None or each is None:
        return counted
    rule = f"Member must satisfy constraint: [{', '.join(_all_rules(shape, member))}]"

    def check(values: Sequence[Any]) -> Sequence[str]:
        rules = counted(values) if counted else ()
        return (*rules, rule) if any(map(each, values)) else rules

    return check


def _all_rules(shape: Shape, member: Shape) -> list[str]:
    """Every rule of a list's elements; AWS does not say which of them is broken."""
    noun = "value" if member.kind == "integer" else "length"
    rules = []
    if member.max is not None:
        rules.append(_at_most(noun, member.max))
    if member.min is not None:
        rules.append(_at_least(noun, member.min))
    if member.pattern is not None:
        rules.append(f"Member must satisfy regular expression pattern: {member.pattern}")
    if member.enum:
        rules.append("Member must satisfy enum value set")
    if shape.member_not_null:
        rules.append(NOT_NULL)
    return rules


def _bounds(shape: Shape) -> tuple[int, int]:
    return (
        shape.min if shape.min is not None else -_ENDLESS,
        shape.max if shape.max is not None else _ENDLESS,
    )


def _at_most(noun: str, high: int) -> str:
    return f"Member must have {noun} less than or equal to {high}"


def _at_least(noun: str, low: int) -> str:
    return f"Member must have {noun} greater than or equal to {low}"

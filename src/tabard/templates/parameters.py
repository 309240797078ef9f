"""The parameters of a template: what was given for them, or their defaults, checked as they ask.

(AWS CloudFormation User Guide, "Parameters".) The value of a `NoEcho` parameter stands in no error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn

from tabard.templates.source import (
    MapNode,
    Mark,
    Node,
    TemplateError,
    TextNode,
    as_list,
    as_text,
    known,
    refuse_dynamic,
    shown,
)
from tabard.templates.values import Secret, Value

LIST_TYPES: Final = frozenset({"CommaDelimitedList", "List<Number>"})
TYPES: Final = ("String", "Number", *sorted(LIST_TYPES))
_MEMBERS: Final = (
    "Type", "Default", "AllowedValues", "AllowedPattern", "ConstraintDescription", "Description", "MinLength",
    "MaxLength", "MinValue", "MaxValue", "NoEcho",
)  # fmt: skip
MAXIMUM_VALUE: Final = 4096
"""Bytes of a value (AWS CloudFormation quotas)."""
TRUE: Final = frozenset({"true", "True", "TRUE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter as it is declared. Values have been checked against nothing yet."""

    name: str
    type: str
    mark: Mark
    secret: bool
    default: str | None
    members: Mapping[str, Node] = field(repr=False)


def read_parameters(declared: Mapping[str, MapNode]) -> dict[str, Parameter]:
    """The declarations.

    Raises:
        TemplateError: one of them is not as it must be.
    """
    return {name: _parameter(name, node) for name, node in declared.items()}


def values_of(parameters: Mapping[str, Parameter], given: Mapping[str, str]) -> dict[str, Value]:
    """The value of each parameter.

    Raises:
        TemplateError: one has none, or one that is not allowed.
    """
    return {name: _value(parameter, given.get(name)) for name, parameter in parameters.items()}


def _parameter(name: str, node: MapNode) -> Parameter:
    for key in node.members:
        if key not in _MEMBERS:
            raise TemplateError(node.marks[key], f"a parameter has no attribute {shown(key)}; {known(key, _MEMBERS)}")
    if "Type" not in node.members:
        raise TemplateError(node.mark, f"parameter {name} has no Type; give it one, as `Type: String`")
    kind = as_text(node.members["Type"], "Type")
    if kind not in TYPES:
        raise TemplateError(
            node.marks["Type"], f"parameters of type {shown(kind)} are not supported; known are {', '.join(TYPES)}"
        )
    default, echo = node.members.get("Default"), node.members.get("NoEcho")
    return Parameter(
        name=name,
        type=kind,
        mark=node.mark,
        secret=echo is not None and as_text(echo, "NoEcho") in TRUE,
        default=as_text(default, "Default") if default is not None else None,
        members=node.members,
    )


def _value(parameter: Parameter, given: str | None) -> Value:
    text = given if given is not None else parameter.default
    if text is None:
        raise TemplateError(
            parameter.mark, f"parameter {parameter.name} has no value; add --parameter {parameter.name}=…"
        )
    refuse_dynamic(text, parameter.mark)
    if len(text.encode("utf-8", "surrogatepass")) > MAXIMUM_VALUE:
        raise TemplateError(parameter.mark, f"the value of {parameter.name} is longer than {MAXIMUM_VALUE} bytes")
    items = [item.strip() for item in text.split(",")] if parameter.type in LIST_TYPES else [text]
    for item in items:
        _require_allowed(parameter, item)
    made: list[Value] = [Secret(item) if parameter.secret else item for item in items]
    return made if parameter.type in LIST_TYPES else made[0]


def _require_allowed(parameter: Parameter, text: str) -> None:
    members = parameter.members
    if "Number" in parameter.type:
        number = _number(text)
        if number is None:
            _refuse(parameter, text, "must be a number")
        _bounds(parameter, text, number, ("MinValue", "MaxValue"), "must be")
    else:
        _bounds(parameter, text, Decimal(len(text)), ("MinLength", "MaxLength"), "must have a length of")
    if "AllowedValues" in members:
        allowed = [as_text(each, "AllowedValues") for each in as_list(members["AllowedValues"], "AllowedValues").items]
        if text not in allowed:
            _refuse(parameter, text, f"must be one of {', '.join(map(shown, allowed))}")
    if "AllowedPattern" in members:
        pattern = as_text(members["AllowedPattern"], "AllowedPattern")
        try:
            matches = re.fullmatch(pattern, text, re.ASCII) is not None
        except (re.error, OverflowError, RecursionError):
            mark = members["AllowedPattern"].mark
            raise TemplateError(mark, f"AllowedPattern {shown(pattern)} is no regular expression") from None
        if not matches:
            _refuse(parameter, text, f"must match {shown(pattern)}")


def _bounds(parameter: Parameter, text: str, measured: Decimal, names: tuple[str, str], must: str) -> None:
    for name, sign in zip(names, ("at least", "at most"), strict=True):
        if name not in parameter.members:
            continue
        bound = _number(as_text(parameter.members[name], name))
        if bound is None:
            raise TemplateError(parameter.members[name].mark, f"{name} must be a number")
        if (measured < bound) if sign == "at least" else (measured > bound):
            _refuse(parameter, text, f"{must} {sign} {bound}")


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _refuse(parameter: Parameter, text: str, must: str) -> NoReturn:
    told = parameter.members.get("ConstraintDescription")
    because = told.text if isinstance(told, TextNode) else f"it {must}"
    value = "" if parameter.secret else f" {shown(text)}"
    raise TemplateError(parameter.mark, f"parameter {parameter.name} may not have the value{value}: {because}")

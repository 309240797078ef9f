"""Which field of an action's class is which member of the model.

A field is its member's name in snake case, and its type must be the member's: `str`, `int`, `bool`, `bytes`,
`datetime`, a dataclass or struct for a structure, `tuple[X, ...]` for a list, `dict[K, V]` for a map; `| None` where
it may be left out. A member that a class does not have must be named by its `UNSUPPORTED`. All of this is checked when
the table of operations is made, so that no drift between a class and the model survives a start.
"""

import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, is_dataclass
from dataclasses import fields as dataclass_fields
from datetime import datetime
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from tabard.wire.model import Kind, Shape

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", re.ASCII)
_SCALARS: Final[Mapping[Kind, type]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "blob": bytes,
    "timestamp": datetime,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of a structure and where its value is kept.

    `type` is the annotation of its value without `| None`; None where values are plain dicts. `optional`: the value may
    be None.
    """

    name: str
    field: str
    shape: Shape
    type: Any
    required: bool
    optional: bool = True
    get: Callable[[Any], Any]


@cache
def field_name(name: str) -> str:
    """`OpenIDConnectProviderArn` → `open_id_connect_provider_arn`."""
    return _WORD_START.sub("_", name).lower()


def members_of(shape: Shape, owner: Any) -> Iterator[Member]:
    """The members of a structure that `owner` keeps; all of them where `owner` is None.

    Raises:
        TypeError: the class and the model differ.
    """
    if owner is None:
        for name, target in shape.members.items():
            required = name in shape.required
            yield Member(name=name, field=name, shape=target, type=None, required=required, get=_item(name))
        return
    if not _is_value(owner):
        raise TypeError(f"{owner} stands for the structure {shape.name} and is neither a dataclass nor a struct")
    hints = get_type_hints(owner)
    declared = _declared(owner)
    unsupported: frozenset[str] = getattr(owner, "UNSUPPORTED", frozenset())
    known = {field_name(name): name for name in shape.members if name not in unsupported}
    _require_same(owner, shape, set(declared), set(known), unsupported)
    for name, target in shape.members.items():
        if name in unsupported:
            continue
        field = field_name(name)
        bare, optional = _without_none(hints[field])
        _require_type(f"{owner.__module__}.{owner.__qualname__}.{field}", bare, target)
        mandatory = declared[field] and not optional
        yield Member(
            name=name,
            field=field,
            shape=target,
            type=bare,
            required=name in shape.required or mandatory,
            optional=optional,
            get=attrgetter(field),
        )


def all_of(paths: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that reads all these attributes of a value, dots and all, in one step."""
    if not paths:
        return lambda _: ()
    get = attrgetter(*paths)
    return get if len(paths) > 1 else lambda value: (get(value),)


def element_type(annotation: Any, *, of: int = 0) -> Any:
    """`tuple[X, ...]` → X; `dict[K, V]` → K or V; None stays None."""
    return None if annotation is None else get_args(annotation)[of]


def _is_value(annotation: Any) -> bool:
    return isinstance(annotation, type) and (is_dataclass(annotation) or issubclass(annotation, msgspec.Struct))


def _declared(owner: Any) -> dict[str, bool]:
    """The fields of a class, and whether one must be given."""
    if issubclass(owner, msgspec.Struct):
        return {field.name: field.required for field in msgspec.structs.fields(owner)}
    return {
        field.name: field.default is MISSING and field.default_factory is MISSING for field in dataclass_fields(owner)
    }


def _item(name: str) -> Callable[[Any], Any]:
    item = itemgetter(name)
    return lambda values: item(values) if name in values else None


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        if len(parts) == 1:
            return parts[0], True
    return annotation, False


def _require_same(owner: type, shape: Shape, has: set[str], wanted: set[str], unsupported: frozenset[str]) -> None:
    name = f"{owner.__module__}.{owner.__qualname__}"
    if extra := sorted(has - wanted):
        raise TypeError(f"{name} has fields that {shape.name} has not: {', '.join(extra)}")
    if absent := sorted(wanted - has):
        raise TypeError(f"{name} lacks fields of {shape.name}: {', '.join(absent)}")
    if unknown := sorted(unsupported - set(shape.members)):
        raise TypeError(f"{name}.UNSUPPORTED names members that {shape.name} has not: {', '.join(unknown)}")


def _require_type(where: str, annotation: Any, shape: Shape) -> None:
    if shape.kind == "structure":
        fits = _is_value(annotation)
    elif shape.kind == "list" and shape.member is not None:
        arguments = get_args(annotation)
        fits = get_origin(annotation) is tuple and len(arguments) == 2 and arguments[1] is Ellipsis
        if fits:
            _require_type(where, arguments[0], shape.member)
    elif shape.kind == "map" and shape.key is not None and shape.value is not None:
        arguments = get_args(annotation)
        fits = get_origin(annotation) in (dict, Mapping) and len(arguments) == 2
        if fits:
            _require_type(where, arguments[0], shape.key)
            _require_type(where, arguments[1], shape.value)
    else:
        fits = annotation is _SCALARS[shape.kind]
    if not fits:
        raise TypeError(f"{where} is {annotation}, and {shape.name} is a {shape.kind}")

"""A request or an answer as CloudTrail writes it: the model's names with a small first letter, and no secret.

Compiled once for each operation. Members that are absent or empty are left out. What the model calls sensitive, and
the tokens and one-time codes that it does not, are hidden in requests; in answers the session token is hidden and the
rest is left out, as CloudTrail does.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from tabard.wire.bind import Member, element_type, members_of
from tabard.wire.model import OperationModel, Shape

Describe = Callable[[Any], object]

HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
SECRETS: Final = frozenset({"SessionToken", "TokenCode", "AuthenticationCode1", "AuthenticationCode2"})
"""Members that the model does not mark as sensitive and that are secret all the same."""
MAXIMUM_TEXT: Final = 16_384
"""Characters of one text that a client chose. The largest policy that can be saved fits."""


def describe_request(operation: OperationModel, request: type[Any]) -> Describe:
    """The `requestParameters` of a record."""
    return _structure(operation.input, request, answers=False)


def describe_response(operation: OperationModel, response: type[Any] | None) -> Describe:
    """The `responseElements` of a record."""
    return _structure(operation.output, response, answers=True)


def bounded(text: str) -> str:
    """A text that a client chose, cut where it becomes too long to keep."""
    return text if len(text) <= MAXIMUM_TEXT else text[: MAXIMUM_TEXT - 1] + "…"


def _structure(shape: Shape | None, owner: type[Any] | None, *, answers: bool) -> Describe:
    if shape is None or owner is None:
        return _nothing
    parts = []
    for member in members_of(shape, owner):
        describe = _member(member, answers=answers)
        if describe is not None:
            parts.append((member.get, member.name[0].lower() + member.name[1:], describe))

    def describe_structure(value: Any) -> object:
        return {
            name: describe(found) for get, name, describe in parts if (found := get(value)) is not None and found != ()
        }

    return describe_structure


def _member(member: Member, *, answers: bool) -> Describe | None:
    if member.shape.sensitive or member.name in SECRETS:
        return None if answers and member.name != "SessionToken" else _hide
    return _value(member.shape, member.type, answers=answers)


def _value(shape: Shape, annotation: Any, *, answers: bool) -> Describe:
    if shape.kind == "structure":
        return _structure(shape, annotation, answers=answers)
    if shape.kind == "list" and shape.member is not None:
        describe = _value(shape.member, element_type(annotation), answers=answers)
        return lambda values: [describe(value) for value in values]
    if shape.kind == "timestamp":
        return human_instant
    if shape.kind in ("integer", "boolean"):
        return _itself
    if shape.kind == "string":
        return _itself if shape.max is not None and shape.max <= MAXIMUM_TEXT and not answers else bounded
    return lambda value: bounded(str(value))


def human_instant(at: datetime) -> str:
    """`Nov 23, 2026, 7:02:11 PM`, as CloudTrail writes instants in answers."""
    at = at.astimezone(UTC)
    half = "AM" if at.hour < 12 else "PM"
    return f"{_MONTHS[at.month]} {at.day}, {at.year}, {at.hour % 12 or 12}:{at.minute:02}:{at.second:02} {half}"


_MONTHS: Final = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _nothing(_value: Any) -> object:
    return None


def _hide(_value: Any) -> object:
    return HIDDEN


def _itself(value: Any) -> object:
    return value

"""A request or an answer as CloudTrail writes it: the model's names with a small first letter, and no secret.

Compiled once for each operation: each structure has a struct of CloudTrail's names, which leaves out what is at its
default when it is encoded. So members that are absent or empty are left out. What the model calls sensitive, and
the tokens and one-time codes that it does not, are hidden in requests; in answers the session token is hidden and the
rest is left out, as CloudTrail does.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tabard.wire.bind import Member, all_of, element_type, members_of
from tabard.wire.model import OperationModel, Shape

Describe = Callable[[Any], object]

HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
SECRETS: Final = frozenset({"SessionToken", "TokenCode", "AuthenticationCode1", "AuthenticationCode2"})
"""Members that the model does not mark as sensitive and that are secret all the same."""
MAXIMUM_TEXT: Final = 16_384
"""Characters of one text that a client chose. The largest policy that can be saved fits."""


def describe_request(operation: OperationModel, request: type[Any]) -> Describe:
    """The `requestParameters` of a record."""
    return _whole(operation.input, request, answers=False)


def describe_response(operation: OperationModel, response: type[Any] | None) -> Describe:
    """The `responseElements` of a record."""
    return _whole(operation.output, response, answers=True)


def bounded(text: str) -> str:
    """A text that a client chose, cut where it becomes too long to keep."""
    return text if len(text) <= MAXIMUM_TEXT else text[: MAXIMUM_TEXT - 1] + "…"


def _whole(shape: Shape | None, owner: type[Any] | None, *, answers: bool) -> Describe:
    """A request or an answer; None where nothing of it is described."""
    if shape is None or owner is None:
        return _nothing
    describe, empty = _structure(shape, owner, answers=answers)

    def describe_whole(value: Any) -> object:
        described = describe(value)
        return None if described == empty else described

    return describe_whole


def _structure(shape: Shape, owner: type[Any], *, answers: bool) -> tuple[Describe, object]:
    """How a structure is described, and the description of one in which nothing is."""
    parts = [
        (member, describe)
        for member in members_of(shape, owner)
        if (describe := _member(member, answers=answers)) is not None
    ]
    get = all_of([member.field for member, _ in parts])
    changed = [(place, describe) for place, (_, describe) in enumerate(parts) if describe is not _itself]
    described = msgspec.defstruct(
        shape.name,
        [(member.field, Any, None) for member, _ in parts],
        rename={member.field: member.name[0].lower() + member.name[1:] for member, _ in parts},
        omit_defaults=True,
        frozen=True,
    )

    def describe_structure(value: Any) -> object:
        found = list(get(value))
        for place, describe in changed:
            each = found[place]
            if each is not None:
                found[place] = describe(each) if each != () else None
        return described(*found)

    return describe_structure, described()


def _member(member: Member, *, answers: bool) -> Describe | None:
    if member.shape.sensitive or member.name in SECRETS:
        return None if answers and member.name != "SessionToken" else _hide
    return _value(member.shape, member.type, answers=answers)


def _value(shape: Shape, annotation: Any, *, answers: bool) -> Describe:
    if shape.kind == "structure":
        return _structure(shape, annotation, answers=answers)[0]
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

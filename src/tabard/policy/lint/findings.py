"""What a rule says of a document, and how grave it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tabard.names.printable import masked
from tabard.policy.document import Kind
from tabard.policy.positions import Path

LONGEST_QUOTE: Final = 80
"""Characters of a document's own text that a reason shows."""


class Level(StrEnum):
    """How grave a finding is, and what follows from it."""

    ERROR = "error"
    """Such a document is not saved."""
    WARNING = "warning"
    """It is saved; the audit record says what was found."""
    HINT = "hint"
    """Said by `tabard policy lint` only."""
    OFF = "off"
    """Not looked for."""


class Purpose(StrEnum):
    """What a document is for, as far as rules tell documents apart."""

    IDENTITY = "identity"
    TRUST = "trust"
    RESOURCE = "resource"
    SESSION = "session"
    SCP = "scp"


PURPOSES: Final[Mapping[Kind, Purpose]] = {
    Kind.MANAGED: Purpose.IDENTITY,
    Kind.INLINE: Purpose.IDENTITY,
    Kind.TRUST: Purpose.TRUST,
    Kind.RESOURCE: Purpose.RESOURCE,
    Kind.SESSION: Purpose.SESSION,
    Kind.SERVICE_CONTROL: Purpose.SCP,
    Kind.RESOURCE_CONTROL: Purpose.SCP,
}


@dataclass(frozen=True, slots=True)
class Note:
    """What a rule found in a statement: where in it, what is wrong in one sentence, and what would be safer."""

    at: Path
    reason: str
    safer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A note with the code of its rule and its level. `at` is a path from the top of the document."""

    code: str
    level: Level
    at: Path
    reason: str
    safer: str


def quoted(text: str) -> str:
    """A piece of the document for people to read: not too long, and nothing that a terminal obeys."""
    shown = text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
    return f"`{masked(shown)}`"


def condition(operator: str, key: str, value: str | None = None) -> str:
    """A condition to be written instead, as JSON; without a value, with the one that is there."""
    return f"{{{_member(operator)}: {{{_member(key)}: {'…' if value is None else _member(value)}}}}}"


def _member(text: str) -> str:
    return json.dumps(masked(text[: 2 * LONGEST_QUOTE]), ensure_ascii=False)

"""The request context: condition keys and their values.

Condition keys compare without regard to ASCII case, the part after a `/` too (`aws:PrincipalTag/Team`), so a
context is keyed by the folded key (`names.tags.fold`). A key that is not there is absent, which is not the
same as an empty value. A multi-valued key is a tuple.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from tabard.names.tags import fold

Value: TypeAlias = str | tuple[str, ...]
"""A condition value as text: `true`, `2026-11-24T10:00:00Z`, `192.0.2.1`; a tuple for a multi-valued key."""

Context: TypeAlias = Mapping[str, Value]
"""Folded key → value."""


def context_of(pairs: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """A context from keys in any case; later pairs win."""
    return {fold(key): value for key, value in pairs}

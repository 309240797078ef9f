"""The tree of a policy document: what was written, before anything is made of it.

A tree is only made by `parse`, which has checked it; nothing here checks again. Texts are as written, save
that JSON booleans and numbers in conditions have become text (IAM User Guide, "Grammar of the IAM JSON policy
language").
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

VERSION_2012: Final = "2012-10-17"
VERSION_2008: Final = "2008-10-17"
"""The version of a document that states none. Its `${…}` is literal text."""


class Kind(StrEnum):
    """Where a document is to stand; the grammar differs a little."""

    MANAGED = "managed"
    INLINE = "inline"
    TRUST = "trust"
    SESSION = "session"
    RESOURCE = "resource"
    SERVICE_CONTROL = "service-control"
    RESOURCE_CONTROL = "resource-control"


class Effect(StrEnum):
    """What a statement does when it applies."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalSet:
    """A `Principal` or `NotPrincipal` element. `everyone` is the lone `*`, bare or under `AWS`."""

    everyone: bool = False
    aws: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    canonical_user: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.everyone or self.aws or self.federated or self.service or self.canonical_user)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionBlock:
    """One key under one operator; `operator` keeps its qualifiers (`ForAnyValue:StringLikeIfExists`)."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement. An element that is not there is None or empty; `index` counts from 0."""

    index: int
    effect: Effect
    sid: str | None = None
    principals: PrincipalSet | None = None
    not_principals: PrincipalSet | None = None
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[ConditionBlock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy document. `source` is the text that it was read from, for whoever must show it or point into it."""

    statements: tuple[Statement, ...]
    version: str = VERSION_2008
    id: str | None = None
    source: str = field(default="", repr=False, compare=False)

"""Policies → a set that answers fast: which statements could apply to this action on this resource?

The cost of a decision should grow with the statements that could apply, not with all of them. So a set is
cut twice: by action, once for each action that is asked about, and then by the literal beginning of the
resource patterns, found by binary search. What is left is checked in full, denials first; the cuts only leave out
what cannot match.

A set is compiled once and shared; it never changes, save that it remembers the cut for an action.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from tabard.names.tags import fold
from tabard.policy.document import Policy
from tabard.policy.statement import CompiledStatement, compile_statement

REMEMBERED_ACTIONS: Final = 256
"""Actions that a set keeps its cut for; a caller who makes up actions must not fill the memory."""
SMALL: Final = 3
"""Up to this many statements, looking at all is faster than searching."""
_UNBOUND: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The statements for one action, by literal beginning of the resource.

    `beginnings` is sorted; `shorter[i]` is the place of the longest other beginning that `beginnings[i]` begins
    with, or -1; `found[i]` holds all statements for resources that begin so, `anywhere` those for any resource.
    """

    anywhere: tuple[CompiledStatement, ...]
    beginnings: tuple[str, ...] = ()
    shorter: tuple[int, ...] = ()
    found: tuple[tuple[CompiledStatement, ...], ...] = ()

    def candidates(self, resource: str) -> tuple[CompiledStatement, ...]:
        # Whatever `resource` begins with is the greatest beginning not above it, or one that this begins with.
        place = bisect_right(self.beginnings, resource) - 1
        while place >= 0 and not resource.startswith(self.beginnings[place]):
            place = self.shorter[place]
        return self.found[place] if place >= 0 else self.anywhere


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Compiled policies that count as one: any of their denials denies, else any of their permissions allows.

    `attached_to` is the ARN of what they are attached to, where that is not the caller or the resource itself.
    """

    statements: tuple[CompiledStatement, ...]
    attached_to: str = ""
    _shelves: dict[str, _Shelf] = field(default_factory=dict, init=False, repr=False, compare=False)

    def candidates(self, action: str, resource: str) -> tuple[CompiledStatement, ...]:
        """The statements for this action that could cover this resource, denials first."""
        shelf = self._shelves.get(action)
        if shelf is None:
            lowered = fold(action)
            shelf = _shelf([each for each in self.statements if each.covers_action(lowered)])
            if len(self._shelves) < REMEMBERED_ACTIONS:
                self._shelves[action] = shelf
        return shelf.candidates(resource) if shelf.beginnings else shelf.anywhere


NOTHING: Final = PolicySet(())
"""The set that allows nothing: what a GetFederationToken session without session policies has."""


def compile_policies(
    policies: Iterable[tuple[str, Policy]], bindings: Mapping[str, str] = _UNBOUND, *, attached_to: str = ""
) -> PolicySet:
    """One set from policies and their names (`names.policies`).

    `bindings` maps a user or role ARN that a document names as a principal to the unique id that it was bound to.
    """
    statements = [
        compile_statement(name, policy, statement, bindings)
        for name, policy in policies
        for statement in policy.statements
    ]
    return PolicySet(tuple(sorted(statements, key=lambda each: not each.denies)), attached_to)


def _shelf(statements: Sequence[CompiledStatement]) -> _Shelf:
    """Builds the search structure; statements keep their order in every answer."""
    if len(statements) <= SMALL:
        return _Shelf(tuple(statements))
    anywhere: set[int] = set()
    places: dict[str, set[int]] = {}
    for place, statement in enumerate(statements):
        if statement.prefixes is None:
            anywhere.add(place)
        else:
            for prefix in statement.prefixes:
                places.setdefault(prefix, set()).add(place)
    beginnings = tuple(sorted(places))
    shorter: list[int] = []
    gathered: list[set[int]] = []
    for at, beginning in enumerate(beginnings):
        above = at - 1
        while above >= 0 and not beginning.startswith(beginnings[above]):
            above = shorter[above]
        shorter.append(above)
        gathered.append(places[beginning] | (gathered[above] if above >= 0 else anywhere))
    return _Shelf(
        anywhere=tuple(statements[place] for place in sorted(anywhere)),
        beginnings=beginnings,
        shorter=tuple(shorter),
        found=tuple(tuple(statements[place] for place in sorted(each)) for each in gathered),
    )

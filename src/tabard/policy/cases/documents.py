"""The policies of a case, compiled; the sets that cases have in common are compiled once.

A document that AWS would refuse to save is refused, in AWS's words. Leniently it is judged all the same, statement by
statement, and fails closed: a statement that cannot be evaluated allows nothing where it is an Allow, and denies
everything where it is a Deny, or where nobody can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import msgspec

from tabard.faults import MalformedPolicy
from tabard.policy.cases.form import Case, NamedDocument, UnreadableCase
from tabard.policy.checks import require_dates
from tabard.policy.compile import NOTHING, PolicySet, compile_policies
from tabard.policy.decide import Layers
from tabard.policy.document import VERSION_2012, Effect, Kind, Policy, PrincipalSet, Statement
from tabard.policy.lint.findings import quoted
from tabard.policy.parse import Members, parse_leniently, parse_policy
from tabard.policy.principal import PrincipalKind
from tabard.policy.strict_json import JSON, write_json

REMEMBERED: Final = 256
"""Compiled sets that are kept."""
LONGEST_REMEMBERED: Final = 32_768
"""Characters of the documents of a set that is kept."""
ROLE_ACTIONS: Final = "sts:"
KEY_ACTIONS: Final = "kms:"
MAXIMUM_UNREADABLE: Final = 100
"""Statements that cannot be evaluated and that an answer lists."""
_LONGEST_MESSAGE: Final = 500
"""Characters of AWS's words, which may quote the document, that are told."""
_FULL_ACCESS: Final = Policy(
    version=VERSION_2012,
    statements=(
        Statement(
            index=0,
            effect=Effect.ALLOW,
            principals=PrincipalSet(everyone=True),
            actions=("*",),
            resources=("*",),
        ),
    ),
)
_READABLE: Final[JSON] = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
_FULL_ACCESS_NAME: Final = "RCPFullAWSAccess"


class Treated(StrEnum):
    """What became of a statement that cannot be evaluated."""

    ALLOWS_NOTHING = "allowsNothing"
    DENIES = "denies"


class Unreadable(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A statement, or a whole document, that cannot be evaluated. `at` is a place in the policy's document."""

    policy: str
    at: str
    message: str
    treated_as: Treated


@dataclass(frozen=True, slots=True)
class _Compiled:
    policies: PolicySet
    unreadable: tuple[Unreadable, ...]


class Documents:
    """Makes the layers of cases. It remembers the sets that it has compiled, up to a bound."""

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self._compiled: dict[object, _Compiled] = {}

    def layers_of(self, case: Case) -> tuple[Layers, tuple[Unreadable, ...]]:
        """The layers, and what of them could not be evaluated.

        Raises:
            UnreadableCase: a document that AWS would refuse to save, unless lenient.
        """
        given = case.policies
        unreadable: list[Unreadable] = []

        def compiled(documents: Sequence[NamedDocument], kind: Kind, level: str = "") -> PolicySet:
            found = self._set(documents, kind, level)
            unreadable.extend(found.unreadable)
            return found.policies

        def in_play(documents: Sequence[NamedDocument], kind: Kind) -> PolicySet | None:
            return compiled(documents, kind) if documents else None

        def levels(all_levels: Sequence[Sequence[NamedDocument]], kind: Kind, member: str) -> tuple[PolicySet, ...]:
            return tuple(compiled(each, kind, f"{member}[{place}]") for place, each in enumerate(all_levels))

        is_trust = _is_about(case, ROLE_ACTIONS, "iam", "role/")
        must_allow = is_trust or _is_about(case, KEY_ACTIONS, "kms", "key/")
        session = in_play(given.session, Kind.SESSION)
        if session is None and case.request.principal.kind is PrincipalKind.FEDERATED_USER:
            session = NOTHING
        resource = (given.resource,) if given.resource is not None else ()
        layers = Layers(
            identity=in_play(given.identity, Kind.INLINE),
            resource=in_play(resource, Kind.TRUST if is_trust else Kind.RESOURCE),
            boundary=in_play(given.boundaries, Kind.MANAGED),
            session=session,
            service_control=levels(given.service_control, Kind.SERVICE_CONTROL, "serviceControlPolicies") or None,
            resource_control=levels(given.resource_control, Kind.RESOURCE_CONTROL, "resourceControlPolicies") or None,
            endpoint=in_play(given.endpoint, Kind.RESOURCE),
            resource_must_allow=must_allow,
        )
        return layers, tuple(unreadable[:MAXIMUM_UNREADABLE])

    def _set(self, documents: Sequence[NamedDocument], kind: Kind, level: str) -> _Compiled:
        # Two documents that are written alike are one; the text of a tree of texts tells all that is in it.
        key = (kind, level, str([(each.name, each.document) for each in documents]))
        found = self._compiled.pop(key, None)
        if found is None:
            found = self._compile(documents, kind, level)
            if len(key[2]) > LONGEST_REMEMBERED:
                return found
            if len(self._compiled) >= REMEMBERED:
                del self._compiled[next(iter(self._compiled))]
        self._compiled[key] = found  # at the end: what was used last goes last
        return found

    def _compile(self, documents: Sequence[NamedDocument], kind: Kind, level: str) -> _Compiled:
        unreadable: list[Unreadable] = []
        policies: list[tuple[str, Policy]] = []
        for each in documents:
            try:
                policies.append((each.name, _parsed(each, kind)))
            except MalformedPolicy as refusal:
                if not self._lenient:
                    name = f" ({quoted(each.name)})" if each.name != each.at else ""
                    raise UnreadableCase(f"{quoted(each.at)}{name}: {_told(refusal)}") from None
                policies.append((each.name, _leniently(each, kind, unreadable)))
        if kind is Kind.RESOURCE_CONTROL and not any(policy is _FULL_ACCESS for _, policy in policies):
            # It is attached everywhere and cannot be detached.
            policies.append((_FULL_ACCESS_NAME, _FULL_ACCESS))
        return _Compiled(compile_policies(policies, attached_to=level), tuple(unreadable))


def _is_about(case: Case, actions: str, service: str, resource_type: str) -> bool:
    """Whether the case asks for such an action on such a resource, whose own policy must always allow."""
    parts = case.request.resource.split(":", 5)
    on_such = len(parts) == 6 and parts[2] == service and parts[5].startswith(resource_type)
    return on_such and case.request.action.lower().startswith(actions)


def _parsed(each: NamedDocument, kind: Kind) -> Policy:
    try:
        return parse_policy(write_json(each.document), kind)
    except MalformedPolicy:
        # AWS's own allows, as none that is written by others may.
        if kind is Kind.RESOURCE_CONTROL and _is_full_access(each.document):
            return _FULL_ACCESS
        raise


def _is_full_access(document: Members) -> bool:
    try:
        policy = parse_policy(write_json(document), Kind.RESOURCE)
    except MalformedPolicy:
        return False
    return tuple(replace(each, sid=None) for each in policy.statements) == _FULL_ACCESS.statements


def _leniently(each: NamedDocument, kind: Kind, unreadable: list[Unreadable]) -> Policy:
    """What can be evaluated of the document, one statement after the other."""
    found = each.document.get("Statement")
    raw_statements: list[JSON] = found if isinstance(found, list) else [found]
    # What stands around the statements is looked at once, however many they are and however long it is.
    of_all = _evaluated({**each.document, "Statement": [_READABLE]}, kind)
    around: Members = {"Version": each.document["Version"]} if "Version" in each.document else {}
    statements: list[Statement] = []
    for index, raw in enumerate(raw_statements or [None]):
        evaluated = of_all if isinstance(of_all, MalformedPolicy) else _evaluated({**around, "Statement": [raw]}, kind)
        if isinstance(evaluated, Policy):
            statements += [replace(statement, index=index) for statement in evaluated.statements]
            continue
        allows = isinstance(raw, dict) and str(raw.get("Effect")).lower() == "allow"
        treated = Treated.ALLOWS_NOTHING if allows else Treated.DENIES
        at = evaluated.at.replace("Statement[0]", f"Statement[{index}]", 1)
        unreadable.append(Unreadable(policy=each.name, at=_cut(at), message=_cut(evaluated.public), treated_as=treated))
        if not allows:
            statements.append(_denial(raw, index))
    version = of_all.version if isinstance(of_all, Policy) else VERSION_2012
    return Policy(version=version, statements=tuple(statements))


def _evaluated(document: Members, kind: Kind) -> Policy | MalformedPolicy:
    """The tree, or why it cannot be evaluated."""
    try:
        policy = parse_leniently(write_json(document), kind)
        for statement in policy.statements:
            require_dates(statement)
    except MalformedPolicy as refusal:
        return refusal
    return policy


def _denial(raw: JSON, index: int) -> Statement:
    """In place of a statement that nobody can read: everything is denied, to whoever the layer speaks of."""
    sid = raw.get("Sid") if isinstance(raw, dict) else None
    return Statement(
        index=index,
        effect=Effect.DENY,
        sid=sid if isinstance(sid, str) else None,
        # To deny all but nobody reaches those too whom no `*` names: identities that have no role yet.
        not_principals=PrincipalSet(),
        actions=("*",),
        resources=("*",),
    )


def _told(refusal: MalformedPolicy) -> str:
    at = f" {quoted(refusal.at)}" if refusal.at else ""
    return f"{_cut(refusal.public)}{at} ({refusal.reason})"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"

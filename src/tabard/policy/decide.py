"""Statements → a decision: the only place that combines (IAM User Guide, "Policy evaluation logic").

Any denial that applies, in any layer, denies. Without one:

* **Same account.** The account's root may do all. A resource policy that names the user, the session or `*`
  allows by itself; one that names the session's role (or the federated user's maker) allows unless the boundary
  or the session policy is silent; one that names the account only hands over to the account. Otherwise the
  identity policies, the boundary and the session policies, where there are any, must all allow. Some resources
  (roles) want their own policy to allow in any case: `resource_must_allow`.
* **Another account's resource.** Both sides must allow: identity, boundary and session here, the resource's
  policy there, and no way of naming the principal outweighs anything.
* **No account.** Services, anonymous callers and identities from a provider have the resource's policy alone.

`DENY_ON_ERROR` is our choice where AWS says nothing: if a statement cannot be evaluated, whatever the cause,
the request is denied, for it might have been the one that denies.

What is denied is a value, not an exception. A decision keeps every statement that applied.
"""

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from tabard.policy.compile import PolicySet
from tabard.policy.context import Context
from tabard.policy.document import Effect
from tabard.policy.principal import Principal, PrincipalKind
from tabard.policy.principals import PrincipalMatch
from tabard.policy.statement import CompiledStatement


class Layer(StrEnum):
    """The kinds of policy that take part; the values are AWS's words for them."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


class Outcome(StrEnum):
    """AWS's three answers (`PolicyEvaluationDecisionType`)."""

    ALLOWED = "allowed"
    IMPLICIT_DENY = "implicitDeny"
    EXPLICIT_DENY = "explicitDeny"


class AccessRequest(msgspec.Struct, frozen=True, kw_only=True):
    """May `principal` do `action` to `resource`? `resource` is an ARN or `*`; `context` has folded keys."""

    principal: Principal
    action: str
    resource: str
    resource_account: str
    context: Context


class Layers(msgspec.Struct, frozen=True, kw_only=True):
    """The policies in play.

    No identity policies (None or an empty set) allow nothing. No boundary and no session policies limit nothing
    while they are None; an empty set of either allows nothing. `resource_must_allow`: the resource's policy must
    allow inside its own account too.
    """

    identity: PolicySet | None = None
    resource: PolicySet | None = None
    boundary: PolicySet | None = None
    session: PolicySet | None = None
    resource_must_allow: bool = False


class StatementMatch(msgspec.Struct, frozen=True, kw_only=True):
    """One statement that applied. `principal`: how its principal element named the caller, where it has one."""

    layer: Layer
    policy: str
    sid: str | None
    index: int
    effect: Effect
    principal: PrincipalMatch | None


_Applied: TypeAlias = list[tuple[CompiledStatement, PrincipalMatch | None]]
"""The statements of one layer that apply, denials first, and how each named the principal."""
_Findings: TypeAlias = tuple[_Applied | None, _Applied | None, _Applied | None, _Applied | None]
"""What applies in each layer, in the order of `_LAYERS`; None for a layer that is not in play."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `layer` is the one that denied, or whose silence did; None when allowed or in error.

    `error` names what could not be evaluated, for operators only.
    """

    outcome: Outcome
    layer: Layer | None = None
    error: str | None = None
    _findings: _Findings = (None, None, None, None)

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOWED

    @property
    def matches(self) -> tuple[StatementMatch, ...]:
        """Every statement that applied, layer by layer, denials first."""
        return tuple(
            StatementMatch(
                layer=layer,
                policy=compiled.policy,
                sid=compiled.statement.sid,
                index=compiled.statement.index,
                effect=compiled.statement.effect,
                principal=named,
            )
            for layer, applied in zip(_LAYERS, self._findings, strict=True)
            for compiled, named in applied or ()
        )


DENY_ON_ERROR: Final = Outcome.EXPLICIT_DENY
"""What a request gets when a statement cannot be evaluated."""

# Reading an enumeration's member costs as much as a comparison; what every decision needs is read once.
_LAYERS: Final = (Layer.IDENTITY, Layer.RESOURCE, Layer.BOUNDARY, Layer.SESSION)
"""In the order in which a denial is named."""
_IDENTITY, _RESOURCE, _BOUNDARY, _SESSION = _LAYERS
_ALLOWED, _IMPLICIT_DENY, _EXPLICIT_DENY = Outcome.ALLOWED, Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY
_ROOT: Final = PrincipalKind.ROOT
_WITHOUT_ACCOUNT: Final = frozenset({PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE, PrincipalKind.FEDERATED})

_OUTRIGHT: Final = frozenset({PrincipalMatch.SESSION, PrincipalMatch.USER, PrincipalMatch.EVERYONE})
"""Named so, a principal of the resource's account needs no other permission."""
_WITHIN_LIMITS: Final = frozenset({PrincipalMatch.ROLE, PrincipalMatch.ISSUER})
"""Named so, it needs none either, but stays within boundary and session policies."""
_NONE: Final[frozenset[PrincipalMatch]] = frozenset()


def decide(request: AccessRequest, layers: Layers) -> Decision:
    """The answer for one request. It never raises."""
    try:
        findings = _consult(request, layers)
    except Exception as error:  # noqa: BLE001 - DENY_ON_ERROR: whatever went wrong, the answer is no
        return Decision(outcome=DENY_ON_ERROR, error=f"{type(error).__name__}: {error}")
    for place, applied in enumerate(findings):
        if applied and applied[0][0].denies:
            return Decision(outcome=_EXPLICIT_DENY, layer=_LAYERS[place], _findings=findings)
    silent = _silent_layer(request, layers, findings)
    return Decision(outcome=_ALLOWED if silent is None else _IMPLICIT_DENY, layer=silent, _findings=findings)


def denial_text(request: AccessRequest, decision: Decision, *, explained: bool = True) -> str:
    """What the caller reads, in AWS's grammar ("Troubleshoot access denied error messages").

    `explained=False` leaves out the layer, as STS does when a role may not be assumed.
    """
    match request.principal.kind:
        case PrincipalKind.ANONYMOUS:
            return "Access Denied"
        case PrincipalKind.FEDERATED:
            return f"Not authorized to perform {request.action}"
    base = (
        f"User: {request.principal.arn} is not authorized to perform: {request.action} on resource: {request.resource}"
    )
    if not explained or decision.layer is None:
        return base
    if decision.outcome is Outcome.EXPLICIT_DENY:
        article = "an" if decision.layer is Layer.IDENTITY else "a"
        return f"{base} with an explicit deny in {article} {decision.layer}"
    return f"{base} because no {decision.layer} allows the {request.action} action"


def _consult(request: AccessRequest, layers: Layers) -> _Findings:
    """What each layer has to say to this principal; identity policies and boundaries do not bind root."""
    kind = request.principal.kind
    has_account = kind not in _WITHOUT_ACCOUNT
    is_bound = has_account and kind is not _ROOT
    identity, resource, boundary, session = layers.identity, layers.resource, layers.boundary, layers.session
    return (
        _apply(identity, request) if identity is not None and is_bound else None,
        _apply(resource, request, bounded=boundary is not None) if resource is not None else None,
        _apply(boundary, request) if boundary is not None and is_bound else None,
        _apply(session, request) if session is not None and has_account else None,
    )


def _apply(policies: PolicySet, request: AccessRequest, *, bounded: bool = False) -> _Applied:
    applied: _Applied = []
    resource, context = request.resource, request.context
    for statement in policies.candidates(request.action, resource):
        named = None
        if (principals := statement.principals) is not None:
            named = principals(request.principal, bounded)
            if named is None:
                continue
        if (covers := statement.covers_resource) is not None and not covers(resource, context):
            continue
        for holds in statement.conditions:
            if not holds(context):
                break
        else:
            applied.append((statement, named))
    return applied


def _silent_layer(request: AccessRequest, layers: Layers, findings: _Findings) -> Layer | None:
    """The layer whose silence denies, or None when the request is allowed. Nothing denies explicitly here."""
    identity, resource, boundary, session = findings
    # INVARIANT: a statement of a resource policy that names no principal grants nothing.
    grants = {named for _, named in resource if named is not None} if resource else _NONE
    principal = request.principal
    if principal.kind in _WITHOUT_ACCOUNT:
        return None if grants else _RESOURCE
    limit = None
    if boundary is not None and not boundary:
        limit = _BOUNDARY
    elif session is not None and not session:
        limit = _SESSION
    identity_is_silent = not identity and principal.kind is not _ROOT
    if principal.account != request.resource_account:
        if identity_is_silent:
            return _IDENTITY
        return limit if grants else _RESOURCE
    if grants & _OUTRIGHT:
        return None
    if grants & _WITHIN_LIMITS:
        return limit
    if layers.resource_must_allow and not grants:
        return _RESOURCE
    if identity_is_silent:
        return _RESOURCE if grants else _IDENTITY
    return limit

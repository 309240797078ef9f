"""Statements → a decision: the only place that combines (IAM User Guide, "Policy evaluation logic").

Any denial that applies, in any layer, denies. Without one:

* **Guardrails.** What an organisation sets, and the VPC endpoint that the request came through, must allow whatever
  else is said: every level of the resource's resource control policies and of the caller's service control policies
  (the root, each unit, the account), and the endpoint's policy. Service-linked roles stand outside the first two,
  callers without an account outside service control policies. An identity that has no role yet is nobody to a
  guardrail: only `*` speaks of it.
* **Same account.** The account's root may do all. A resource policy that names the user, the session or `*`
  allows by itself; one that names the session's role (or the federated user's maker) allows unless the boundary
  or the session policy is silent; one that names the account only hands over to the account. Otherwise the
  identity policies, the boundary and the session policies, where there are any, must all allow. Some resources
  (roles, keys) want their own policy to allow in any case: `resource_must_allow`.
* **Another account's resource.** Both sides must allow: identity, boundary and session here, the resource's
  policy there, and no way of naming the principal outweighs anything.
* **No account.** Services, anonymous callers and identities from a provider have the resource's policy alone.

`DENY_ON_ERROR` is our choice where AWS says nothing: if a statement cannot be evaluated, whatever the cause,
the request is denied, for it might have been the one that denies.

What is denied is a value, not an exception. A decision keeps every statement that applied; `explain` tells why the
others did not.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from tabard.names.policies import is_managed
from tabard.policy.compile import PolicySet
from tabard.policy.context import Context
from tabard.policy.document import Effect
from tabard.policy.principal import ANONYMOUS, Principal, PrincipalKind
from tabard.policy.principals import PrincipalMatch
from tabard.policy.statement import CompiledStatement


class Layer(StrEnum):
    """The kinds of policy that take part; the values are AWS's words for them."""

    SERVICE_CONTROL = "service control policy"
    RESOURCE_CONTROL = "resource control policy"
    ENDPOINT = "VPC endpoint policy"
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

    `service_control` holds a set for each level of the caller's account, from the organisation's root down, and
    `resource_control` for each level of the resource's account; None where no organisation sets any. `endpoint` is the
    policy of the VPC endpoint that the request came through.
    """

    identity: PolicySet | None = None
    resource: PolicySet | None = None
    boundary: PolicySet | None = None
    session: PolicySet | None = None
    service_control: tuple[PolicySet, ...] | None = None
    resource_control: tuple[PolicySet, ...] | None = None
    endpoint: PolicySet | None = None
    resource_must_allow: bool = False


class StatementMatch(msgspec.Struct, frozen=True, kw_only=True):
    """One statement that applied. `principal`: how its principal element named the caller, where it has one."""

    layer: Layer
    policy: str
    sid: str | None
    index: int
    effect: Effect
    principal: PrincipalMatch | None


Applied: TypeAlias = list[tuple[CompiledStatement, PrincipalMatch | None]]
"""The statements of one set that apply, denials first, and how each named the principal."""
Guardrails: TypeAlias = tuple[tuple[Layer, Applied], ...]
"""What applies in each guardrail that is in play, in the order in which a denial is named."""
Findings: TypeAlias = tuple[Applied | None, Applied | None, Applied | None, Applied | None]
"""What applies in each of `LAYERS`; None for a layer that is not in play."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `layer` is the one that denied, or whose silence did; None when allowed or in error.

    `error` names what could not be evaluated, for operators only.
    """

    outcome: Outcome
    layer: Layer | None = None
    error: str | None = None
    guardrails: Guardrails = ()
    findings: Findings = (None, None, None, None)

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOWED

    @property
    def applied(self) -> Iterator[tuple[Layer, Applied]]:
        """Every layer that was in play, and what applied there; in the order in which a denial is named."""
        yield from self.guardrails
        for layer, applied in zip(LAYERS, self.findings, strict=True):
            if applied is not None:
                yield layer, applied

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
            for layer, applied in self.applied
            for compiled, named in applied
        )

    @property
    def denied_by(self) -> CompiledStatement | None:
        """The first denial of the layer that denied."""
        return next(
            (applied[0][0] for layer, applied in self.applied if layer is self.layer and _denies(applied)), None
        )


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One question, what it was judged by, and the answer."""

    request: AccessRequest
    layers: Layers
    decision: Decision


DENY_ON_ERROR: Final = Outcome.EXPLICIT_DENY
"""What a request gets when a statement cannot be evaluated."""

# Reading an enumeration's member costs as much as a comparison; what every decision needs is read once.
LAYERS: Final = (Layer.IDENTITY, Layer.RESOURCE, Layer.BOUNDARY, Layer.SESSION)
"""The layers besides the guardrails, in the order in which a denial is named."""
_IDENTITY, _RESOURCE, _BOUNDARY, _SESSION = range(4)
_SERVICE_CONTROL, _RESOURCE_CONTROL, _ENDPOINT = Layer.SERVICE_CONTROL, Layer.RESOURCE_CONTROL, Layer.ENDPOINT
_ALLOWED, _IMPLICIT_DENY, _EXPLICIT_DENY = Outcome.ALLOWED, Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY
_ROOT, _FEDERATED = PrincipalKind.ROOT, PrincipalKind.FEDERATED
_WITHOUT_ACCOUNT: Final = frozenset({PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE, PrincipalKind.FEDERATED})
_SERVICE_LINKED: Final = ":role/aws-service-role/"

_OUTRIGHT: Final = frozenset({PrincipalMatch.SESSION, PrincipalMatch.USER, PrincipalMatch.EVERYONE})
"""Named so, a principal of the resource's account needs no other permission."""
_WITHIN_LIMITS: Final = frozenset({PrincipalMatch.ROLE, PrincipalMatch.ISSUER})
"""Named so, it needs none either, but stays within boundary and session policies."""
_NONE: Final[frozenset[PrincipalMatch]] = frozenset()


def decide(request: AccessRequest, layers: Layers) -> Decision:
    """The answer for one request. It never raises."""
    try:
        guardrails = _consult_guardrails(request, layers)
        findings = _consult(request, layers)
    except Exception as error:  # noqa: BLE001 - DENY_ON_ERROR: whatever went wrong, the answer is no
        return Decision(outcome=DENY_ON_ERROR, error=f"{type(error).__name__}: {error}")
    silent = None
    for layer, applied in guardrails:
        if _denies(applied):
            return Decision(outcome=_EXPLICIT_DENY, layer=layer, guardrails=guardrails, findings=findings)
        if silent is None and not _lets_through(layer, applied):
            silent = layer
    for place, found in enumerate(findings):
        if found and found[0][0].denies:
            return Decision(outcome=_EXPLICIT_DENY, layer=LAYERS[place], guardrails=guardrails, findings=findings)
    if silent is None:
        silent = _silent_layer(request, layers, findings)
    outcome = _ALLOWED if silent is None else _IMPLICIT_DENY
    return Decision(outcome=outcome, layer=silent, guardrails=guardrails, findings=findings)


def evaluate(request: AccessRequest, layers: Layers) -> Evaluation:
    """`decide`, with the question beside the answer."""
    return Evaluation(request=request, layers=layers, decision=decide(request, layers))


def required_layers(request: AccessRequest, layers: Layers, findings: Findings) -> tuple[int, ...]:
    """The places in `LAYERS` of those that must allow, in the order in which their silence is named.

    A boundary or session policy that is not in play is among them, and limits nothing.
    """
    kind = request.principal.kind
    if kind in _WITHOUT_ACCOUNT:
        return _OF_OUTSIDERS
    if request.principal.account != request.resource_account:
        return _OF_ROOT_ABROAD if kind is _ROOT else _ABROAD
    grants = _grants(findings)
    if grants & _OUTRIGHT:
        return ()
    if grants & _WITHIN_LIMITS:
        return _LIMITS
    if layers.resource_must_allow and not grants:
        return _WITH_RESOURCE
    return _LIMITS if kind is _ROOT else _AT_HOME


_LIMITS: Final = (_BOUNDARY, _SESSION)
_AT_HOME: Final = (_IDENTITY, *_LIMITS)
_WITH_RESOURCE: Final = (_RESOURCE, *_AT_HOME)
_ABROAD: Final = (_IDENTITY, _RESOURCE, *_LIMITS)
_OF_ROOT_ABROAD: Final = (_RESOURCE, *_LIMITS)
_OF_OUTSIDERS: Final = (_RESOURCE,)


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
        denied_by = decision.denied_by
        policy = f": {denied_by.policy}" if denied_by is not None and is_managed(denied_by.policy) else ""
        return f"{base} with an explicit deny in {article} {decision.layer}{policy}"
    return f"{base} because no {decision.layer} allows the {request.action} action"


def _consult_guardrails(request: AccessRequest, layers: Layers) -> Guardrails:
    """What each guardrail says of this principal."""
    if layers.service_control is None and layers.resource_control is None and layers.endpoint is None:
        return ()
    principal = request.principal
    kind = principal.kind
    speaks_of = ANONYMOUS if kind is _FEDERATED else principal
    consulted: list[tuple[Layer, Applied]] = []
    if _SERVICE_LINKED not in principal.issuer_arn:
        if layers.service_control is not None and kind not in _WITHOUT_ACCOUNT:
            consulted += [(_SERVICE_CONTROL, _apply(each, request, speaks_of)) for each in layers.service_control]
        if layers.resource_control is not None:
            consulted += [(_RESOURCE_CONTROL, _apply(each, request, speaks_of)) for each in layers.resource_control]
    if layers.endpoint is not None:
        consulted.append((_ENDPOINT, _apply(layers.endpoint, request, speaks_of)))
    return tuple(consulted)


def _consult(request: AccessRequest, layers: Layers) -> Findings:
    """What each layer has to say to this principal; identity policies and boundaries do not bind root."""
    principal = request.principal
    kind = principal.kind
    has_account = kind not in _WITHOUT_ACCOUNT
    is_bound = has_account and kind is not _ROOT
    identity, resource, boundary, session = layers.identity, layers.resource, layers.boundary, layers.session
    return (
        _apply(identity, request, principal) if identity is not None and is_bound else None,
        _apply(resource, request, principal, bounded=boundary is not None) if resource is not None else None,
        _apply(boundary, request, principal) if boundary is not None and is_bound else None,
        _apply(session, request, principal) if session is not None and has_account else None,
    )


def _apply(policies: PolicySet, request: AccessRequest, principal: Principal, *, bounded: bool = False) -> Applied:
    applied: Applied = []
    resource, context = request.resource, request.context
    for statement in policies.candidates(request.action, resource):
        named = None
        if (principals := statement.principals) is not None:
            named = principals(principal, bounded)
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


def _denies(applied: Applied) -> bool:
    return bool(applied) and applied[0][0].denies


def _lets_through(layer: Layer, applied: Applied) -> bool:
    """Whether a guardrail without a denial allows. Service control policies name nobody, the others must."""
    return bool(applied) if layer is _SERVICE_CONTROL else any(named is not None for _, named in applied)


def _grants(findings: Findings) -> frozenset[PrincipalMatch]:
    """How the resource's policy names the principal where it allows; nothing denies explicitly here."""
    # INVARIANT: a statement of a resource policy that names no principal grants nothing.
    resource = findings[_RESOURCE]
    return frozenset([named for _, named in resource if named is not None]) if resource else _NONE


def _silent_layer(request: AccessRequest, layers: Layers, findings: Findings) -> Layer | None:
    """The layer whose silence denies, or None when the request is allowed. Nothing denies explicitly here."""
    for place in required_layers(request, layers, findings):
        found = findings[place]
        if place == _RESOURCE:
            if not _grants(findings):
                return LAYERS[place]
        elif place == _IDENTITY:
            if not found:
                # The resource's policy has handed over to the account, and is named: it allows too little.
                handed_over = request.principal.account == request.resource_account and bool(_grants(findings))
                return LAYERS[_RESOURCE if handed_over else _IDENTITY]
        elif found is not None and not found:
            return LAYERS[place]
    return None

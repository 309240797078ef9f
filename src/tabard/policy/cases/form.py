"""JSON → `Case`: the form, and every refusal of what does not have it.

Nothing is skipped: a member that is not known, or that is there twice, is refused, for a case with a misspelt policy
would pass for the wrong reason. Condition keys that follow from the principal or the resource are put in; what the
case's own context says stands over them.

Raises, all of it: `UnreadableCase`, whose text says where.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final, TypeAlias, TypeVar

import msgspec

from tabard.names.tags import fold
from tabard.policy.cases.principals import federated, keys_of, principal_of, service
from tabard.policy.context import Context, Value
from tabard.policy.decide import AccessRequest, Layer, Outcome
from tabard.policy.lint.findings import quoted
from tabard.policy.pattern import ARN_PARTS
from tabard.policy.positions import Path, path_text
from tabard.policy.principal import ANONYMOUS, Principal
from tabard.policy.strict_json import JSON, MAXIMUM_DEPTH, NotStrict, Number, read_strict, write_json

MAXIMUM_CASE: Final = 1_048_576
"""Characters of one case."""
MAXIMUM_FILE: Final = 16 * MAXIMUM_CASE
"""Characters of a file of cases."""
MAXIMUM_POLICIES: Final = 1_000
"""Policies of one case."""
_DEPTH: Final = MAXIMUM_DEPTH + 8
"""A case holds documents, and a file holds cases."""

Members: TypeAlias = dict[str, JSON]
_T = TypeVar("_T")


class UnreadableCase(Exception):  # noqa: N818 - a message for people, in one line
    """This is no case, or it cannot be decided. The text says where, and what is wrong."""


class NamedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A policy of a case. `at` is where in the case it stands, which is also its name where it has no other."""

    name: str
    document: dict[str, JSON]
    at: str


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """The policies of a case, by kind. No level, no endpoint, no boundary and no session policy: it is not in play."""

    identity: tuple[NamedDocument, ...] = ()
    resource: NamedDocument | None = None
    boundaries: tuple[NamedDocument, ...] = ()
    session: tuple[NamedDocument, ...] = ()
    service_control: tuple[tuple[NamedDocument, ...], ...] = ()
    resource_control: tuple[tuple[NamedDocument, ...], ...] = ()
    endpoint: tuple[NamedDocument, ...] = ()


class Deciding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is expected to have decided; what is None may be any."""

    layer: Layer | None = None
    policy: str | None = None
    sid: str | None = None


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that a case wants."""

    decision: Outcome
    by: Deciding = Deciding()


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case."""

    request: AccessRequest
    policies: Policies
    name: str | None = None
    id: str | None = None
    expected: Expected | None = None


def read_case(text: str) -> Case:
    """One case from its text.

    Raises:
        UnreadableCase: see the module.
    """
    return case_of(load(text, size=MAXIMUM_CASE))


def read_file(text: str) -> list[JSON]:
    """The cases of a file, still to be read: one case, a list of them, or `{"defaults": {…}, "cases": […]}`.

    A member of the defaults stands in every case that has none of the same name.

    Raises:
        UnreadableCase: see the module.
    """
    value = load(text, size=MAXIMUM_FILE)
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or "cases" not in value:
        return [value]
    _only(value, ("$schema", "defaults", "cases"), ())
    defaults = _members(value.get("defaults", {}), ("defaults",))
    _only(defaults, _MEMBERS, ("defaults",))
    cases = _list(value["cases"], ("cases",))
    return [{**defaults, **each} if isinstance(each, dict) else each for each in cases]


def load(text: str, *, size: int = MAXIMUM_CASE) -> JSON:
    """Strict JSON.

    Raises:
        UnreadableCase: it is none.
    """
    try:
        return read_strict(text, size=size, depth=_DEPTH)
    except NotStrict as refusal:
        said = _REFUSALS[refusal.reason].format(size=size, depth=_DEPTH)
        raise UnreadableCase(f"{said}{f': {quoted(refusal.what)}' if refusal.what else ''}") from None


_REFUSALS: Final[Mapping[str, str]] = {
    "size": "it has more than {size} characters",
    "depth": "it is nested more than {depth} levels deep",
    "syntax": "it is not JSON",
    "character": "a text in it has a control character or half of a character",
    "duplicate-key": "a member is there twice",
    "number": "a number in it is too long",
    "constant": "it is not JSON",
}


def labels(value: JSON) -> tuple[str | None, str | None]:
    """The `name` and `id` of what might be a case."""
    members = value if isinstance(value, dict) else {}
    name, identifier = members.get("name"), members.get("id")
    return name if isinstance(name, str) else None, identifier if isinstance(identifier, str) else None


def case_of(value: JSON, *, must_expect: bool = False) -> Case:
    """One case from its JSON. `must_expect`: it has to say what is expected.

    Raises:
        UnreadableCase: see the module.
    """
    members = _members(value, ())
    _only(members, _MEMBERS, ())
    if must_expect:
        _wanted(members, "expected", ())
    context = _context(members.get("context", {}))
    principal = _principal(_wanted(members, "principal", ()), context)
    arn, account = _resource(_wanted(members, "resource", ()), principal)
    derived = keys_of(principal)
    if account:
        derived = {**derived, "aws:resourceaccount": account}
    return Case(
        request=AccessRequest(
            principal=principal,
            action=_action(_wanted(members, "action", ())),
            resource=arn,
            resource_account=account,
            context={**derived, **context},
        ),
        policies=_policies(members),
        name=_optional(members, "name", (), _text),
        id=_optional(members, "id", (), _text),
        expected=_optional(members, "expected", (), _expected),
    )


# ── who, what, where ─────────────────────────────────────────────────────────────────────────────────


def _principal(value: JSON, context: Context) -> Principal:
    at: Path = ("principal",)
    if isinstance(value, str):
        value = {"arn": value}
    members = _members(value, at, "must be an ARN or an object")
    _only(members, ("arn", "sessionIssuer", "service", "federated", "anonymous"), at)
    match sorted(members):
        case ["anonymous"]:
            if members["anonymous"] is not True:
                raise _refusal((*at, "anonymous"), "must be `true`, or not there")
            return ANONYMOUS
        case ["service"]:
            return service(_text(members["service"], (*at, "service")))
        case ["federated"]:
            return federated(_text(members["federated"], (*at, "federated")))
        case ["arn"] | ["arn", "sessionIssuer"]:
            arn = _text(members["arn"], (*at, "arn"))
            return _of_arn(arn, _optional(members, "sessionIssuer", at, _text), context)
    raise _refusal(at, "must have one of `arn`, `service`, `federated`, `anonymous`; `sessionIssuer` goes with `arn`")


def _of_arn(arn: str, issuer: str | None, context: Context) -> Principal:
    principal = principal_of(arn, issuer, context)
    if principal is not None:
        return principal
    if issuer is not None and principal_of(arn, None, context) is not None:
        raise _refusal(("principal", "sessionIssuer"), f"cannot be {quoted(issuer)} for {quoted(arn)}")
    raise _refusal(
        ("principal",), f"{quoted(arn)} is no ARN of a user, role, role session, federated user or account's root"
    )


def _action(value: JSON) -> str:
    action = _text(value, ("action",))
    vendor, colon, name = action.partition(":")
    if not (vendor and colon and name) or "*" in action or "?" in action:
        raise _refusal(("action",), f"{quoted(action)} is no action, such as `s3:GetObject`")
    return action


def _resource(value: JSON, principal: Principal) -> tuple[str, str]:
    """The ARN and the account. An ARN need not name one; then the resource is the principal's."""
    members = _members(value, ("resource",))
    _only(members, ("arn", "account"), ("resource",))
    arn = _text(_wanted(members, "arn", ("resource",)), ("resource", "arn"))
    parts = arn.split(":", ARN_PARTS - 1)
    if arn != "*" and (len(parts) < ARN_PARTS or parts[0] != "arn"):
        raise _refusal(("resource", "arn"), f"{quoted(arn)} is neither an ARN nor `*`")
    account = _optional(members, "account", ("resource",), _text)
    if account is None:
        return arn, parts[4] if arn != "*" and _is_account(parts[4]) else principal.account
    if not _is_account(account):
        raise _refusal(("resource", "account"), f"{quoted(account)} is no account id of twelve digits")
    return arn, account


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


def _context(value: JSON) -> dict[str, Value]:
    context: dict[str, Value] = {}
    for key, given in _members(value, ("context",)).items():
        at: Path = ("context", key)
        folded = fold(key)
        if not folded:
            raise _refusal(("context",), "has a key without a name")
        if folded in context:
            raise _refusal(at, "is there twice, for condition keys compare without regard to case")
        context[folded] = given if isinstance(given, str) else _values(given, at)
    return context


def _values(value: JSON, at: Path) -> tuple[str, ...]:
    if isinstance(value, Number | bool):
        shown = value.text if isinstance(value, Number) else str(value).lower()
        raise _refusal(at, f"must be a text or a list of texts; write {quoted(write_json(shown))}")
    if not isinstance(value, list):
        raise _refusal(at, "must be a text or a list of texts")
    return tuple(_text(each, (*at, place), empty=True) for place, each in enumerate(value))


# ── policies ─────────────────────────────────────────────────────────────────────────────────────────


def _policies(members: Members) -> Policies:
    given: Members = {name: value for name in _POLICIES if (value := members.get(name)) is not None}
    found = Policies(
        identity=_documents(given, "identityPolicies"),
        resource=_optional(given, "resourcePolicy", (), _document),
        boundaries=_documents(given, "permissionsBoundaries"),
        session=_documents(given, "sessionPolicies"),
        service_control=_levels(given, "serviceControlPolicies"),
        resource_control=_levels(given, "resourceControlPolicies"),
        endpoint=_documents(given, "endpointPolicies"),
    )
    levels = (*found.service_control, *found.resource_control)
    count = sum(map(len, (found.identity, found.boundaries, found.session, found.endpoint, levels, *levels)))
    if count > MAXIMUM_POLICIES:
        raise _refusal((), f"has more than {MAXIMUM_POLICIES} policies")
    return found


def _documents(members: Members, name: str) -> tuple[NamedDocument, ...]:
    return _each(members.get(name, []), (name,))


def _levels(members: Members, name: str) -> tuple[tuple[NamedDocument, ...], ...]:
    levels = _list(members.get(name, []), (name,), "must be a list of levels, each a list of policies")
    return tuple(
        _each(each, (name, place), "must be a level, and so a list of policies") for place, each in enumerate(levels)
    )


def _each(value: JSON, at: Path, otherwise: str = "must be a list of policies") -> tuple[NamedDocument, ...]:
    return tuple(_document(each, (*at, place)) for place, each in enumerate(_list(value, at, otherwise)))


def _document(value: JSON, at: Path) -> NamedDocument:
    members = _members(value, at, 'must be a policy document, or {"name": …, "policy": …}')
    where = path_text(at)
    if "policy" not in members and "name" not in members:
        return NamedDocument(name=where, document=members, at=where)
    _only(members, ("name", "policy"), at)
    return NamedDocument(
        name=_optional(members, "name", at, _text) or where,
        document=_members(_wanted(members, "policy", at), (*at, "policy")),
        at=where,
    )


# ── what is expected ─────────────────────────────────────────────────────────────────────────────────


def _expected(value: JSON, at: Path) -> Expected:
    if isinstance(value, str):
        value = {"decision": value}
    members = _members(value, at, "must be a decision or an object")
    _only(members, ("decision", "by"), at)
    return Expected(
        decision=_one_of(Outcome, _wanted(members, "decision", at), (*at, "decision")),
        by=_optional(members, "by", at, _deciding) or Deciding(),
    )


def _deciding(value: JSON, at: Path) -> Deciding:
    members = _members(value, at)
    _only(members, ("layer", "policy", "sid"), at)
    return Deciding(
        layer=_optional(members, "layer", at, lambda each, place: _one_of(Layer, each, place)),
        policy=_optional(members, "policy", at, _text),
        sid=_optional(members, "sid", at, _text),
    )


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────────

_POLICIES: Final = (
    "identityPolicies",
    "resourcePolicy",
    "permissionsBoundaries",
    "sessionPolicies",
    "serviceControlPolicies",
    "resourceControlPolicies",
    "endpointPolicies",
)
_MEMBERS: Final = ("$schema", "name", "id", "principal", "action", "resource", "context", *_POLICIES, "expected")


def _refusal(at: Path, what: str) -> UnreadableCase:
    return UnreadableCase(f"{quoted(path_text(at)) if at else 'the case'} {what}")


def _members(value: JSON, at: Path, otherwise: str = "must be an object") -> Members:
    if not isinstance(value, dict):
        raise _refusal(at, otherwise)
    return value


def _list(value: JSON, at: Path, otherwise: str = "must be a list") -> list[JSON]:
    if not isinstance(value, list):
        raise _refusal(at, otherwise)
    return value


def _text(value: JSON, at: Path, *, empty: bool = False) -> str:
    if not isinstance(value, str):
        raise _refusal(at, "must be a text")
    if not value and not empty:
        raise _refusal(at, "must not be empty")
    return value


def _wanted(members: Members, name: str, at: Path) -> JSON:
    if name not in members:
        raise _refusal(at, f"has no `{name}`")
    return members[name]


def _optional(members: Members, name: str, at: Path, read: Callable[[JSON, Path], _T]) -> _T | None:
    return read(members[name], (*at, name)) if name in members else None


def _only(members: Members, known: tuple[str, ...], at: Path) -> None:
    for name in members:
        if name not in known:
            near = get_close_matches(name[:100], known, 1)
            meant = f"; is `{near[0]}` meant?" if near else f"; it may have {', '.join(f'`{each}`' for each in known)}"
            raise _refusal(at, f"has a member {quoted(name)}, which is not known{meant}")


_Word = TypeVar("_Word", Outcome, Layer)


def _one_of(words: type[_Word], value: JSON, at: Path) -> _Word:
    try:
        return words(_text(value, at))
    except ValueError:
        raise _refusal(at, f"must be one of {', '.join(f'`{each}`' for each in words)}") from None

"""Text → `Policy`: the grammar, and every check that AWS makes before it saves a document.

The order is AWS's, as its answers to documents with two faults show: JSON and shape, version, principal where
none belongs, the "legacy" reader (`checks`), statement ids, presence of actions and resources, then their
spelling. Whatever is not known is refused, so that a tree holds nothing that the engine would have to skip
(IAM User Guide, "Grammar of the IAM JSON policy language"; "Troubleshoot IAM policies").

The trees of short documents are remembered: session policies come again and again, each as a new text.

Raises, all of it: `faults.MalformedPolicy`, with AWS's text where one is known, a `reason` that begins with
`policy.`, and `at`, the place.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NoReturn, TypeAlias

from tabard.faults import MalformedPolicy
from tabard.policy import checks
from tabard.policy.conditions import read_operator
from tabard.policy.document import (
    VERSION_2008,
    VERSION_2012,
    ConditionBlock,
    Effect,
    Kind,
    Policy,
    PrincipalSet,
    Statement,
)
from tabard.policy.strict_json import JSON, Number, load_strict

SYNTAX: Final = "Syntax errors in policy."
REMEMBERED: Final = 512
"""Trees that are remembered."""
LONGEST_REMEMBERED: Final = 2048
"""Characters of a document whose tree is remembered: as many as a session policy may have."""
_NOT_JSON: Final[Mapping[Kind, str]] = {
    Kind.TRUST: "This policy contains invalid Json",
    Kind.RESOURCE: "Policies must be valid JSON and the first byte must be '{'",
}
_POLICY_KEYS: Final = frozenset({"Version", "Id", "Statement"})
_STATEMENT_KEYS: Final = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_EITHER: Final = (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))
_EFFECTS: Final[Mapping[str, Effect]] = {"allow": Effect.ALLOW, "deny": Effect.DENY}
_PRINCIPAL_KEYS: Final = frozenset({"AWS", "Federated", "Service", "CanonicalUser"})
_COUNTED: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|[^" \t\r\n]++', re.DOTALL)
_ENTITY: Final = re.compile(r"(?:arn:[^:]*:iam::[0-9]{12}:(?:user|role)/.+|A(?:IDA|ROA)[A-Z0-9]+)", re.ASCII)

Members: TypeAlias = dict[str, JSON]


def parse_policy(text: str, kind: Kind) -> Policy:
    """The document as a tree; what AWS would not save is refused.

    Raises:
        MalformedPolicy: see the module.
    """
    return _remembered(text, kind) if len(text) <= LONGEST_REMEMBERED else _parsed(text, kind)


def parse_leniently(text: str, kind: Kind) -> Policy:
    """The document as a tree, though AWS might not save it: whatever its statements mean can still be told.

    What makes a statement say something else than it seems to, or nothing, is refused here too.

    Raises:
        MalformedPolicy: see the module.
    """
    policy, raw_statements, _ = _read(text, kind)
    checks.require_evaluable(policy, kind, raw_statements)
    return policy


def _parsed(text: str, kind: Kind) -> Policy:
    policy, raw_statements, states_version = _read(text, kind)
    checks.require_savable(policy, kind, raw_statements, states_version=states_version)
    return policy


def _read(text: str, kind: Kind) -> tuple[Policy, list[Members], bool]:
    """The tree, its statements as they were written, and whether the document states a version."""
    document = _members(load_strict(text, public=_NOT_JSON.get(kind, SYNTAX)), "policy")
    _only(document, _POLICY_KEYS, "policy")
    raw_statements = _raw_statements(document)
    policy = Policy(
        version=_version(document),
        id=_text(document["Id"], "Id") if "Id" in document else None,
        statements=tuple(_statement(raw, index) for index, raw in enumerate(raw_statements)),
        source=text,
    )
    return policy, raw_statements, "Version" in document


_remembered: Final = lru_cache(maxsize=REMEMBERED)(_parsed)


def document_size(text: str) -> int:
    """The characters that count towards a quota: all but white space outside strings (IAM quotas)."""
    return sum(len(match[0]) for match in _COUNTED.finditer(text))


def principal_arns(policy: Policy) -> tuple[str, ...]:
    """The user and role ARNs, and raw unique ids, that the document names under `AWS`; each once, in order."""
    sets = (each for s in policy.statements for each in (s.principals, s.not_principals) if each is not None)
    return tuple(dict.fromkeys(text for each in sets for text in each.aws if _ENTITY.fullmatch(text)))


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────────


def _refuse(at: str, reason: str) -> NoReturn:
    raise MalformedPolicy(SYNTAX, at=at, reason=f"policy.syntax.{reason}")


def _members(value: JSON, at: str) -> Members:
    if not isinstance(value, dict):
        _refuse(at, "type")
    return value


def _only(members: Members, known: frozenset[str], at: str) -> None:
    for key in members:
        if key not in known:
            _refuse(f"{at}: `{key}`", "unknown-element")


def _text(value: JSON, at: str) -> str:
    if not isinstance(value, str):
        _refuse(at, "type")
    return value


def _texts(value: JSON, at: str) -> tuple[str, ...]:
    """A text, or a list of texts."""
    values = value if isinstance(value, list) else [value]
    return tuple(_text(each, at) for each in values)


def _version(document: Members) -> str:
    if "Version" not in document:
        return VERSION_2008
    version = _text(document["Version"], "Version")
    if version not in (VERSION_2008, VERSION_2012):
        _refuse("Version", "version")
    return version


def _raw_statements(document: Members) -> list[Members]:
    if "Statement" not in document:
        _refuse("policy", "no-statement")
    found = document["Statement"]
    statements = found if isinstance(found, list) else [found]
    if not statements:
        _refuse("Statement", "no-statement")
    return [_members(raw, f"Statement[{index}]") for index, raw in enumerate(statements)]


def _statement(raw: Members, index: int) -> Statement:
    at = f"Statement[{index}]"
    _only(raw, _STATEMENT_KEYS, at)
    for one, other in _EITHER:
        if one in raw and other in raw:
            _refuse(f"{at}: `{one}` and `{other}`", "both")
    if "Effect" not in raw:
        _refuse(at, "no-effect")
    # The case of the effect is judged later, by AWS's order of checks.
    effect = _EFFECTS.get(_text(raw["Effect"], f"{at}.Effect").lower())
    if effect is None:
        _refuse(f"{at}.Effect", "effect")
    return Statement(
        index=index,
        effect=effect,
        sid=_text(raw["Sid"], f"{at}.Sid") if "Sid" in raw else None,
        principals=_principals(raw["Principal"], f"{at}.Principal") if "Principal" in raw else None,
        not_principals=_principals(raw["NotPrincipal"], f"{at}.NotPrincipal") if "NotPrincipal" in raw else None,
        actions=_texts(raw.get("Action", []), f"{at}.Action"),
        not_actions=_texts(raw.get("NotAction", []), f"{at}.NotAction"),
        resources=_texts(raw.get("Resource", []), f"{at}.Resource"),
        not_resources=_texts(raw.get("NotResource", []), f"{at}.NotResource"),
        conditions=_conditions(raw.get("Condition", {}), f"{at}.Condition"),
    )


def _principals(value: JSON, at: str) -> PrincipalSet:
    if isinstance(value, str):
        if value != "*":
            _refuse(at, "principal")
        return PrincipalSet(everyone=True)
    members = _members(value, at)
    _only(members, _PRINCIPAL_KEYS, at)
    texts = {key: _texts(each, f"{at}.{key}") for key, each in members.items()}
    aws = texts.get("AWS", ())
    return PrincipalSet(
        everyone="*" in aws,
        aws=tuple(text for text in aws if text != "*"),
        federated=texts.get("Federated", ()),
        service=texts.get("Service", ()),
        canonical_user=texts.get("CanonicalUser", ()),
    )


def _conditions(value: JSON, at: str) -> tuple[ConditionBlock, ...]:
    blocks: list[ConditionBlock] = []
    for operator, body in _members(value, at).items():
        keys = _members(body, f"{at}.{operator}")
        # NOTE: AWS saves an unknown operator that asks for nothing; it stays without effect.
        if keys and read_operator(operator) is None:
            _refuse(f"{at}: `{operator}`", "operator")
        for key, values in keys.items():
            place = f"{at}.{operator}.{key}"
            listed = values if isinstance(values, list) else [values]
            blocks.append(ConditionBlock(operator=operator, key=key, values=tuple(_value(v, place) for v in listed)))
    return tuple(blocks)


def _value(value: JSON, at: str) -> str:
    """A condition value; `true` and `5` are as good as `"true"` and `"5"`."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Number():
            return value.text
        case _:
            _refuse(at, "type")

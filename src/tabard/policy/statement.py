"""Does this statement apply to this request?

A statement applies when its action, its resource, its principal (where it has one) and all its conditions do
(IAM User Guide, "Policy evaluation logic"). Everything that can be prepared is prepared once, here; what is left
for a request are a few comparisons.

A resource pattern is compared part by part, so that a `*` in the account part cannot swallow the rest; a short
ARN is filled up with `*`. Policy variables stand only after the fifth colon; one that stands before it makes
the pattern match nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from tabard.names.tags import fold
from tabard.policy.conditions import Test, compile_condition
from tabard.policy.context import Context
from tabard.policy.document import VERSION_2012, Effect, Policy, PrincipalSet, Statement
from tabard.policy.pattern import ARN_PARTS, Matcher, Tokens, Wild, arn_glob, glob, is_literal, text_of, tokens_of
from tabard.policy.principal import Principal
from tabard.policy.principals import PrincipalMatch, audience_of
from tabard.policy.variables import parse_template, resolve, without_variables

ResourceTest: TypeAlias = Callable[[str, Context], bool]
PrincipalTest: TypeAlias = Callable[[Principal, bool], PrincipalMatch | None]
"""Principal, and whether it has a permissions boundary → how it is named."""

EVERY_RESOURCE: Final = "*"
_WILDCARDS: Final = ("*", "?", "${")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledStatement:
    """A statement ready for requests, of the policy called `policy`.

    `covers_action` takes the action in lower case. `principals` is None where the statement has no principal
    element, `covers_resource` where it has no resource element (a trust policy) or covers every resource.
    `prefixes` are literal beginnings, one of which the resource's ARN must have; None: it may have any.
    """

    policy: str
    document: Policy
    statement: Statement
    denies: bool
    covers_action: Matcher
    covers_resource: ResourceTest | None
    prefixes: tuple[str, ...] | None
    principals: PrincipalTest | None
    conditions: tuple[Test, ...]


def compile_statement(
    name: str, policy: Policy, statement: Statement, bindings: Mapping[str, str]
) -> CompiledStatement:
    """One statement of the policy called `name`."""
    variables = policy.version == VERSION_2012
    covers_resource, prefixes = _resources(statement, variables=variables)
    return CompiledStatement(
        policy=name,
        document=policy,
        statement=statement,
        denies=statement.effect is Effect.DENY,
        covers_action=_actions(statement),
        covers_resource=covers_resource,
        prefixes=prefixes,
        principals=_principals(statement, bindings),
        conditions=tuple(compile_condition(block, variables=variables) for block in statement.conditions),
    )


# ── actions ──────────────────────────────────────────────────────────────────────────────────────────


def _actions(statement: Statement) -> Matcher:
    if statement.not_actions:
        excluded = _any_action(statement.not_actions)
        return lambda action: not excluded(action)
    return _any_action(statement.actions)


def _any_action(actions: Iterable[str]) -> Matcher:
    patterns = [tokens_of(fold(action)) for action in actions]
    exact = frozenset(text for tokens in patterns if is_literal(tokens) for text in tokens)
    globs = tuple(glob(tokens) for tokens in patterns if not is_literal(tokens))
    if not globs:
        return exact.__contains__
    return lambda action: action in exact or any(matches(action) for matches in globs)


# ── resources ────────────────────────────────────────────────────────────────────────────────────────


def _resources(statement: Statement, *, variables: bool) -> tuple[ResourceTest | None, tuple[str, ...] | None]:
    if statement.not_resources:
        excluded = _any_resource(statement.not_resources, variables=variables)
        return (lambda resource, context: not excluded(resource, context)), None
    if not statement.resources or EVERY_RESOURCE in statement.resources:
        return None, None
    prefixes = tuple(_literal_prefix(_full(resource)) for resource in statement.resources)
    return _any_resource(statement.resources, variables=variables), prefixes


def _any_resource(resources: tuple[str, ...], *, variables: bool) -> ResourceTest:
    tests = [_resource(resource, variables=variables) for resource in resources]
    if len(tests) == 1:
        return tests[0]
    return lambda resource, context: any(test(resource, context) for test in tests)


def _resource(pattern: str, *, variables: bool) -> ResourceTest:
    if pattern == EVERY_RESOURCE:
        return lambda _resource, _context: True
    *head, last = [parse_template(part, variables=variables) for part in _full(pattern).split(":", ARN_PARTS - 1)]
    fixed_head = [tokens for part in head if (tokens := without_variables(part)) is not None]
    if len(fixed_head) < len(head):
        return lambda _resource, _context: False
    fixed_last = without_variables(last)
    if fixed_last is not None:
        matches = _arn([*fixed_head, fixed_last])
        return lambda resource, _context: matches(resource)
    matches_head = _arn([*fixed_head, (Wild.ANY,)])

    def test(resource: str, context: Context) -> bool:
        if not matches_head(resource):
            return False
        tokens = resolve(last, context)
        return tokens is not None and glob(tokens)(resource.split(":", ARN_PARTS - 1)[-1])

    return test


def _arn(parts: list[Tokens]) -> Matcher:
    """One comparison when only the last part has wildcards, else part by part."""
    *head, last = parts
    if all(is_literal(part) for part in head):
        return glob((":".join([*(text_of(part) for part in head), ""]), *last))
    return arn_glob(parts)


def _full(pattern: str) -> str:
    """The pattern with six parts; AWS reads any first part as `arn`."""
    parts = ["arn", *pattern.split(":", ARN_PARTS - 1)[1:]]
    return ":".join([*parts, *["*"] * (ARN_PARTS - len(parts))])


def _literal_prefix(pattern: str) -> str:
    ends = [end for wild in _WILDCARDS if (end := pattern.find(wild)) >= 0]
    return pattern[: min(ends)] if ends else pattern


# ── principals ───────────────────────────────────────────────────────────────────────────────────────


def _principals(statement: Statement, bindings: Mapping[str, str]) -> PrincipalTest | None:
    if statement.principals is not None:
        audience = audience_of(statement.principals, bindings)
        return lambda principal, _bounded: audience.match(principal)
    if statement.not_principals is not None:
        return _not_principals(statement.not_principals, bindings, denies=statement.effect is Effect.DENY)
    return None


def _not_principals(listed: PrincipalSet, bindings: Mapping[str, str], *, denies: bool) -> PrincipalTest:
    audience = audience_of(listed, bindings)
    if not denies:
        return lambda principal, _bounded: PrincipalMatch.EVERYONE if audience.leaves_in(principal) else None

    def test(principal: Principal, bounded: bool) -> PrincipalMatch | None:
        # NOTE: a permissions boundary undoes the exception (IAM User Guide, "NotPrincipal").
        return PrincipalMatch.EVERYONE if bounded or not audience.spares(principal) else None

    return test

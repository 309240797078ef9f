"""The rules: one row each.

A default is an error only where nobody can have meant it, or where AWS refuses it too; what somebody may have meant
is a warning, and what is merely worth a second look is a hint.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tabard.policy.lint import conditions, permissions, trust
from tabard.policy.lint.findings import Level, Note, Purpose
from tabard.policy.lint.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row. `title` says in a few words what is looked for, `why` what comes of it."""

    code: str
    purposes: frozenset[Purpose]
    level: Level
    title: str
    why: str
    check: Callable[[View], Iterator[Note]]


_TRUST: Final = frozenset({Purpose.TRUST})
_RESOURCE: Final = frozenset({Purpose.RESOURCE})
_IDENTITY: Final = frozenset({Purpose.IDENTITY})
_GRANTS: Final = frozenset({Purpose.IDENTITY, Purpose.RESOURCE})
_BUT_TRUST: Final = frozenset(Purpose) - _TRUST
_ALL: Final = frozenset(Purpose)

_ROWS: Final = (
    # ── whom a trust policy lets in ──
    Rule(
        code="trust.everyone",
        purposes=_TRUST,
        level=Level.ERROR,
        title="`Principal: *` without a condition",
        why="A trust policy for everybody needs no permission on the other side: whoever has a key of any account of "
        "this store may take the role. A negated condition alone is none, for it lets in all the others.",
        check=trust.everyone,
    ),
    Rule(
        code="trust.everyone-by-choice",
        purposes=_TRUST,
        level=Level.WARNING,
        title="`Principal: *` with conditions only on what a stranger can choose",
        why="In an account of its own a stranger gives itself any name, any tag and any session name, and an external "
        "id is no secret. Only keys that say who or from where narrow everybody down.",
        check=trust.everyone_chosen_by_themselves,
    ),
    Rule(
        code="trust.account",
        purposes=_TRUST,
        level=Level.HINT,
        title="a whole account without conditions",
        why="The account's ARN hands the decision to that account: whoever there may call sts:AssumeRole on the role "
        "takes it. That is often meant; where it is one role or one user, naming it says so.",
        check=trust.whole_account,
    ),
    Rule(
        code="trust.service",
        purposes=_TRUST,
        level=Level.HINT,
        title="a service without `aws:SourceArn` or `aws:SourceAccount`",
        why="A service acts for many accounts. If it can be told to use a role of somebody else's, it is a confused "
        "deputy. Services that send the source let the trust policy test it; some send none.",
        check=trust.service_without_source,
    ),
    Rule(
        code="trust.external-id-any",
        purposes=_TRUST,
        level=Level.WARNING,
        title="an external id that may be any",
        why="The external id protects against a third party that is told to use the wrong customer's role. It does so "
        "only if one value is let through.",
        check=trust.any_external_id,
    ),
    Rule(
        code="trust.wrong-door",
        purposes=_TRUST,
        level=Level.WARNING,
        title="a provider with an action by which its identities do not come",
        why="Identities of OIDC providers come by sts:AssumeRoleWithWebIdentity and those of SAML providers by "
        "sts:AssumeRoleWithSAML. With another action the statement lets nobody in.",
        check=trust.door_of_another,
    ),
    # ── tokens ──
    Rule(
        code="trust.oidc.open",
        purposes=_TRUST,
        level=Level.ERROR,
        title="an OIDC provider with no condition on any claim",
        why="The provider vouches for whoever it signs a token for, and for no more. Without a condition on the "
        "subject or the audience, each of these takes the role.",
        check=trust.oidc_open,
    ),
    Rule(
        code="trust.oidc.no-subject",
        purposes=_TRUST,
        level=Level.ERROR,
        title="a shared issuer whose deciding claim is not tested",
        why="Issuers such as GitHub's and GitLab's sign tokens for every organisation with the same keys, and anybody "
        "chooses the audience. Only the subject (for some issuers the audience) says whose a token is. AWS "
        "refuses such a trust policy too.",
        check=trust.oidc_no_subject,
    ),
    Rule(
        code="trust.oidc.subject-any",
        purposes=_TRUST,
        level=Level.ERROR,
        title="a shared issuer whose deciding claim may be anything",
        why="A condition that every value satisfies is there for the eye only: every organisation that uses the "
        "issuer takes the role.",
        check=trust.subject_any,
    ),
    Rule(
        code="trust.oidc.subject-owner",
        purposes=_TRUST,
        level=Level.ERROR,
        title="a wildcard in the subject before the organisation is told in full",
        why="`repo:*` is every repository there is, and `repo:corp*` is also `repo:corp-evil/…`, which anybody may "
        "register. Say the organisation with its separator: `repo:corp/…`. A condition on a claim such as "
        "repository_owner_id beside it is enough, too.",
        check=trust.subject_owner,
    ),
    Rule(
        code="trust.oidc.subject-wide",
        purposes=_TRUST,
        level=Level.WARNING,
        title="a wildcard in the subject before the project is told in full",
        why="`repo:corp/*` is every repository of the organisation, each branch of it, and the pull requests that run "
        "there. Whoever may write to any of them takes the role.",
        check=trust.subject_wide,
    ),
    Rule(
        code="trust.oidc.subject-pattern",
        purposes=_TRUST,
        level=Level.HINT,
        title="a subject that is matched by a pattern",
        why="`repo:corp/app:*` is every branch, tag, environment and pull request of the project. Where one branch or "
        "environment is meant, compare the whole subject.",
        check=trust.subject_pattern,
    ),
    Rule(
        code="trust.oidc.whole-issuer",
        purposes=_TRUST,
        level=Level.WARNING,
        title="an issuer of one's own whose subject is not tested",
        why="Everybody for whom the provider signs a token for this audience takes the role. That may be meant where "
        "the issuer serves this one purpose.",
        check=trust.oidc_whole_issuer,
    ),
    Rule(
        code="trust.oidc.no-audience",
        purposes=_TRUST,
        level=Level.WARNING,
        title="an OIDC provider whose audience is not tested",
        why="The provider's record lists the audiences that it takes, for all roles at once. A token that its user "
        "gave to another of these parties could be handed on to this role.",
        check=trust.oidc_no_audience,
    ),
    Rule(
        code="trust.saml.no-audience",
        purposes=_TRUST,
        level=Level.WARNING,
        title="a SAML provider without a condition on `saml:aud`",
        why="The recipient says for whom an assertion was made out. Without the condition one that was meant for "
        "another party is taken too.",
        check=trust.saml_no_audience,
    ),
    Rule(
        code="trust.if-exists",
        purposes=_TRUST,
        level=Level.WARNING,
        title="an `…IfExists` in the Allow of a trust policy",
        why="The condition holds where the key is absent, and in a trust policy it is often the caller who decides "
        "what is sent.",
        check=conditions.if_exists_in_trust,
    ),
    # ── how much is allowed, and to whom ──
    Rule(
        code="resource.everyone",
        purposes=_RESOURCE,
        level=Level.WARNING,
        title="`Principal: *` without a condition on who",
        why="Everybody is allowed this, without a signature even. Public resources are made so on purpose; others "
        "should say who.",
        check=trust.everyone_at_resource,
    ),
    Rule(
        code="resource.service",
        purposes=_RESOURCE,
        level=Level.WARNING,
        title="a service without `aws:SourceArn` or `aws:SourceAccount`",
        why="A service acts for many accounts. Without the source it can be made to use this resource for a stranger: "
        "it is a confused deputy.",
        check=trust.service_without_source,
    ),
    Rule(
        code="allow.not-principal",
        purposes=_RESOURCE,
        level=Level.WARNING,
        title="an Allow with `NotPrincipal`",
        why="It allows everybody who is not listed, and a principal is listed only if all its names are. AWS advises "
        "against it without exception.",
        check=trust.not_principal,
    ),
    Rule(
        code="allow.not-action",
        purposes=_GRANTS,
        level=Level.WARNING,
        title="an Allow with `NotAction`",
        why="It allows every action that is not listed, those of services that come later too.",
        check=permissions.not_action,
    ),
    Rule(
        code="allow.not-resource",
        purposes=_GRANTS,
        level=Level.WARNING,
        title="an Allow with `NotResource`",
        why="It allows the actions on every resource that is not listed, those that are made later too.",
        check=permissions.not_resource,
    ),
    Rule(
        code="allow.everything",
        purposes=_IDENTITY,
        level=Level.WARNING,
        title="all actions on all resources",
        why="Whoever has this policy is an administrator. Attach AdministratorAccess where that is meant, so that it "
        "can be found by its name.",
        check=permissions.everything,
    ),
    Rule(
        code="allow.pass-role",
        purposes=_IDENTITY,
        level=Level.WARNING,
        title="`iam:PassRole` on any role, to any service",
        why="Who may pass any role to something that it controls has all that any role may do.",
        check=permissions.pass_any_role,
    ),
    Rule(
        code="allow.assume-role",
        purposes=_IDENTITY,
        level=Level.WARNING,
        title="`sts:AssumeRole` on any role",
        why="Where a trust policy names the account, this permission alone decides; it then opens every role there "
        "is, in other accounts too.",
        check=permissions.assume_any_role,
    ),
    Rule(
        code="allow.never",
        purposes=_ALL,
        level=Level.WARNING,
        title="an Allow that cannot apply",
        why="A condition that never holds, or an element that leaves nothing over. It does no harm and is not what "
        "was meant.",
        check=conditions.never_allows,
    ),
    Rule(
        code="deny.never",
        purposes=_ALL,
        level=Level.WARNING,
        title="a Deny that cannot apply",
        why="A condition that never holds, or an element that leaves nothing over. What was to be forbidden is not.",
        check=conditions.never_denies,
    ),
    # ── conditions ──
    Rule(
        code="condition.for-all-values",
        purposes=_ALL,
        level=Level.WARNING,
        title="`ForAllValues:` in an Allow, with nothing that demands the key",
        why="Of no values all are right: the operator holds where the key is absent. Demand the key with `Null`, or "
        "with another operator on it. For a key with a single value it is the wrong qualifier anyway.",
        check=conditions.for_all_values,
    ),
    Rule(
        code="condition.if-exists",
        purposes=_BUT_TRUST,
        level=Level.WARNING,
        title="an `…IfExists` on a key that decides, in an Allow",
        why="The condition holds where the key is absent. On a key such as aws:MultiFactorAuthPresent, which "
        "long-lived keys do not have, that lets in those who were to be kept out.",
        check=conditions.if_exists,
    ),
    Rule(
        code="condition.unknown-key",
        purposes=_ALL,
        level=Level.WARNING,
        title="a condition key that is none",
        why="It is absent from every request: an operator on it never holds, and a negated one always does. Keys of "
        "services are not looked up.",
        check=conditions.unknown_key,
    ),
    Rule(
        code="condition.key-never-set",
        purposes=_ALL,
        level=Level.HINT,
        title="a condition key that no request to Tabard has",
        why="The key speaks of what is on AWS only, as its networks. Here it is absent from every request.",
        check=conditions.key_never_set,
    ),
    Rule(
        code="condition.duplicate-key",
        purposes=_ALL,
        level=Level.WARNING,
        title="keys under one operator that differ in case only",
        why="They are one key, and both conditions must hold. Readers take them for alternatives.",
        check=conditions.key_twice,
    ),
    Rule(
        code="condition.unreadable-value",
        purposes=_ALL,
        level=Level.WARNING,
        title="a value that its operator cannot read",
        why="A number, address, ARN, truth value or base64 that is none matches nothing, and makes a negated operator "
        "false.",
        check=conditions.unreadable_value,
    ),
    Rule(
        code="condition.literal-wildcard",
        purposes=_ALL,
        level=Level.WARNING,
        title="a star under `StringEquals`",
        why="StringEquals compares; only StringLike and the ARN operators know wildcards.",
        check=conditions.literal_wildcard,
    ),
    Rule(
        code="condition.needless-like",
        purposes=_ALL,
        level=Level.HINT,
        title="`StringLike` without a wildcard",
        why="It does what StringEquals does, until a value with a star in it is added.",
        check=conditions.needless_like,
    ),
    Rule(
        code="condition.any-value",
        purposes=_ALL,
        level=Level.HINT,
        title="a condition that every value satisfies",
        why="It tests that the key is there, which `Null` says more plainly.",
        check=conditions.any_value,
    ),
    # ── variables and versions ──
    Rule(
        code="variable.old-version",
        purposes=_ALL,
        level=Level.WARNING,
        title="a variable in a document that is not of version 2012-10-17",
        why="There `${aws:username}` is fifteen characters and stands for nobody.",
        check=conditions.variable_in_old_version,
    ),
    Rule(
        code="variable.unreadable",
        purposes=_ALL,
        level=Level.WARNING,
        title="a variable that cannot be read, or names a key that is none",
        why="A text with a variable that stands for nothing matches nothing.",
        check=conditions.unreadable_variable,
    ),
    Rule(
        code="document.old-version",
        purposes=_ALL,
        level=Level.HINT,
        title="a document that is not of version 2012-10-17",
        why="The older version, which is also that of a document that states none, has no variables. CreatePolicy "
        "takes only the newer.",
        check=permissions.old_version,
    ),
)

RULES: Final[Mapping[str, Rule]] = {row.code: row for row in _ROWS}

"""Rules on whom a statement lets in: trust policies first, and what resource policies share with them.

A provider of identities that many organisations share signs tokens for all of them with the same keys, so only the
claims of a token tell one's own people from strangers (IAM User Guide, "Identity-provider controls for shared OIDC
providers", "The confused deputy problem").
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tabard.policy.checks import WEB_PROVIDERS
from tabard.policy.lint.findings import Note, condition, quoted
from tabard.policy.lint.spelling import words
from tabard.policy.lint.view import Block, View
from tabard.policy.positions import Path

_WILDCARD: Final = re.compile(r"[*?]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """An issuer that many organisations share.

    `claim` must be tested. `owner` and `project` match the beginning of a subject that says which organisation, and
    which of its projects.
    """

    claim: str
    owner: re.Pattern[str]
    project: re.Pattern[str]
    example: str


def _shared(claim: str, owner: str, project: str, example: str) -> Shared:
    return Shared(claim=claim, owner=re.compile(owner), project=re.compile(project), example=example)


_ORGANISATION: Final = r"organization:[^:]+:"
_UNKNOWN_FORM: Final = (r"[^:/]+[:/][^:/]+[:/]", r"[^:/]+[:/][^:/]+[:/][^:/]+[:/]")

SHARED: Final[Mapping[str, Shared]] = {
    "token.actions.githubusercontent.com": _shared(
        "sub", r"\w+:[^:/]+[:/]", r"\w+:[^:/]+/[^:/]+[:/@]", "repo:corp/app:ref:refs/heads/main"
    ),
    "gitlab.com": _shared("sub", r"\w+:[^:/]+/", r"\w+:[^:]+:", "project_path:corp/app:ref_type:branch:ref:main"),
    "app.terraform.io": _shared(
        "sub",
        _ORGANISATION,
        rf"{_ORGANISATION}project:[^:]+:workspace:[^:]+:",
        "organization:corp:project:app:workspace:production:run_phase:apply",
    ),
    "agent.buildkite.com": _shared(
        "sub",
        _ORGANISATION,
        rf"{_ORGANISATION}pipeline:[^:]+:",
        "organization:corp:pipeline:app:ref:refs/heads/main:commit:*:step:deploy",
    ),
    **{
        host: _shared(claim, *_UNKNOWN_FORM, "the whole subject of the one workload")
        for host, claim in (
            ("cognito-identity.amazonaws.com", "aud"),
            ("oidc-configuration.audit-log.githubusercontent.com", "sub"),
            ("vstoken.actions.githubusercontent.com", "sub"),
            ("oidc.codefresh.io", "sub"),
            ("studio.datachain.ai/api", "sub"),
            ("api.pulumi.com/oidc", "aud"),
            ("scalr.io", "sub"),
            ("tokens.cloud.shisho.dev", "sub"),
            ("proidc.upbound.io", "sub"),
            ("oidc.vercel.com", "aud"),
        )
    },
}
"""The shared issuers for which AWS wants a claim tested before it saves a trust policy."""

_AUDIENCE: Final = frozenset({"aud", "azp", "oaud", "app_id"})
_OWNER_CLAIMS: Final = frozenset(
    words(
        """
enterprise enterprise_id repository repository_id repository_owner repository_owner_id namespace_id namespace_path
project_id project_path organization_id organization_slug terraform_organization_id
"""
    )
)
"""Claims that say whose a token is, beside the subject."""
_SUBJECTS: Final = frozenset({"sub", "user_id", "id"})
_SOURCES: Final = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"})


# ── everybody ────────────────────────────────────────────────────────────────────────────────────────


def everyone(view: View) -> Iterator[Note]:
    """`Principal: *` in a trust policy that nothing narrows."""
    if _is_for_all(view) and view.opens and not view.narrowed:
        yield Note(
            ("Principal",),
            "Every principal of every account may take this role.",
            'name whom you mean, {"AWS": "arn:aws:iam::111122223333:role/caller"}, or add '
            '{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}',
        )


def everyone_chosen_by_themselves(view: View) -> Iterator[Note]:
    """`Principal: *` in a trust policy, narrowed only by what a stranger can choose."""
    if _is_for_all(view) and view.opens and view.narrowed and not view.chooses_whom:
        yield Note(
            ("Principal",),
            "Every principal is meant, and the conditions test only what a stranger can choose for itself "
            "(names, tags, external ids).",
            "name whom you mean, or test aws:PrincipalArn, aws:PrincipalAccount or aws:PrincipalOrgID as well",
        )


def everyone_at_resource(view: View) -> Iterator[Note]:
    """`Principal: *` in a resource policy without a condition on who."""
    if _is_for_all(view) and not view.chooses_whom:
        yield Note(
            ("Principal",),
            "Everybody, unsigned requests too, is allowed this.",
            'name whom you mean, or add a condition such as {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}',
        )


def not_principal(view: View) -> Iterator[Note]:
    """`NotPrincipal` with `Allow`."""
    if view.allows and view.statement.not_principals is not None:
        yield Note(
            ("NotPrincipal",),
            "An Allow with NotPrincipal allows everybody who is not listed, unsigned requests too.",
            "list whom you mean under Principal, and deny the others in a statement of its own if need be",
        )


def whole_account(view: View) -> Iterator[Note]:
    """A whole account, without conditions."""
    principals = view.statement.principals
    if not view.allows or principals is None or view.blocks or not view.opens:
        return
    for index, text in enumerate(principals.aws):
        if text.isdigit() or text.endswith(":root"):
            yield Note(
                ("Principal", "AWS") if principals.everyone else ("Principal", "AWS", index),
                "Every principal of the account that its own policies allow it may take this role.",
                "name the role or user that takes it, or add a condition on aws:PrincipalArn or aws:PrincipalTag/…",
            )


def _is_for_all(view: View) -> bool:
    return view.allows and view.statement.principals is not None and view.statement.principals.everyone


# ── services and external ids ────────────────────────────────────────────────────────────────────────


def service_without_source(view: View) -> Iterator[Note]:
    """A service that may act for anybody's resource."""
    principals = view.statement.principals
    if not view.allows or principals is None or not _SOURCES.isdisjoint(view.narrowed_if_there):
        return
    if view.opens or view.statement.resources or view.statement.not_resources:
        for index, service in enumerate(principals.service):
            yield Note(
                ("Principal", "Service", index),
                f"{quoted(service)} may use this for a resource of any account that it works for.",
                'add {"StringEquals": {"aws:SourceAccount": "111122223333"}} or a condition on aws:SourceArn, where '
                "the service sends them",
            )


def any_external_id(view: View) -> Iterator[Note]:
    """An external id that may be any."""
    for block in view.blocks:
        if view.allows and block.key == "sts:externalid" and block.is_positive and block.lets_all_through is not None:
            yield Note(
                block.at(block.lets_all_through),
                "Any external id is let through, so that it protects from nothing.",
                '{"StringEquals": {"sts:ExternalId": "the id that the other side was given"}}',
            )


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────


def oidc_open(view: View) -> Iterator[Note]:
    """No claim is tested."""
    for at, host in _oidc(view):
        if not view.claims.get(host):
            yield Note(
                at,
                f"Whoever has a token of {quoted(host)} may take this role; no condition tests a claim of it.",
                _both_claims(host),
            )


def oidc_no_subject(view: View) -> Iterator[Note]:
    """The issuer is shared, and nothing says whose tokens are meant."""
    for at, host in _oidc(view):
        claims, shared = view.claims.get(host), SHARED.get(host)
        if claims and shared and shared.claim not in claims and not _tested(view, host, shared.claim):
            yield Note(
                at,
                f"{quoted(host)} signs tokens for many organisations, and no condition says by "
                f"{quoted(f'{host}:{shared.claim}')} whose may take this role.",
                condition("StringEquals", f"{host}:{shared.claim}", _example(shared)),
            )


def oidc_whole_issuer(view: View) -> Iterator[Note]:
    """The issuer is one's own, and everybody whom it signs for gets in."""
    for at, host in _oidc(view):
        claims = view.claims.get(host)
        if claims and claims <= _AUDIENCE and host not in SHARED:
            yield Note(
                at,
                f"Everybody for whom {quoted(host)} signs a token for this audience may take this role.",
                condition("StringEquals", f"{host}:sub", "the subject that is meant"),
            )


def oidc_no_audience(view: View) -> Iterator[Note]:
    """No audience."""
    for at, host in _oidc(view):
        claims = view.claims.get(host)
        if claims and claims.isdisjoint(_AUDIENCE):
            yield Note(
                at,
                f"A token of {quoted(host)} that was made out to another party of the provider is taken too.",
                condition("StringEquals", f"{host}:{_audience_of(host)}", "sts.amazonaws.com"),
            )


def saml_no_audience(view: View) -> Iterator[Note]:
    """No audience."""
    if "saml:aud" in view.narrowed_if_there:
        return
    for at, text in _federated(view):
        if _is_saml(text) and "sts:assumerolewithsaml" in view.opens:
            yield Note(
                at,
                "An assertion that was made out to another recipient is taken too.",
                '{"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}',
            )


def subject_any(view: View) -> Iterator[Note]:
    """A shared issuer's claim that may be anything."""
    for host, block in _subjects(view):
        shared = SHARED.get(host)
        if shared is not None and block.key == f"{host}:{shared.claim}" and block.lets_all_through is not None:
            yield Note(
                block.at(block.lets_all_through),
                f"Every token of {quoted(host)} gets through, and it signs tokens for many organisations.",
                condition("StringEquals", f"{host}:{shared.claim}", _example(shared)),
            )


def subject_owner(view: View) -> Iterator[Note]:
    """A wildcard before the subject has said whose it is."""
    for host, block, index, head, shared in _shared_patterns(view):
        if not shared.owner.match(head) and _OWNER_CLAIMS.isdisjoint(view.claims.get(host, ())):
            yield Note(
                block.at(index),
                f"The wildcard comes before the organisation is told in full, so that strangers can choose a name that "
                f"{quoted(block.written.values[index])} matches.",
                _safer_subject(block, shared),
            )


def subject_wide(view: View) -> Iterator[Note]:
    """All projects of an organisation."""
    for _, block, index, head, shared in _shared_patterns(view):
        if shared.owner.match(head) and not shared.project.match(head):
            yield Note(
                block.at(index),
                f"{quoted(block.written.values[index])} lets in every project of the organisation, with every branch "
                "and pull request.",
                _safer_subject(block, shared),
            )
    for _, block, index, head in _own_patterns(view):
        if not head:
            yield Note(
                block.at(index),
                f"{quoted(block.written.values[index])} begins with a wildcard, so that whoever may choose the end of "
                "a subject gets in.",
                condition("StringEquals", block.written.key, "the whole subject"),
            )


def subject_pattern(view: View) -> Iterator[Note]:
    """A subject that is matched, not compared."""
    for _, block, index, head, shared in _shared_patterns(view):
        if shared.project.match(head):
            yield Note(
                block.at(index),
                f"{quoted(block.written.values[index])} lets in every branch, tag, environment and pull request of the "
                "project that it covers.",
                _safer_subject(block, shared),
            )
    for _, block, index, head in _own_patterns(view):
        if head:
            yield Note(
                block.at(index),
                f"{quoted(block.written.values[index])} lets in every subject that begins like this.",
                condition("StringEquals", block.written.key, "the whole subject"),
            )


def door_of_another(view: View) -> Iterator[Note]:
    """A provider whose proofs none of the statement's actions takes."""
    if not view.opens:
        return
    for at, text in _federated(view):
        door = "AssumeRoleWithSAML" if _is_saml(text) else "AssumeRoleWithWebIdentity"
        if f"sts:{door.lower()}" not in view.opens:
            yield Note(
                at, f"{quoted(text)} comes in by sts:{door} only, which is not among the actions.", f'"sts:{door}"'
            )


def _federated(view: View) -> Sequence[tuple[Path, str]]:
    principals = view.statement.principals
    if not view.allows or principals is None:
        return ()
    return [(("Principal", "Federated", index), text) for index, text in enumerate(principals.federated)]


def _oidc(view: View) -> Iterator[tuple[Path, str]]:
    """The OIDC providers whose tokens can get in, by issuer. A demanded claim of one keeps out the others' tokens."""
    if "sts:assumerolewithwebidentity" not in view.opens:
        return
    found = [(at, issuer_of(text)) for at, text in _federated(view) if not _is_saml(text)]
    issuers = {host for _, host in found}
    demanded = {key.rpartition(":")[0] for key in view.demanded} & issuers
    for at, host in found:
        if demanded <= {host}:
            yield at, host


def issuer_of(provider: str) -> str:
    """The issuer of a provider, without its scheme, as condition keys name it."""
    return provider.partition(":oidc-provider/")[2].lower() or provider


def _is_saml(provider: str) -> bool:
    return ":saml-provider/" in provider


def _tested(view: View, host: str, claim: str) -> bool:
    return any(block.key == f"{host}:{claim}" and block.is_positive for block in view.blocks)


def _subjects(view: View) -> Iterator[tuple[str, Block]]:
    """Issuer and block, for each condition on who a token speaks of."""
    hosts = {host for _, host in _oidc(view)}
    if not hosts:
        return
    for block in view.blocks:
        host, _, claim = block.key.rpartition(":")
        if host in hosts and block.is_positive and (claim in _SUBJECTS or claim == "aud"):
            yield host, block


def _patterns(view: View) -> Iterator[tuple[str, Block, int, str]]:
    """Issuer, block, index and what stands before the first wildcard, for each subject that is a pattern."""
    for host, block in _subjects(view):
        if block.name != "StringLike" or block.key.endswith(":aud"):
            continue
        for index, value in enumerate(block.written.values):
            wildcard = _WILDCARD.search(value)
            if wildcard is not None and value.strip("*?"):
                yield host, block, index, value[: wildcard.start()]


def _shared_patterns(view: View) -> Iterator[tuple[str, Block, int, str, Shared]]:
    for host, block, index, head in _patterns(view):
        shared = SHARED.get(host)
        if shared is not None:
            yield host, block, index, head, shared


def _own_patterns(view: View) -> Iterator[tuple[str, Block, int, str]]:
    return (found for found in _patterns(view) if found[0] not in SHARED)


def _safer_subject(block: Block, shared: Shared) -> str:
    return condition("StringEquals", block.written.key, shared.example)


def _example(shared: Shared) -> str:
    return shared.example if shared.claim == "sub" else "the audience that is yours alone"


def _audience_of(host: str) -> str:
    return "app_id" if host in WEB_PROVIDERS and host.startswith(("www.amazon", "graph.")) else "aud"


def _both_claims(host: str) -> str:
    shared = SHARED.get(host)
    subject = shared.example if shared is not None else "the subject that is meant"
    return f'{{"StringEquals": {{"{host}:{_audience_of(host)}": "sts.amazonaws.com", "{host}:sub": "{subject}"}}}}'

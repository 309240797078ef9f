"""What AWS refuses to save, besides what is no policy at all: one function a check, in AWS's order.

The texts and their order come from recorded answers to CreatePolicy, CreateRole and UpdateAssumeRolePolicy. A
document that many faults spoil is answered by the first check that any of its statements fails.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NoReturn

from tabard.faults import MalformedPolicy
from tabard.names.arn import PARTITION
from tabard.policy.conditions import read_operator
from tabard.policy.document import VERSION_2012, Effect, Kind, Policy, PrincipalSet, Statement
from tabard.policy.instants import read_instant
from tabard.policy.pattern import ARN_PARTS, glob, tokens_of
from tabard.policy.strict_json import JSON

LEGACY: Final = "The policy failed legacy parsing"
PARTITIONS: Final = frozenset(
    {"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "aws*", "*"}
)
TRUST_ACTIONS: Final = (
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
)
_LONGEST_ACTION: Final = 128
WEB_PROVIDERS: Final = frozenset(
    {"accounts.google.com", "www.amazon.com", "graph.facebook.com", "cognito-identity.amazonaws.com"}
)
"""The identity providers that are known by a domain name; all others by their ARN."""
ORGANIZATION_POLICY: Final = "The provided policy document does not meet the requirements of the specified policy type."
"""All that Organizations says about a document that it refuses; the place and the reason tell the rest."""
RESOURCE_CONTROL_SERVICES: Final = frozenset({
    "aoss", "appconfig", "appstream", "autoscaling", "autoscaling-plans", "budgets", "clouddirectory",
    "cloudfront", "cloudsearch", "cloudtrail-data", "codeartifact", "codebuild", "codecommit",
    "codepipeline", "cognito-identity", "cognito-idp", "comprehend", "comprehendmedical",
    "compute-optimizer", "cost-optimization-hub", "dax", "dsql", "dynamodb", "ecr", "ecr-public", "events",
    "firehose", "fis", "fms", "gamelift", "health", "inspector-scan", "kendra", "kinesisvideo", "kms",
    "logs", "memorydb", "networkmonitor", "notifications", "opensearch", "pca-connector-ad", "personalize",
    "polly", "pricing", "resource-groups", "rolesanywhere", "s3", "secretsmanager", "servicediscovery",
    "signin", "sqs", "sts", "support", "swf", "textract", "timestream-influxdb", "transcribe", "transfer",
    "translate", "wafv2", "workspaces", "xray",
})  # fmt: skip
"""The services whose resources such policies may speak of (Organizations User Guide, "Resource control policies")."""

_SID_TEXT: Final = (
    "Statement IDs (SID) should be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
)
_SID: Final = re.compile(r"[A-Za-z0-9]*", re.ASCII)
_SID_WITH_SPACES: Final = re.compile(r"[A-Za-z0-9 ]*", re.ASCII)
_VENDOR: Final = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)
_IAM_PATHS: Final = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
)
_NAME: Final = r"[A-Za-z0-9_+=,.@-]+"
_IAM: Final = rf"arn:{PARTITION}:iam::[0-9]{{12}}:"
_STS: Final = rf"arn:{PARTITION}:sts::[0-9]{{12}}:"
_AWS_PRINCIPAL: Final = re.compile(
    rf"[0-9]{{12}}|{_IAM}root|{_IAM}(?:user|role)/(?:[!-)+->@-~]+/)?{_NAME}|A(?:IDA|ROA)[A-Z0-9]{{12,28}}"
    rf"|{_STS}assumed-role/{_NAME}/{_NAME}|{_STS}federated-user/{_NAME}",
    re.ASCII,
)
_SERVICE: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com", re.ASCII)
_PROVIDER: Final = re.compile(
    rf"{_IAM}(?:saml-provider/[A-Za-z0-9._-]{{1,128}}|oidc-provider/[A-Za-z0-9._~:/%-]{{1,255}})", re.ASCII
)
_CANONICAL_USER: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def require_savable(
    policy: Policy, kind: Kind, raw_statements: Sequence[Mapping[str, JSON]], *, states_version: bool
) -> None:
    """All checks for a document of this kind. `raw_statements` tells what the tree does not: spelling and presence.

    Raises:
        MalformedPolicy: for the first check that fails.
    """
    if kind is Kind.MANAGED and not (states_version and policy.version == VERSION_2012):
        _refuse("Policy document must be version 2012-10-17 or greater.", "version", "Version")
    of_organization = kind in (Kind.SERVICE_CONTROL, Kind.RESOURCE_CONTROL)
    if of_organization and not (states_version and policy.version == VERSION_2012):
        _refuse(ORGANIZATION_POLICY, "version", "Version")
    if kind in (Kind.MANAGED, Kind.INLINE, Kind.SESSION, Kind.SERVICE_CONTROL):
        _no_principals(policy)
    for raw in raw_statements:
        if raw["Effect"] not in Effect.__members__.values():
            _refuse(LEGACY, "legacy.effect", str(raw["Effect"]))
    for statement in policy.statements:
        _legacy_resources(statement)
        require_dates(statement)
    _sids(policy, _SID_WITH_SPACES if kind is Kind.RESOURCE else _SID)
    if kind is Kind.TRUST:
        _trust(policy, raw_statements)
    elif kind is Kind.RESOURCE:
        _resource_policy(policy)
    elif kind is Kind.RESOURCE_CONTROL:
        _resource_control(policy, raw_statements)
    else:
        _permissions(policy)


def require_evaluable(policy: Policy, kind: Kind, raw_statements: Sequence[Mapping[str, JSON]]) -> None:
    """The few checks without which a statement would mean nothing, or not what it says.

    Raises:
        MalformedPolicy: for the first check that fails.
    """
    for raw in raw_statements:
        if raw["Effect"] not in Effect.__members__.values():
            _refuse(LEGACY, "legacy.effect", str(raw["Effect"]))
    for statement in policy.statements:
        if not statement.actions and not statement.not_actions:
            _refuse("Policy statement must contain actions.", "action.missing", _at(statement, "Action"))
        if kind is not Kind.TRUST and not statement.resources and not statement.not_resources:
            _refuse("Policy statement must contain resources.", "resource.missing", _at(statement, "Resource"))
        with_principal = kind in (Kind.TRUST, Kind.RESOURCE, Kind.RESOURCE_CONTROL)
        if with_principal and not (statement.principals or statement.not_principals):
            _refuse("Missing required field Principal", "principal.missing", _at(statement, "Principal"))


def _refuse(public: str, reason: str, at: str = "") -> NoReturn:
    raise MalformedPolicy(public, at=at, reason=f"policy.{reason}")


def _at(statement: Statement, element: str) -> str:
    return f"Statement[{statement.index}].{element}"


def _no_principals(policy: Policy) -> None:
    for statement in policy.statements:
        if statement.principals is not None or statement.not_principals is not None:
            _refuse(
                "Policy document should not specify a principal.", "principal.prohibited", _at(statement, "Principal")
            )


# ── the legacy reader ────────────────────────────────────────────────────────────────────────────────


def _legacy_resources(statement: Statement) -> None:
    for resource in (*statement.resources, *statement.not_resources):
        parts = resource.split(":", ARN_PARTS - 1)
        if len(parts) < 3 or parts[1] not in PARTITIONS:
            continue
        short_of_s3 = parts[2] == "s3" and len(parts) in (4, 5)
        if not parts[2] or short_of_s3:
            _refuse(LEGACY, "legacy.resource", _at(statement, f"Resource: {resource}"))


def require_dates(statement: Statement) -> None:
    """Every value of a date operator is a date.

    Raises:
        MalformedPolicy: for the first that is none.
    """
    for block in statement.conditions:
        use = read_operator(block.operator)
        if use is None or not use.operator.name.startswith("Date"):
            continue
        for value in block.values:
            if read_instant(value) is None:
                _refuse(LEGACY, "legacy.date", _at(statement, f"Condition.{block.operator}.{block.key}"))


# ── statement ids ────────────────────────────────────────────────────────────────────────────────────


def _sids(policy: Policy, form: re.Pattern[str]) -> None:
    sids = [statement.sid for statement in policy.statements if statement.sid]
    for sid in sids:
        if not form.fullmatch(sid):
            _refuse(_SID_TEXT, "sid.form", sid)
    if len(set(sids)) < len(sids):
        _refuse("Statement IDs (SID) in a single policy must be unique.", "sid.duplicate")


# ── identity policies ────────────────────────────────────────────────────────────────────────────────


def _permissions(policy: Policy) -> None:
    for statement in policy.statements:
        if not statement.actions and not statement.not_actions:
            _refuse("Policy statement must contain actions.", "action.missing", _at(statement, "Action"))
    for statement in policy.statements:
        if not statement.resources and not statement.not_resources:
            _refuse("Policy statement must contain resources.", "resource.missing", _at(statement, "Resource"))
    _each_resource(policy, _resource_form)
    _each_action(policy, _action_form)
    _each_resource(policy, _resource_of_service)


def _each_resource(policy: Policy, check: Callable[[str, str], None]) -> None:
    for statement in policy.statements:
        for resource in (*statement.resources, *statement.not_resources):
            if resource != "*":
                check(resource, _at(statement, f"Resource: {resource}"))


def _each_action(policy: Policy, check: Callable[[str, str], None]) -> None:
    for statement in policy.statements:
        for action in (*statement.actions, *statement.not_actions):
            check(action, _at(statement, f"Action: {action}"))


def _action_form(action: str, at: str) -> None:
    if action == "*":
        return
    if ":" not in action:
        _refuse(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", "action.vendor-missing", at
        )
    if action.count(":") > 1:
        _refuse("Actions/Condition can contain only one colon.", "action.colons", at)
    vendor = action.split(":", 1)[0]
    if vendor != "*" and not _VENDOR.fullmatch(vendor):
        _refuse(f"Vendor {vendor} is not valid", "action.vendor", at)


def _resource_form(resource: str, at: str) -> None:
    if ":" not in resource:
        _refuse(f'Resource {resource} must be in ARN format or "*".', "resource.form", at)
    _, *parts = resource.split(":", ARN_PARTS - 1)
    parts += ["*"] * (ARN_PARTS - 1 - len(parts))
    if parts[0] not in PARTITIONS:
        shown = f"arn:{':'.join(parts)}"
        _refuse(f'Partition "{parts[0]}" is not valid for resource "{shown}".', "resource.partition", at)
    if "*" in parts[1] or "?" in parts[1]:
        _refuse("Resource vendor must be fully qualified and cannot contain regexes.", "resource.vendor", at)


def _resource_of_service(resource: str, at: str) -> None:
    """IAM's and S3's own rules; short ARNs end in what matches everything and have nothing to check."""
    parts = resource.split(":", ARN_PARTS - 1)
    service, region = parts[2], parts[3] if len(parts) > 3 else ""
    path = parts[5] if len(parts) == ARN_PARTS else "*"
    if service == "iam":
        if region:
            _refuse(f"IAM resource {resource} cannot contain region information.", "resource.region", at)
        if path not in ("*", "root") and not path.startswith(_IAM_PATHS):
            listed = ", ".join(_IAM_PATHS)
            _refuse(f'IAM resource path must either be "*", root, or start with {listed}.', "resource.path", at)
    elif service == "s3" and region and not path.startswith("accesspoint"):
        _refuse(f"Resource {resource} can not contain region information.", "resource.region", at)


# ── trust policies ───────────────────────────────────────────────────────────────────────────────────


def _trust(policy: Policy, raw_statements: Iterable[Mapping[str, JSON]]) -> None:
    for raw in raw_statements:
        if "NotPrincipal" in raw:
            _refuse("AssumeRole policy must not contain NotPrincipal field.", "trust.not-principal")
        for field in ("Resource", "NotResource"):
            if field in raw:
                _refuse(f"Has prohibited field {field}", "trust.resource")
        if "Action" not in raw and "NotAction" not in raw:
            _refuse("Missing required field Action", "action.missing")
    for statement in policy.statements:
        if not statement.principals:
            _refuse("Missing required field Principal", "principal.missing", _at(statement, "Principal"))
        if statement.not_actions or not all(_is_trust_action(action) for action in statement.actions):
            at = _at(statement, "Action")
            _refuse("AssumeRole policy may only specify STS AssumeRole actions.", "trust.action", at)
        _principal_forms(statement.principals, _at(statement, "Principal"))
        if statement.principals.canonical_user:
            user = statement.principals.canonical_user[0]
            _refuse(
                f'Invalid principal in policy: "CANONICALUSER":"{user}"', "principal.form", _at(statement, "Principal")
            )


def _is_trust_action(action: str) -> bool:
    if len(action) > _LONGEST_ACTION or not action.isascii() or not action.lower().startswith("sts:"):
        return False
    matches = glob(tokens_of(action.lower()))
    return any(matches(each) for each in TRUST_ACTIONS)


def _principal_forms(principals: PrincipalSet, at: str) -> None:
    """Every principal in one of the documented forms: a wildcard inside one matches nobody and is refused."""
    for text in principals.aws:
        if not _AWS_PRINCIPAL.fullmatch(text):
            _refuse(f'Invalid principal in policy: "AWS":"{text}"', "principal.form", at)
    for text in principals.service:
        if not _SERVICE.fullmatch(text):
            _refuse(f'Invalid principal in policy: "SERVICE":"{text}"', "principal.form", at)
    for text in principals.federated:
        if text not in WEB_PROVIDERS and not _PROVIDER.fullmatch(text):
            _refuse("Federated principals must be valid domain names or SAML metadata ARNs", "principal.federated", at)


# ── resource policies ────────────────────────────────────────────────────────────────────────────────


def _resource_policy(policy: Policy) -> None:
    for statement in policy.statements:
        principals = statement.principals or statement.not_principals
        if not principals:
            _refuse("Missing required field Principal", "principal.missing", _at(statement, "Principal"))
        if not statement.actions and not statement.not_actions:
            _refuse("Missing required field Action", "action.missing", _at(statement, "Action"))
        if not statement.resources and not statement.not_resources:
            _refuse("Missing required field Resource", "resource.missing", _at(statement, "Resource"))
        _principal_forms(principals, _at(statement, "Principal"))
        for user in principals.canonical_user:
            if not _CANONICAL_USER.fullmatch(user):
                _refuse("Invalid principal in policy", "principal.form", _at(statement, "Principal"))
    _each_resource(policy, _resource_form)
    _each_action(policy, _action_form)


# ── resource control policies ────────────────────────────────────────────────────────────────────────


def _resource_control(policy: Policy, raw_statements: Sequence[Mapping[str, JSON]]) -> None:
    """Only denials, for everybody, of actions of the services that take part.

    (Organizations User Guide, "RCP syntax".)
    """
    for statement, raw in zip(policy.statements, raw_statements, strict=True):
        if statement.effect is not Effect.DENY:
            _refuse(ORGANIZATION_POLICY, "resource-control.effect", _at(statement, "Effect"))
        if raw.get("Principal") != "*":
            _refuse(ORGANIZATION_POLICY, "resource-control.principal", _at(statement, "Principal"))
        if statement.not_actions:
            _refuse(ORGANIZATION_POLICY, "resource-control.not-action", _at(statement, "NotAction"))
        for action in statement.actions:
            if action.split(":", 1)[0].lower() not in RESOURCE_CONTROL_SERVICES:
                _refuse(ORGANIZATION_POLICY, "resource-control.service", _at(statement, f"Action: {action}"))
    _permissions(policy)

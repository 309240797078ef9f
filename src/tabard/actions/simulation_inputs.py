"""What a simulation is given: read, checked, and made into what decisions are made of.

Raises, all of it: InvalidInput. The texts are AWS's where one has been seen.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from tabard.actions.identities import identity_arn, policy_arn
from tabard.directory.entities import AWS_ACCOUNT
from tabard.faults import ConstraintViolated, InvalidInput, MalformedPolicy
from tabard.names.arn import ARN, parse_arn, root_arn
from tabard.names.policies import is_managed, owner_of, short_name
from tabard.names.tags import fold
from tabard.policy.conditions import read_address, read_boolean, read_bytes, read_number
from tabard.policy.context import Context, Value
from tabard.policy.document import Kind, Policy
from tabard.policy.instants import read_instant
from tabard.policy.parse import parse_policy
from tabard.policy.pattern import glob, tokens_of
from tabard.policy.principal import Principal, PrincipalKind

Matches: TypeAlias = Callable[[str], bool]
"""Is the policy of this name (`names.policies`) meant?"""

EVERY_RESOURCE: Final = "*"
_ACTION: Final = re.compile(r"[A-Za-z0-9-]{1,64}:[A-Za-z0-9_-]{1,126}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)
_HOLDER_NAME: Final = re.compile(r"[\w+=,.@*?-]+", re.ASCII)
_LIST: Final = "List"
_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "string": lambda text: text,
    "numeric": read_number,
    "boolean": read_boolean,
    "ip": read_address,
    "binary": read_bytes,
    "date": read_instant,
}
_EC2: Final = ("instance", "image", "security-group", "network-interface")
_SCENARIOS: Final[Mapping[str, tuple[str, ...]]] = {
    "EC2-VPC-InstanceStore": _EC2,
    "EC2-VPC-InstanceStore-Subnet": (*_EC2, "subnet"),
    "EC2-VPC-EBS": (*_EC2, "volume"),
    "EC2-VPC-EBS-Subnet": (*_EC2, "subnet", "volume"),
}
"""What each `ResourceHandlingOption` wants among the resources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextEntry:
    """The model's `ContextEntry`."""

    context_key_name: str | None = None
    context_key_values: tuple[str, ...] | None = None
    context_key_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinePolicyIdentifier:
    """The model's `InlinePolicyIdentifierType`."""

    policy_name: str
    attachment_type: str
    attachment_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyIdentifier:
    """The model's `PolicyIdentifier`: exactly one member is given."""

    policy_type: str | None = None
    policy_arn: str | None = None
    inline_policy_identifier: InlinePolicyIdentifier | None = None


# ── what is asked ────────────────────────────────────────────────────────────────────────────────────


def actions_from(names: Sequence[str]) -> tuple[str, ...]:
    """The actions, each once."""
    for name in names:
        if not _ACTION.fullmatch(name):
            _refuse(f"ActionNames are not in a valid format: {name}.", "action")
    return tuple(dict.fromkeys(names))


def resources_from(texts: Sequence[str] | None) -> tuple[str, ...]:
    """The resources, each once; all of them when none is named."""
    for text in texts or ():
        if text != EVERY_RESOURCE and not _is_arn(text):
            _refuse(f"ResourceNames are not in a valid ARN format: {text}.", "resource")
    return tuple(dict.fromkeys(texts or (EVERY_RESOURCE,)))


def require_scenario(option: str | None, resources: Iterable[str]) -> None:
    """The resources that the chosen kind of EC2 simulation needs are there."""
    if option is None:
        return
    wanted = _SCENARIOS.get(option)
    if wanted is None:
        _refuse(f"{option} is not a valid ResourceHandlingOption.", "resource-handling")
    arns = [parse_arn(each) for each in resources if each != EVERY_RESOURCE]
    given = {arn.resource_type for arn in arns if arn.service == "ec2"}
    if absent := [each for each in wanted if each not in given]:
        _refuse(f"{option} requires resources of these types: {', '.join(absent)}.", "resource-handling.absent")


def context_from(entries: Sequence[ContextEntry] | None) -> Context:
    """The request context: what the caller supplies, and nothing else."""
    context: dict[str, Value] = {}
    for entry in entries or ():
        name, kind = entry.context_key_name, entry.context_key_type
        if name is None or kind is None:
            _refuse("A context entry must have a ContextKeyName and a ContextKeyType.", "context")
        if fold(name) in context:
            _refuse(f"The context key {name} is given more than once.", "context.twice")
        values = entry.context_key_values or ()
        read = _READERS[kind.removesuffix(_LIST)]
        for value in values:
            if read(value) is None:
                _refuse(f"The value {value} of the context key {name} is not of type {kind}.", "context.value")
        listed = kind.endswith(_LIST)
        if not listed and len(values) != 1:
            _refuse(f"The context key {name} of type {kind} must have exactly one value.", "context.values")
        context[fold(name)] = values if listed else values[0]
    return context


# ── who asks ─────────────────────────────────────────────────────────────────────────────────────────


def entity_arn(text: str) -> ARN:
    """The ARN of a user, group or role, of whatever account."""
    arn = identity_arn(text)
    if arn is None or not _ACCOUNT.fullmatch(arn.account):
        _refuse(f"Invalid Entity Arn: {text} does not clearly define entity type and name.", "entity-arn")
    return arn


def principal_of(arn: ARN, unique_id: str = "") -> Principal:
    """Who would call. Roles and groups cannot call: they stand for their sessions and members."""
    if arn.resource_type == "role":
        return Principal(
            kind=PrincipalKind.ROLE_SESSION,
            account=arn.account,
            arn=str(arn),
            unique_id=unique_id,
            issuer_arn=str(arn),
            issuer_id=unique_id,
        )
    return Principal(kind=PrincipalKind.USER, account=arn.account, arn=str(arn), unique_id=unique_id)


def require_user(arn: ARN | None) -> None:
    """A resource's policy speaks of whoever calls, so somebody must, and only users can be simulated."""
    if arn is None:
        _refuse("CallerArn is required with a ResourcePolicy.", "caller.absent")
    if arn.resource_type != "user":
        _refuse("Invalid caller - Caller must be an IAM user in this context.", "caller")


def owner_from(text: str | None, otherwise: str) -> str:
    """The account that owns what does not name its owner."""
    if text is None:
        return otherwise
    account = parse_arn(text).account if _is_arn(text) else ""
    if not _ACCOUNT.fullmatch(account) or text != root_arn(account):
        _refuse(f"'{text}' is not a valid as a Resource Owner.", "resource-owner")
    return account


def owner_of_resource(resource: str, otherwise: str) -> str:
    """The account that a resource's ARN names, or `otherwise`."""
    account = parse_arn(resource).account if resource != EVERY_RESOURCE else ""
    return account if _ACCOUNT.fullmatch(account) else otherwise


# ── by what it is judged ─────────────────────────────────────────────────────────────────────────────


def policies_from(member: str, texts: Sequence[str] | None, kind: Kind = Kind.INLINE) -> list[tuple[str, Policy]]:
    """The documents of a list, under the names that answers have for them: `PolicyInputList.1`."""
    return [policy_from(f"{member}.{place}", text, kind) for place, text in enumerate(texts or (), 1)]


def policy_from(name: str, text: str, kind: Kind) -> tuple[str, Policy]:
    """One document, under its name."""
    try:
        return name, parse_policy(text, kind)
    except MalformedPolicy as refusal:
        raise InvalidInput(
            f"{name} is not a valid policy: {refusal.public}",
            reason=refusal.reason,
            detail={**refusal.detail, "policy": name},
        ) from refusal


def boundary_from(texts: Sequence[str] | None) -> list[tuple[str, Policy]] | None:
    """The boundary that is to be simulated; None without one."""
    if not texts:
        return None
    if len(texts) > 1:
        _refuse("Only one permissions boundary policy can be simulated.", "boundary.several")
    return policies_from("PermissionsBoundaryPolicyInputList", texts)


# ── what is left out ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What a `PolicyExclusionList` takes out of a simulation."""

    types: frozenset[str]
    named: tuple[Matches, ...]

    @property
    def boundary(self) -> bool:
        return "permission-boundary" in self.types

    @property
    def service_control(self) -> bool:
        return "scp" in self.types

    def __contains__(self, policy: str) -> bool:
        """Whether an identity's policy of this name is taken out."""
        return _type_of(policy) in self.types or any(matches(policy) for matches in self.named)


def exclusions_from(identifiers: Sequence[PolicyIdentifier] | None) -> Exclusions:
    """The list, read."""
    types: set[str] = set()
    named: list[Matches] = []
    for identifier in identifiers or ():
        match identifier:
            case PolicyIdentifier(policy_type=str(kind), policy_arn=None, inline_policy_identifier=None):
                types.add(kind)
            case PolicyIdentifier(policy_type=None, policy_arn=str(arn), inline_policy_identifier=None):
                named.append(_managed(arn))
            case PolicyIdentifier(
                policy_type=None, policy_arn=None, inline_policy_identifier=InlinePolicyIdentifier() as inline
            ):
                named.append(_inline(inline))
            case _:
                _refuse(
                    "A PolicyIdentifier must have exactly one of PolicyType, PolicyArn and InlinePolicyIdentifier.",
                    "exclusion",
                )
    return Exclusions(frozenset(types), tuple(named))


def _type_of(policy: str) -> str:
    if not is_managed(policy):
        return "inline"
    return "aws-managed" if parse_arn(policy).account == AWS_ACCOUNT else "user-managed"


def _managed(text: str) -> Matches:
    arn = policy_arn(text)
    if arn is None or "*" in arn.account or "?" in arn.account or text.count("*") > 1:
        _refuse(f"{text} does not identify a policy.", "exclusion.arn")
    matches = glob(tokens_of(text))
    return lambda policy: is_managed(policy) and matches(policy)


def _inline(identifier: InlinePolicyIdentifier) -> Matches:
    holder = identifier.attachment_name
    if not _HOLDER_NAME.fullmatch(holder) or holder.count("*") > 1:
        _refuse(f"{holder} does not identify a user, group or role.", "exclusion.attachment")
    matches = glob(tokens_of(holder))

    def test(policy: str) -> bool:
        if is_managed(policy) or short_name(policy) != identifier.policy_name:
            return False
        owner = parse_arn(owner_of(policy))
        return owner.resource_type == identifier.attachment_type and matches(owner.name)

    return test


def _is_arn(text: str) -> bool:
    try:
        parse_arn(text)
    except ConstraintViolated:
        return False
    return True


def _refuse(public: str, reason: str) -> NoReturn:
    raise InvalidInput(public, reason=f"simulation.{reason}")

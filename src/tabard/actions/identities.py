"""Finding users, groups, roles and managed policies for an IAM call, and asking whether the caller may.

Every lookup is by the caller's own account and a name: a name or ARN of another account is simply not there
(attack T01). The resource of a question is the stored record's ARN, path and spelling included; for a record
that is not there it is what the request says. So a refusal looks the same for both, but for a record under a path
or in another spelling, whose ARN it names. Condition keys are those that AWS's service authorization reference lists
for IAM.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from tabard.actions.desk import Desk
from tabard.directory.aws_managed import aws_managed_policy
from tabard.directory.entities import AWS_ACCOUNT, Group, ManagedPolicy, Role, User
from tabard.directory.rules import SERVICE_LINKED_PATH
from tabard.faults import ConstraintViolated, NoSuchEntity, UnmodifiableEntity
from tabard.names.arn import ARN, PARTITION, iam_arn, parse_arn, root_arn
from tabard.policy.context import Value, context_of
from tabard.ports.store import Groups, Roles, Users
from tabard.services.ask import Ask

Pairs: TypeAlias = Iterable[tuple[str, Value]]
Identity: TypeAlias = User | Group | Role
Keys: TypeAlias = Callable[[Any, Identity | None], Pairs]
"""What condition keys a request adds, given the identity it names (None when that is not there)."""
AskFor: TypeAlias = Callable[[Any, Desk], tuple[Ask, ...]]


# ── records ──────────────────────────────────────────────────────────────────────────────────────────


def user_named(desk: Desk, name: str) -> User:
    """Raises NoSuchEntity: the account has no such user."""
    user = desk.records.users.get(desk.account, name)
    if user is None:
        raise no_such("user", name)
    return user


def group_named(desk: Desk, name: str) -> Group:
    """Raises NoSuchEntity: the account has no such group."""
    group = desk.records.groups.get(desk.account, name)
    if group is None:
        raise no_such("group", name)
    return group


def role_named(desk: Desk, name: str) -> Role:
    """Raises NoSuchEntity: the account has no such role."""
    role = desk.records.roles.get(desk.account, name)
    if role is None:
        raise no_such("role", name)
    return role


def modifiable_role(desk: Desk, name: str) -> Role:
    """The named role, if it may be changed.

    Raises:
        NoSuchEntity: the account has no such role.
        UnmodifiableEntity: it belongs to an AWS service.
    """
    role = role_named(desk, name)
    if role.path.startswith(SERVICE_LINKED_PATH):
        raise UnmodifiableEntity(
            f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS",
            reason="role.protected",
        )
    return role


def user_or_caller(desk: Desk, name: str | None) -> User:
    """The named user, or the one that calls.

    Raises:
        NoSuchEntity: there is no such user.
        ConstraintViolated: no name, and the caller is no user.
    """
    if name is not None:
        return user_named(desk, name)
    if desk.caller.user is None:
        raise ConstraintViolated("Must specify userName when calling with non-User credentials", reason="user.unnamed")
    user = _calling_user(desk)
    if user is None:
        raise no_such("user", desk.caller.user.name)
    return user


def identity_arn(text: str) -> ARN | None:
    """The ARN of a user, group or role, of whatever account; None for a text that is none."""
    try:
        arn = parse_arn(text)
    except ConstraintViolated:
        return None
    fits = (arn.partition, arn.service, arn.region) == (PARTITION, "iam", "")
    kind, slash, _ = arn.resource.partition("/")
    return arn if fits and slash and kind in ("user", "group", "role") and arn.account and arn.name else None


def identity_with(desk: Desk, arn: ARN) -> Identity | None:
    """The identity of that ARN, if it is the caller's account's own."""
    records = desk.records
    ports: dict[str, Users | Groups | Roles] = {"user": records.users, "group": records.groups, "role": records.roles}
    identity = ports[arn.resource_type].get(desk.account, arn.name)
    # The whole ARN is compared, and with it the account: one of another account is never found.
    return identity if identity is not None and identity.arn == str(arn) else None


def no_such(kind: str, name: str) -> NoSuchEntity:
    """`no_such("role policy", "x")` → the fault that says so."""
    return NoSuchEntity(f"The {kind} with name {name} cannot be found.", reason=f"{kind.replace(' ', '-')}.missing")


def policy_arn(text: str) -> ARN | None:
    """The ARN of a managed policy, of whatever account; None for a text that is none."""
    try:
        arn = parse_arn(text)
    except ConstraintViolated:
        return None
    fits = (arn.partition, arn.service, arn.region) == (PARTITION, "iam", "") and arn.resource.startswith("policy/")
    return arn if fits and arn.account and arn.name else None


def managed_policy(desk: Desk, text: str) -> ManagedPolicy | None:
    """The managed policy of that ARN, if it is AWS's or the caller's account's own.

    Raises:
        ConstraintViolated: the text is no policy ARN.
    """
    arn = policy_arn(text)
    if arn is None:
        raise ConstraintViolated(f"ARN {text} is not valid.", reason="policy-arn.malformed")
    if arn.account == AWS_ACCOUNT:
        return aws_managed_policy(text)
    # The whole ARN is compared, and with it the account: one of another account is never found.
    found = desk.records.policies.get(desk.account, arn.name)
    return found if found is not None and found.arn == text else None


# ── questions ────────────────────────────────────────────────────────────────────────────────────────


def ask_user(operation: str, *keys: Keys) -> AskFor:
    """The question about the user that `request.user_name` names, or about the caller itself without a name."""

    def ask(request: Any, desk: Desk) -> tuple[Ask, ...]:
        if request.user_name is None:
            caller = _calling_user(desk)
            return (question(operation, desk, _own_arn(desk, caller), identity_tags(caller)),)
        user = desk.records.users.get(desk.account, request.user_name)
        pairs = _pairs(keys, request, user)
        return (_about(operation, desk, user, f"user/{request.user_name}", pairs),)

    return ask


def ask_group(operation: str, *keys: Keys) -> AskFor:
    """The question about the group that `request.group_name` names."""

    def ask(request: Any, desk: Desk) -> tuple[Ask, ...]:
        group = desk.records.groups.get(desk.account, request.group_name)
        pairs = _pairs(keys, request, group)
        return (_about(operation, desk, group, f"group/{request.group_name}", pairs),)

    return ask


def ask_role(operation: str, *keys: Keys) -> AskFor:
    """The question about the role that `request.role_name` names."""

    def ask(request: Any, desk: Desk) -> tuple[Ask, ...]:
        role = desk.records.roles.get(desk.account, request.role_name)
        pairs = _pairs(keys, request, role)
        return (_about(operation, desk, role, f"role/{request.role_name}", pairs),)

    return ask


def ask_list(operation: str, resource_type: str) -> AskFor:
    """The question about a list: its resource is the path that is listed."""

    def ask(request: Any, desk: Desk) -> tuple[Ask, ...]:
        return (question(operation, desk, iam_arn(desk.account, f"{resource_type}{request.path_prefix or '/'}")),)

    return ask


def ask_account(operation: str, resource: str = "*") -> AskFor:
    """The question about the account as a whole; `resource` is `*`, or what follows the account in an ARN."""

    def ask(_request: Any, desk: Desk) -> tuple[Ask, ...]:
        return (question(operation, desk, resource if resource == "*" else iam_arn(desk.account, resource)),)

    return ask


def ask_identity_arn(operation: str, arn_of: Callable[[Any], str]) -> AskFor:
    """The question about the user, group or role whose ARN the request gives."""

    def ask(request: Any, desk: Desk) -> tuple[Ask, ...]:
        text = arn_of(request)
        arn = identity_arn(text)
        identity = identity_with(desk, arn) if arn is not None else None
        return (question(operation, desk, text, identity_tags(identity)),)

    return ask


def ask_create(operation: str, tagging: str, resource: str, request: Any, desk: Desk) -> tuple[Ask, ...]:
    """The questions about something new; tags at birth need the permission to tag as well.

    (IAM User Guide, "Tagging IAM resources": the create operation *and* the tag operation.)
    """
    arn = iam_arn(desk.account, resource)
    pairs = [*requested_tags(request), *requested_boundary(request)]
    asked = question(operation, desk, arn, pairs)
    return (asked, question(tagging, desk, arn, pairs)) if request.tags else (asked,)


def question(operation: str, desk: Desk, resource: str, pairs: Pairs = ()) -> Ask:
    """One question about a resource of the caller's account."""
    return Ask(action=f"iam:{operation}", resource=resource, resource_account=desk.account, context=context_of(pairs))


def resource_tags(tags: Mapping[str, str]) -> Pairs:
    """The stored tags, under both names that policies use for them."""
    for key, value in tags.items():
        yield f"aws:ResourceTag/{key}", value
        yield f"iam:ResourceTag/{key}", value


def requested_tags(request: Any, _identity: Identity | None = None) -> Pairs:
    """The tags that a request brings."""
    if request.tags:
        yield "aws:TagKeys", tuple(tag.key for tag in request.tags)
        for tag in request.tags:
            yield f"aws:RequestTag/{tag.key}", tag.value


def requested_tag_keys(request: Any, _identity: Identity | None = None) -> Pairs:
    """The tag keys that a request takes away."""
    if request.tag_keys:
        yield "aws:TagKeys", tuple(request.tag_keys)


def requested_policy(request: Any, _identity: Identity | None = None) -> Pairs:
    """The managed policy that a request attaches or detaches."""
    yield "iam:PolicyARN", request.policy_arn


def requested_boundary(request: Any, _identity: Identity | None = None) -> Pairs:
    """The boundary that a request sets."""
    if request.permissions_boundary is not None:
        yield "iam:PermissionsBoundary", request.permissions_boundary


def stored_boundary(_request: Any, identity: Identity | None) -> Pairs:
    """The boundary of the identity whose permissions change.

    A delegated administrator may be allowed to change only those that are bounded (IAM User Guide,
    "Delegating responsibility to others using permissions boundaries").
    """
    if isinstance(identity, User | Role) and identity.permissions_boundary is not None:
        yield "iam:PermissionsBoundary", identity.permissions_boundary


def identity_tags(identity: Identity | None) -> Pairs:
    """The stored tags of an identity; groups have none."""
    return resource_tags(identity.tags) if isinstance(identity, User | Role) else ()


def _about(operation: str, desk: Desk, identity: Identity | None, absent: str, pairs: Pairs) -> Ask:
    """`absent` is the resource where the identity is not there."""
    arn = identity.arn if identity is not None else iam_arn(desk.account, absent)
    return question(operation, desk, arn, [*identity_tags(identity), *pairs])


def _pairs(keys: tuple[Keys, ...], request: Any, identity: Identity | None) -> Pairs:
    return (pair for source in keys for pair in source(request, identity))


def _calling_user(desk: Desk) -> User | None:
    """The caller's record as it is now; its name may have changed since its key was looked up."""
    return desk.records.users.get_by_id(desk.caller.user.id) if desk.caller.user is not None else None


def _own_arn(desk: Desk, user: User | None) -> str:
    if user is not None:
        return user.arn
    return root_arn(desk.account) if desk.caller.is_root else "*"

"""Trust policies as records: checked and bound when saved, shown as they are bound when read.

Users and roles that a trust policy names are bound to their unique ids at save time. One that is deleted and
made again under its name is another principal and does not match; reads then show the bare id (IAM User Guide,
"AWS JSON policy elements: Principal"). Principals may live in another account of the store; whether one exists
there is told by the refusal, as AWS tells it.
"""

from tabard.actions.desk import Desk
from tabard.actions.saved_documents import require_sound
from tabard.directory import quotas
from tabard.directory.entities import Role, User
from tabard.directory.rules import require_quota
from tabard.faults import ConstraintViolated, MalformedPolicy
from tabard.names import ids
from tabard.names.arn import parse_arn
from tabard.policy.document import Kind
from tabard.policy.parse import document_size, parse_policy, principal_arns
from tabard.policy.render import replace_principals
from tabard.ports.store import Records


def bind_trust_policy(desk: Desk, document: str) -> dict[str, str]:
    """Check a trust policy, and give the unique id of each user and role that it names.

    Raises:
        MalformedPolicy: the document is refused, names a principal that is not there, or is dangerous.
        LimitExceeded: it is too large.
    """
    policy = parse_policy(document, Kind.TRUST)
    require_quota("ACLSizePerRole", document_size(document), quotas.TRUST_POLICY_SIZE)
    bindings = {named: _principal(desk.records, named).id for named in principal_arns(policy)}
    require_sound(desk, policy, document, Kind.TRUST)
    return bindings


def shown_trust_policy(records: Records, role: Role) -> str:
    """The role's trust policy with each bound principal under its present ARN, or its bare id once it is gone."""
    shown = {named: _present_name(records, bound) for named, bound in role.principal_ids.items()}
    changed = {named: name for named, name in shown.items() if name != named}
    document = role.assume_role_policy_document
    return replace_principals(document, changed) if changed else document


def _principal(records: Records, named: str) -> User | Role:
    found = _by_id(records, named) or _by_arn(records, named)
    if found is None:
        raise MalformedPolicy(f'Invalid principal in policy: "AWS":"{named}"', reason="policy.principal.unknown")
    return found


def _present_name(records: Records, unique_id: str) -> str:
    found = _by_id(records, unique_id)
    return found.arn if found is not None else unique_id


def _by_id(records: Records, unique_id: str) -> User | Role | None:
    if unique_id.startswith(ids.USER):
        return records.users.get_by_id(unique_id)
    return records.roles.get_by_id(unique_id) if unique_id.startswith(ids.ROLE) else None


def _by_arn(records: Records, text: str) -> User | Role | None:
    try:
        arn = parse_arn(text)
    except ConstraintViolated:
        return None
    found: User | Role | None = None
    if arn.resource_type == "user":
        found = records.users.get(arn.account, arn.name)
    elif arn.resource_type == "role":
        found = records.roles.get(arn.account, arn.name)
    return found if found is not None and found.arn == text else None

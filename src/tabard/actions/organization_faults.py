"""What Organizations refuses, in AWS's words where they are known. Codes are the wire's (`wire/faults.py`)."""

from typing import ClassVar

from tabard.faults import Conflicting, Denied, Limited, Malformed, Missing, Unsupported


class OrganizationsNotInUse(Missing):
    """The caller's account is in no organisation."""

    reason = "organization.none"
    default_public: ClassVar[str] = "Your account is not a member of an organization."


class NotManagementAccount(Denied):
    """Only the management account may do this."""

    reason = "organization.not-management"
    default_public: ClassVar[str] = "You don't have permissions to access this resource."


class AlreadyInOrganization(Conflicting):
    """An account is in one organisation at most."""

    reason = "organization.already-member"
    default_public: ClassVar[str] = "The provided account is already a member of an organization."


class OrganizationNotEmpty(Conflicting):
    """There are member accounts yet."""

    reason = "organization.not-empty"
    default_public: ClassVar[str] = (
        "To delete an organization you must first remove all member accounts (except the master)."
    )


class ManagementCannotLeave(Conflicting):
    """An organisation without its management account would be nobody's."""

    reason = "organization.management-leaves"
    default_public: ClassVar[str] = "You can't remove a management account from an organization."


class AccountNotFound(Missing):
    """No such account in the organisation (or, to be added, in the store)."""

    reason = "organization.account-missing"
    default_public: ClassVar[str] = "You specified an account that doesn't exist."


class RootNotFound(Missing):
    """No such root."""

    reason = "organization.root-missing"
    default_public: ClassVar[str] = "You specified a root that doesn't exist."


class UnitNotFound(Missing):
    """No such organisational unit."""

    reason = "organization.unit-missing"
    default_public: ClassVar[str] = "You specified an organizational unit that doesn't exist."


class ParentNotFound(Missing):
    """Neither root nor unit."""

    reason = "organization.parent-missing"
    default_public: ClassVar[str] = "You specified parent that doesn't exist."


class SourceParentNotFound(Missing):
    """The account is not under the parent that it should be moved from."""

    reason = "organization.source-missing"
    default_public: ClassVar[str] = "You specified a source parent that doesn't exist."


class DestinationParentNotFound(Missing):
    """There is nothing to move the account to."""

    reason = "organization.destination-missing"
    default_public: ClassVar[str] = "You specified a destination parent that doesn't exist."


class ChildNotFound(Missing):
    """Neither unit nor account."""

    reason = "organization.child-missing"
    default_public: ClassVar[str] = "You specified a child that doesn't exist."


class TargetNotFound(Missing):
    """Neither root nor unit nor account (nor, for tags, policy)."""

    reason = "organization.target-missing"
    default_public: ClassVar[str] = "You specified a target that doesn't exist."


class OrganizationPolicyNotFound(Missing):
    """No such organisation policy."""

    reason = "organization.policy-missing"
    default_public: ClassVar[str] = "You specified a policy that doesn't exist."


class PolicyNotAttached(Missing):
    """The policy is not attached there."""

    reason = "organization.policy-not-attached"
    default_public: ClassVar[str] = "The policy isn't attached to the specified target."


class DuplicateAccount(Conflicting):
    """The account is there already."""

    reason = "organization.account-exists"
    default_public: ClassVar[str] = "The account is already present in the specified destination."


class DuplicateUnit(Conflicting):
    """The name is taken under this parent."""

    reason = "organization.unit-exists"
    default_public: ClassVar[str] = "An OU with the same name already exists."


class UnitNotEmpty(Conflicting):
    """Something is in the unit yet."""

    reason = "organization.unit-not-empty"
    default_public: ClassVar[str] = "You must move all accounts and delete all child OUs first."


class DuplicatePolicy(Conflicting):
    """The name is taken in this organisation."""

    reason = "organization.policy-exists"
    default_public: ClassVar[str] = "A policy with the same name already exists."


class DuplicatePolicyAttachment(Conflicting):
    """The policy is attached there already."""

    reason = "organization.policy-attached"
    default_public: ClassVar[str] = "The policy is already attached to the specified target."


class PolicyInUse(Conflicting):
    """The policy is attached somewhere."""

    reason = "organization.policy-in-use"
    default_public: ClassVar[str] = "The policy is attached to one or more entities. Detach it from them first."


class PolicyTypeAlreadyEnabled(Conflicting):
    """The type counts already."""

    reason = "organization.type-enabled"
    default_public: ClassVar[str] = "The specified policy type is already enabled."


class PolicyTypeNotEnabled(Conflicting):
    """The type does not count in this organisation yet."""

    reason = "organization.type-not-enabled"
    default_public: ClassVar[str] = "This operation can be performed only for enabled policy types."


class PolicyTypeNotBuilt(Unsupported):
    """AWS has more types of organisation policies than Tabard."""

    reason = "organization.type-not-built"
    default_public: ClassVar[str] = (
        "Tabard has the policy types SERVICE_CONTROL_POLICY and RESOURCE_CONTROL_POLICY and no other."
    )


class FeatureSetNotBuilt(Unsupported):
    """There are no bills here, so none to consolidate."""

    reason = "organization.feature-set"
    default_public: ClassVar[str] = "Tabard has organizations with the feature set ALL and no other."


class ConstraintViolation(Limited):
    """A limit of Organizations; `rule` is AWS's name for it, which the caller is told."""

    reason = "organization.limit"

    def __init__(self, public: str, *, rule: str) -> None:
        super().__init__(public, reason=f"organization.limit.{rule}")
        self.rule = rule


class InvalidOrganizationInput(Malformed):
    """A value that Organizations does not take; `rule` is AWS's name for what is wrong, which the caller is told."""

    reason = "organization.input"

    def __init__(self, public: str, *, rule: str) -> None:
        super().__init__(public, reason=f"organization.input.{rule}")
        self.rule = rule

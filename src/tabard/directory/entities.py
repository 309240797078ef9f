"""The records of an account.

Every entity is one frozen value with all that belongs to it (inline policies, tags, the ARNs of attached
policies), so that a store reads and writes it in one piece. Entities refer to one another by unique id,
never by name: a role deleted and made again under its name is another role (IAM User Guide, "Unique
identifiers").

Instants are aware UTC datetimes. Documents are the exact text that was submitted.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from tabard.names.arn import iam_arn, organizations_arn

AWS_ACCOUNT: Final = "aws"
"""Stands where an account id stands in the ARNs of AWS-managed policies."""


class KeyStatus(StrEnum):
    """AWS's `statusType`."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"


class PolicyUsage(StrEnum):
    """How a managed policy is attached to an identity."""

    PERMISSIONS = "PermissionsPolicy"
    BOUNDARY = "PermissionsBoundary"


class EntityKind(StrEnum):
    """The identities that policies attach to, and the other records; the words stand in the change log."""

    ACCOUNT = "account"
    USER = "user"
    GROUP = "group"
    ROLE = "role"
    POLICY = "policy"
    ACCESS_KEY = "access-key"
    INSTANCE_PROFILE = "instance-profile"
    MFA_DEVICE = "mfa-device"
    SEALING_KEY = "sealing-key"
    STACK = "stack"
    ORGANIZATION = "organization"
    ORGANIZATIONAL_UNIT = "organizational-unit"
    ORGANIZATION_ACCOUNT = "organization-account"
    ORGANIZATION_POLICY = "organization-policy"
    ACCOUNT_SETTINGS = "account-settings"
    LOGIN_PROFILE = "login-profile"
    SAML_PROVIDER = "saml-provider"
    OIDC_PROVIDER = "oidc-provider"
    ROLE_DELETION = "role-deletion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A tenant. `id` is twelve digits; `name` is for people and unique in the store."""

    id: str
    name: str
    created: datetime


MINIMUM_LENGTH: Final = 6
"""Characters of a password under a policy that says nothing of its length (IAM API Reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """An account's password policy, as UpdateAccountPasswordPolicy leaves it. None is without limit."""

    minimum_length: int = MINIMUM_LENGTH
    require_symbols: bool = False
    require_numbers: bool = False
    require_uppercase: bool = False
    require_lowercase: bool = False
    allow_users_to_change: bool = False
    maximum_age: timedelta | None = None
    reuse_prevention: int | None = None
    hard_expiry: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """What an account has set for itself as a whole. Its alias is unique in the store."""

    account: str
    alias: str | None = None
    password_policy: PasswordPolicy | None = None
    global_endpoint_token_version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An IAM user. `groups` holds group ids in the order of joining."""

    account: str
    name: str
    id: str
    created: datetime
    path: str = "/"
    tags: dict[str, str] = field(default_factory=dict)
    permissions_boundary: str | None = None
    inline_policies: dict[str, str] = field(default_factory=dict)
    attached_policies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        return iam_arn(self.account, f"user{self.path}{self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An IAM group. Its members are found through `User.groups`."""

    account: str
    name: str
    id: str
    created: datetime
    path: str = "/"
    inline_policies: dict[str, str] = field(default_factory=dict)
    attached_policies: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        return iam_arn(self.account, f"group{self.path}{self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An IAM role.

    `principal_ids` binds each user or role ARN in the trust policy to the unique id that it had when the
    policy was saved; a principal that is deleted and made again does not match (IAM User Guide, "AWS
    JSON policy elements: Principal").
    """

    account: str
    name: str
    id: str
    created: datetime
    assume_role_policy_document: str
    principal_ids: dict[str, str] = field(default_factory=dict)
    path: str = "/"
    description: str | None = None
    max_session_duration: timedelta = timedelta(hours=1)
    tags: dict[str, str] = field(default_factory=dict)
    permissions_boundary: str | None = None
    inline_policies: dict[str, str] = field(default_factory=dict)
    attached_policies: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        return iam_arn(self.account, f"role{self.path}{self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One version of a managed policy; `id` is `v1`, `v2`, …; numbers are never used twice."""

    id: str
    document: str
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """A customer-managed policy, or an AWS-managed one (`account` is then `aws`).

    `versions` is oldest first. `latest_version` is the highest number ever given out.
    """

    account: str
    name: str
    id: str
    created: datetime
    updated: datetime
    versions: tuple[PolicyVersion, ...]
    default_version_id: str = "v1"
    latest_version: int = 1
    path: str = "/"
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return iam_arn(self.account, f"policy{self.path}{self.name}")

    def version(self, version_id: str) -> PolicyVersion | None:
        """The version of that id, or None."""
        return next((v for v in self.versions if v.id == version_id), None)

    @property
    def document(self) -> str:
        """The text of the default version."""
        found = self.version(self.default_version_id)
        if found is None:
            raise LookupError(f"policy {self.arn} has no version {self.default_version_id}")
        return found.document


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One identity that uses a managed policy."""

    kind: EntityKind
    id: str
    name: str
    path: str
    usage: PolicyUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A long-lived key.

    `owner_id` is a user's id, or the account id for a root key. `sealed_secret` opens only together with
    this key's id (the id is in the AAD), so that it cannot be moved to another row.
    """

    id: str
    account: str
    owner_id: str
    sealed_secret: bytes
    created: datetime
    status: KeyStatus = KeyStatus.ACTIVE

    @property
    def is_root(self) -> bool:
        return self.owner_id == self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeyUse:
    """When and where an access key was last used (`GetAccessKeyLastUsed`)."""

    key_id: str
    at: datetime
    service: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceProfile:
    """A holder for at most one role."""

    account: str
    name: str
    id: str
    created: datetime
    path: str = "/"
    role_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return iam_arn(self.account, f"instance-profile{self.path}{self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MFADevice:
    """A virtual MFA device (TOTP, RFC 6238). Its serial number is its ARN.

    `owner_id` and `enabled` are None until `EnableMFADevice`. `last_step` is the last TOTP time step that
    was accepted; a step is accepted once.
    """

    account: str
    name: str
    created: datetime
    sealed_seed: bytes
    path: str = "/"
    owner_id: str | None = None
    enabled: datetime | None = None
    last_step: int = 0
    failures: int = 0
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def serial_number(self) -> str:
        return iam_arn(self.account, f"mfa{self.path}{self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResource:
    """What a template made. `type` and `logical_id` are the template's words, `physical_id` is what `Ref` answers.

    `properties` is the JSON text of what was last applied, without secrets; `needs` names the resources of the
    stack that must outlive this one.
    """

    logical_id: str
    type: str
    physical_id: str
    properties: str
    needs: tuple[str, ...] = ()
    retained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What one template made in an account, so that it can be compared, changed and taken away again.

    `exports` are unique in the account; `imports` are the exports of other stacks that this one uses.
    """

    account: str
    name: str
    id: str
    created: datetime
    updated: datetime
    resources: tuple[StackResource, ...] = ()
    exports: dict[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginProfile:
    """A user's password.

    `sealed_hashes` are Argon2 hashes, the password's own first, then those of passwords that were used before
    it. Each is sealed under the user's id, so that the store alone is not enough to guess at them. `changed`
    is when the present password was set.
    """

    account: str
    user_id: str
    created: datetime
    changed: datetime
    sealed_hashes: tuple[bytes, ...]
    reset_required: bool = False


class EncryptionMode(StrEnum):
    """Whether a SAML provider's assertions must be encrypted (AWS's `assertionEncryptionModeType`)."""

    REQUIRED = "Required"
    ALLOWED = "Allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SAMLPrivateKey:
    """A key that opens encrypted assertions. `sealed_pem` opens only together with its provider's ARN and its id."""

    id: str
    created: datetime
    sealed_pem: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SAMLProvider:
    """A SAML identity provider. `metadata` is the document as it was submitted."""

    account: str
    name: str
    uuid: str
    created: datetime
    metadata: str
    encryption_mode: EncryptionMode = EncryptionMode.ALLOWED
    private_keys: tuple[SAMLPrivateKey, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return iam_arn(self.account, f"saml-provider/{self.name}")

    def row_of(self, key: SAMLPrivateKey) -> str:
        """What a private key is sealed under."""
        return saml_key_row(self.arn, key.id)


def saml_key_row(provider_arn: str, key_id: str) -> str:
    """What a private key of a SAML provider is sealed under."""
    return f"{provider_arn}/{key_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OIDCProvider:
    """An OpenID Connect identity provider. `url` is without `https://`, its host in lower case."""

    account: str
    url: str
    created: datetime
    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return iam_arn(self.account, f"oidc-provider/{self.url}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDeletion:
    """That a service-linked role was deleted, for whoever asks about the deletion's task."""

    account: str
    task_id: str
    created: datetime


class OrganizationPolicyType(StrEnum):
    """The types of organisation policies that are built; the values are AWS's."""

    SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
    RESOURCE_CONTROL = "RESOURCE_CONTROL_POLICY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organisation, and with it its root: what is attached to the root and tagged is kept here.

    `attached_policies` holds the ids of organisation policies, here and in units and accounts. They count only
    while their type is among `enabled_policy_types`.
    """

    id: str
    management_account: str
    root_id: str
    created: datetime
    enabled_policy_types: tuple[OrganizationPolicyType, ...] = ()
    attached_policies: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return organizations_arn(self.management_account, f"organization/{self.id}")

    def arn_of(self, resource_type: str, resource_id: str) -> str:
        """The ARN of something in the organisation: `arn_of("ou", "ou-…")`."""
        return organizations_arn(self.management_account, f"{resource_type}/{self.id}/{resource_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationalUnit:
    """A unit of an organisation. `parent_id` is another unit or the root, for good; names are unique under it."""

    organization_id: str
    parent_id: str
    id: str
    name: str
    created: datetime
    attached_policies: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationAccount:
    """An account's place in an organisation: under the root or a unit. `id` is the account's, so there is only one."""

    organization_id: str
    parent_id: str
    id: str
    joined: datetime
    attached_policies: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)


PolicyTarget: TypeAlias = Organization | OrganizationalUnit | OrganizationAccount
"""What organisation policies attach to; an organisation stands for its root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationPolicy:
    """A policy of an organisation, or one of AWS's own (`organization_id` is then `aws`)."""

    organization_id: str
    id: str
    name: str
    type: OrganizationPolicyType
    content: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    def arn(self, organization: Organization) -> str:
        """The policy's ARN, as its organisation sees it."""
        if self.organization_id == AWS_ACCOUNT:
            return organizations_arn(AWS_ACCOUNT, f"policy/{self.type.lower()}/{self.id}")
        return organization.arn_of("policy", f"{self.type.lower()}/{self.id}")


class KeyPurpose(StrEnum):
    """What a sealing key seals. Keys of one purpose never open what another sealed."""

    SESSION_TOKEN = "session-token"  # noqa: S105 - the name of a purpose
    RECORD_SECRET = "record-secret"  # noqa: S105 - the name of a purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """A key of the ring, wrapped by the master key. Exactly one of each purpose is active; the rest only open."""

    id: int
    purpose: KeyPurpose
    wrapped: bytes
    created: datetime
    active: bool

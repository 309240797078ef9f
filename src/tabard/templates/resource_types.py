"""The resource types that a template may hold: one row each.

(AWS CloudFormation Template Reference, "AWS::IAM".) What makes, reads and changes their records is
`apps/stacks/resources.py`; here is what a template may say about them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tabard.directory.providers import provider_url
from tabard.directory.service_linked import LINKED_SERVICES
from tabard.faults import ConstraintViolated
from tabard.names.arn import iam_arn
from tabard.templates.properties import Kind, Normals, Property
from tabard.templates.values import Text, Unknown

Predict = Callable[[str, str, Normals], Mapping[str, str]]
"""(account, physical id, wanted properties) → the attributes that are known before the record is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """One type. Types of a lower `rank` are made first where nothing else orders them.

    `named_by` is the property that names the record; where it is left out, a name of at most `name_length` is made
    up. `physical` gives the id that `Ref` answers, from the account and the wanted properties, its name among them;
    None where only making it tells. `adds` marks types that add to records of others and own none themselves.
    """

    name: str
    noun: str
    rank: int
    properties: Mapping[str, Property]
    attributes: frozenset[str] = frozenset()
    named_by: str | None = None
    name_length: int = 64
    physical: Callable[[str, Normals], Text] | None
    predict: Predict = lambda _account, _physical, _wanted: {}
    adds: bool = False

    @property
    def short(self) -> str:
        return self.name.removeprefix("AWS::IAM::")


def _own(name: str) -> Callable[[str, Normals], Text]:
    """The record's id is its name."""
    return lambda _account, wanted: text_of(wanted, name)


def text_of(values: Normals, name: str) -> Text:
    """A property that holds a text."""
    found = values.get(name, "")
    return found if isinstance(found, str | Unknown) else ""


def known_of(values: Normals, name: str) -> str:
    """A property whose text is known; nothing otherwise."""
    found = values.get(name, "")
    return found if isinstance(found, str) else ""


def _arn(kind: str, attribute: str = "Arn") -> Predict:
    return lambda account, physical, wanted: {
        attribute: iam_arn(account, f"{kind}{known_of(wanted, 'Path') or '/'}{physical}")
    }


def _policy_arn(account: str, wanted: Normals) -> Text:
    return iam_arn(account, f"policy{known_of(wanted, 'Path') or '/'}{known_of(wanted, 'ManagedPolicyName')}")


def _inline_id(owner: str) -> Callable[[str, Normals], Text]:
    def physical(_account: str, wanted: Normals) -> Text:
        name, of = text_of(wanted, "PolicyName"), text_of(wanted, owner)
        return f"{name}|{of}" if isinstance(name, str) and isinstance(of, str) else Unknown(owner)

    return physical


def _provider_arn(account: str, wanted: Normals) -> Text:
    try:
        return iam_arn(account, f"oidc-provider/{provider_url(known_of(wanted, 'Url'))}")
    except ConstraintViolated:
        return Unknown("Url")  # what is wrong with it, IAM says


def _linked_role_name(_account: str, wanted: Normals) -> Text:
    service, suffix = LINKED_SERVICES.get(known_of(wanted, "AWSServiceName")), known_of(wanted, "CustomSuffix")
    if service is None:
        return Unknown("AWSServiceName")  # as above
    return f"{service.role_name}_{suffix}" if suffix else service.role_name


def _saml_arn(account: str, wanted: Normals) -> Text:
    return iam_arn(account, f"saml-provider/{known_of(wanted, 'Name')}")


_NAME: Final = Property(replaces=True, open=True)
_PATH: Final = Property(open=True, default="/")
_FIXED_PATH: Final = Property(replaces=True, open=True, default="/")
_LIST: Final = Property(kind=Kind.TEXTS, open=True)
_WHOLE_LIST: Final = Property(kind=Kind.TEXTS, open=True, exclusive=True)
_POLICIES: Final = Property(kind=Kind.POLICIES, exclusive=True)
_TAGS: Final = Property(kind=Kind.TAGS)
_DOCUMENT: Final = Property(kind=Kind.DOCUMENT, required=True)


def _inline(noun: str) -> ResourceType:
    owner = f"{noun}Name"
    return ResourceType(
        name=f"AWS::IAM::{noun}Policy",
        noun=f"{noun.lower()} policy",
        rank=5,
        properties={
            "PolicyName": Property(required=True, replaces=True, open=True),
            owner: Property(required=True, replaces=True, open=True),
            # AWS's schema leaves it optional; a policy without a text is none.
            "PolicyDocument": _DOCUMENT,
        },
        physical=_inline_id(owner),
    )


_ALL: Final = (
    ResourceType(
        name="AWS::IAM::SAMLProvider",
        noun="SAML provider",
        rank=0,
        properties={
            "Name": _NAME,
            # AWS's schema leaves it optional; there is no provider without one.
            "SamlMetadataDocument": Property(required=True),
            "Tags": _TAGS,
            "AssertionEncryptionMode": Property(default="Allowed"),
            "AddPrivateKey": Property(hidden=True),
            "RemovePrivateKey": Property(),
            "PrivateKeyList": Property(told="its ids are made by IAM; use AddPrivateKey and RemovePrivateKey"),
        },
        attributes=frozenset({"Arn", "SamlProviderUUID"}),
        named_by="Name",
        name_length=128,
        physical=_saml_arn,
        predict=lambda _account, physical, _wanted: {"Arn": physical},
    ),
    ResourceType(
        name="AWS::IAM::OIDCProvider",
        noun="OIDC provider",
        rank=0,
        properties={
            "Url": Property(required=True, replaces=True, open=True),
            "ClientIdList": _LIST,
            "ThumbprintList": _LIST,
            "Tags": _TAGS,
        },
        attributes=frozenset({"Arn"}),
        physical=_provider_arn,
        predict=lambda _account, physical, _wanted: {"Arn": physical},
    ),
    ResourceType(
        name="AWS::IAM::ManagedPolicy",
        noun="managed policy",
        rank=1,
        properties={
            "ManagedPolicyName": _NAME,
            "PolicyDocument": _DOCUMENT,
            "Description": Property(replaces=True),
            "Path": _FIXED_PATH,
            "Groups": _LIST,
            "Roles": _LIST,
            "Users": _LIST,
        },
        attributes=frozenset(
            {
                "PolicyArn",
                "PolicyId",
                "AttachmentCount",
                "CreateDate",
                "UpdateDate",
                "DefaultVersionId",
                "IsAttachable",
                "PermissionsBoundaryUsageCount",
            }
        ),
        named_by="ManagedPolicyName",
        name_length=128,
        physical=_policy_arn,
        predict=lambda _account, physical, _wanted: {"PolicyArn": physical, "IsAttachable": "true"},
    ),
    ResourceType(
        name="AWS::IAM::Group",
        noun="group",
        rank=2,
        properties={
            "GroupName": _NAME,
            "Path": _PATH,
            "ManagedPolicyArns": _WHOLE_LIST,
            "Policies": _POLICIES,
        },
        attributes=frozenset({"Arn"}),
        named_by="GroupName",
        name_length=128,
        physical=_own("GroupName"),
        predict=_arn("group"),
    ),
    ResourceType(
        name="AWS::IAM::Role",
        noun="role",
        rank=3,
        properties={
            "RoleName": _NAME,
            "AssumeRolePolicyDocument": _DOCUMENT,
            "Description": Property(),
            "ManagedPolicyArns": _WHOLE_LIST,
            "MaxSessionDuration": Property(kind=Kind.INTEGER, default="3600"),
            "Path": _FIXED_PATH,
            "PermissionsBoundary": Property(),
            "Policies": _POLICIES,
            "Tags": _TAGS,
        },
        attributes=frozenset({"Arn", "RoleId"}),
        named_by="RoleName",
        physical=_own("RoleName"),
        predict=_arn("role"),
    ),
    ResourceType(
        name="AWS::IAM::ServiceLinkedRole",
        noun="service-linked role",
        rank=3,
        properties={
            "AWSServiceName": Property(required=True, replaces=True, open=True),
            "CustomSuffix": Property(replaces=True, open=True),
            "Description": Property(),
        },
        attributes=frozenset({"RoleName"}),
        physical=_linked_role_name,
        predict=lambda _account, physical, _wanted: {"RoleName": physical},
    ),
    ResourceType(
        name="AWS::IAM::User",
        noun="user",
        rank=4,
        properties={
            "UserName": _NAME,
            "Path": _PATH,
            "Groups": _WHOLE_LIST,
            "LoginProfile": Property(kind=Kind.PASSWORD),
            "ManagedPolicyArns": _WHOLE_LIST,
            "PermissionsBoundary": Property(),
            "Policies": _POLICIES,
            "Tags": _TAGS,
        },
        attributes=frozenset({"Arn"}),
        named_by="UserName",
        physical=_own("UserName"),
        predict=_arn("user"),
    ),
    ResourceType(
        name="AWS::IAM::Policy",
        noun="inline policy",
        rank=5,
        properties={
            "PolicyName": Property(required=True, open=True),
            "PolicyDocument": _DOCUMENT,
            "Groups": _LIST,
            "Roles": _LIST,
            "Users": _LIST,
        },
        attributes=frozenset({"Id"}),
        physical=None,
        predict=lambda _account, physical, _wanted: {"Id": physical},
    ),
    _inline("Role"),
    _inline("User"),
    _inline("Group"),
    ResourceType(
        name="AWS::IAM::InstanceProfile",
        noun="instance profile",
        rank=5,
        properties={
            "InstanceProfileName": _NAME,
            "Path": _FIXED_PATH,
            "Roles": Property(kind=Kind.TEXTS, required=True, open=True),
        },
        attributes=frozenset({"Arn"}),
        named_by="InstanceProfileName",
        name_length=128,
        physical=_own("InstanceProfileName"),
        predict=_arn("instance-profile"),
    ),
    ResourceType(
        name="AWS::IAM::UserToGroupAddition",
        noun="membership",
        rank=6,
        properties={
            "GroupName": Property(required=True, open=True),
            "Users": Property(kind=Kind.TEXTS, required=True, open=True),
        },
        physical=None,
        adds=True,
    ),
    ResourceType(
        name="AWS::IAM::AccessKey",
        noun="access key",
        rank=7,
        properties={
            "UserName": Property(required=True, replaces=True, open=True),
            "Serial": Property(kind=Kind.INTEGER, replaces=True, open=True, unread=True),
            "Status": Property(default="Active", open=True),
        },
        attributes=frozenset({"SecretAccessKey"}),
        physical=None,
    ),
)

RESOURCE_TYPES: Final[Mapping[str, ResourceType]] = {each.name: each for each in _ALL}
MADE_UP: Final = frozenset({"AWS::IAM::Policy", "AWS::IAM::UserToGroupAddition"})
"""Types whose id means nothing outside of the stack, and is made up as names are."""

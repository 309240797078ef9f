"""How the records of each resource type are made, changed and taken away: one row each, in IAM's own operations.

What is taken away by hand already is no error when it is to go. What others put on a record that is to go is taken
off where it is a part of the record (policies, memberships), and stops the deletion where it is not (a user's access
keys and MFA devices, a group's members, the users of a managed policy).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tabard.apps.stacks.calls import Calls
from tabard.apps.stacks.standing import NOUNS, Identity, identity_named, pairs, text, texts
from tabard.directory import quotas
from tabard.names.arn import parse_arn
from tabard.templates.properties import Kind, Normals, same
from tabard.templates.values import OnceSecret, Text

NOTHING: Final[Normals] = {}


@dataclass(frozen=True, slots=True)
class Fresh:
    """A record that was made: its id, and what only its making tells."""

    physical_id: str
    told: Mapping[str, Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What is done for one type. Properties are known throughout; `before` holds what is really there."""

    create: Callable[[Calls, Normals], Fresh]
    update: Callable[[Calls, str, Normals, Normals], None]
    """(calls, physical id, before, after)"""
    delete: Callable[[Calls, str, Normals], None]
    """(calls, physical id, what was last applied)"""


# ── roles, users, groups ─────────────────────────────────────────────────────────────────────────────


def _create_role(calls: Calls, after: Normals) -> Fresh:
    name = text(after, "RoleName")
    calls(
        "CreateRole",
        RoleName=name,
        AssumeRolePolicyDocument=text(after, "AssumeRolePolicyDocument"),
        Path=text(after, "Path"),
        Description=text(after, "Description") or None,
        MaxSessionDuration=text(after, "MaxSessionDuration"),
        PermissionsBoundary=text(after, "PermissionsBoundary") or None,
        Tags=_tags(after),
    )
    _change_policies(calls, "Role", name, NOTHING, after)
    return Fresh(name, {})


def _update_role(calls: Calls, name: str, before: Normals, after: Normals) -> None:
    changed = [each for each in ("Description", "MaxSessionDuration") if text(before, each) != text(after, each)]
    if changed:
        description = text(after, "Description") if "Description" in changed else None
        duration = text(after, "MaxSessionDuration")  # never left out: it would become an hour
        calls("UpdateRole", RoleName=name, Description=description, MaxSessionDuration=duration)
    if not same(Kind.DOCUMENT, text(before, "AssumeRolePolicyDocument"), text(after, "AssumeRolePolicyDocument")):
        calls("UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=text(after, "AssumeRolePolicyDocument"))
    _change_boundary(calls, "Role", name, before, after)
    _change_tags(calls, "Role", {"RoleName": name}, before, after)
    _change_policies(calls, "Role", name, before, after)


def _delete_role(calls: Calls, name: str, _last: Normals) -> None:
    role = identity_named(calls.desk, "Role", name)
    if role is not None:
        _strip(calls, "Role", role)
        calls("DeleteRole", RoleName=name)


def _create_user(calls: Calls, after: Normals) -> Fresh:
    name = text(after, "UserName")
    calls(
        "CreateUser",
        UserName=name,
        Path=text(after, "Path"),
        PermissionsBoundary=text(after, "PermissionsBoundary") or None,
        Tags=_tags(after),
    )
    _change_password(calls, name, NOTHING, after)
    _change_groups(calls, name, NOTHING, after)
    _change_policies(calls, "User", name, NOTHING, after)
    return Fresh(name, {})


def _update_user(calls: Calls, name: str, before: Normals, after: Normals) -> None:
    if text(before, "Path") != text(after, "Path"):
        calls("UpdateUser", UserName=name, NewPath=text(after, "Path"))
    _change_boundary(calls, "User", name, before, after)
    _change_tags(calls, "User", {"UserName": name}, before, after)
    _change_password(calls, name, before, after)
    _change_groups(calls, name, before, after)
    _change_policies(calls, "User", name, before, after)


def _delete_user(calls: Calls, name: str, last: Normals) -> None:
    user = calls.desk.records.users.get(calls.desk.account, name)
    if user is None:
        return
    if last.get("LoginProfile") and calls.desk.records.login_profiles.get(user.id) is not None:
        calls("DeleteLoginProfile", UserName=name)
    for group in map(calls.desk.records.groups.get_by_id, user.groups):
        if group is not None:
            calls("RemoveUserFromGroup", GroupName=group.name, UserName=name)
    _strip(calls, "User", user)
    calls("DeleteUser", UserName=name)


def _create_group(calls: Calls, after: Normals) -> Fresh:
    name = text(after, "GroupName")
    calls("CreateGroup", GroupName=name, Path=text(after, "Path"))
    _change_policies(calls, "Group", name, NOTHING, after)
    return Fresh(name, {})


def _update_group(calls: Calls, name: str, before: Normals, after: Normals) -> None:
    if text(before, "Path") != text(after, "Path"):
        calls("UpdateGroup", GroupName=name, NewPath=text(after, "Path"))
    _change_policies(calls, "Group", name, before, after)


def _delete_group(calls: Calls, name: str, _last: Normals) -> None:
    group = identity_named(calls.desk, "Group", name)
    if group is not None:
        _strip(calls, "Group", group)
        calls("DeleteGroup", GroupName=name)


def _change_policies(calls: Calls, noun: str, name: str, before: Normals, after: Normals) -> None:
    """Take away first, so that quotas count what is to be there."""
    who = {f"{noun}Name": name}
    old, new = pairs(before, "Policies"), pairs(after, "Policies")
    gone, added = _moves(before, after, "ManagedPolicyArns")
    for arn in gone:
        calls(f"Detach{noun}Policy", **who, PolicyArn=arn)
    for each in old:
        if each not in new:
            calls(f"Delete{noun}Policy", **who, PolicyName=each)
    for arn in added:
        calls(f"Attach{noun}Policy", **who, PolicyArn=arn)
    for each, document in new.items():
        if not same(Kind.DOCUMENT, old.get(each, ""), document):
            calls(f"Put{noun}Policy", **who, PolicyName=each, PolicyDocument=document)


def _change_boundary(calls: Calls, noun: str, name: str, before: Normals, after: Normals) -> None:
    boundary = text(after, "PermissionsBoundary")
    if boundary == text(before, "PermissionsBoundary"):
        return
    if boundary:
        calls(f"Put{noun}PermissionsBoundary", **{f"{noun}Name": name}, PermissionsBoundary=boundary)
    else:
        calls(f"Delete{noun}PermissionsBoundary", **{f"{noun}Name": name})


def _change_tags(calls: Calls, noun: str, which: Mapping[str, str], before: Normals, after: Normals) -> None:
    old, new = pairs(before, "Tags"), pairs(after, "Tags")
    gone = [key for key in old if key not in new]
    if gone:
        calls(f"Untag{noun}", **which, TagKeys=gone)
    changed = [{"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value]
    if changed:
        calls(f"Tag{noun}", **which, Tags=changed)


def _change_groups(calls: Calls, name: str, before: Normals, after: Normals) -> None:
    gone, added = _moves(before, after, "Groups")
    for group in gone:
        calls("RemoveUserFromGroup", GroupName=group, UserName=name)
    for group in added:
        calls("AddUserToGroup", GroupName=group, UserName=name)


def _change_password(calls: Calls, name: str, before: Normals, after: Normals) -> None:
    """A password that is there already is not set again: it would count as a new one."""
    old, new = pairs(before, "LoginProfile"), pairs(after, "LoginProfile")
    if new and not old:
        reset = new["PasswordResetRequired"]
        calls("CreateLoginProfile", UserName=name, Password=new["Password"], PasswordResetRequired=reset)
    elif new and old != new:
        password = new["Password"] if new["Password"] != old["Password"] else None
        reset = new["PasswordResetRequired"]
        calls("UpdateLoginProfile", UserName=name, Password=password, PasswordResetRequired=reset)
    elif old and not new:
        calls("DeleteLoginProfile", UserName=name)


def _strip(calls: Calls, noun: str, identity: Identity) -> None:
    who = {f"{noun}Name": identity.name}
    for arn in identity.attached_policies:
        calls(f"Detach{noun}Policy", **who, PolicyArn=arn)
    for name in identity.inline_policies:
        calls(f"Delete{noun}Policy", **who, PolicyName=name)


# ── providers, service-linked roles ──────────────────────────────────────────────────────────────────


def _create_saml_provider(calls: Calls, after: Normals) -> Fresh:
    answer = calls(
        "CreateSAMLProvider",
        Name=text(after, "Name"),
        SAMLMetadataDocument=text(after, "SamlMetadataDocument"),
        AssertionEncryptionMode=text(after, "AssertionEncryptionMode"),
        AddPrivateKey=text(after, "AddPrivateKey") or None,
        Tags=_tags(after) or None,
    )
    arn: str = answer.saml_provider_arn
    return Fresh(arn, {})


def _update_saml_provider(calls: Calls, arn: str, before: Normals, after: Normals) -> None:
    changes = {
        parameter: text(after, name)
        for name, parameter in (
            ("SamlMetadataDocument", "SAMLMetadataDocument"),
            ("AssertionEncryptionMode", "AssertionEncryptionMode"),
            ("AddPrivateKey", "AddPrivateKey"),
            ("RemovePrivateKey", "RemovePrivateKey"),
        )
        if text(after, name) and text(before, name) != text(after, name)
    }
    if changes:
        calls("UpdateSAMLProvider", SAMLProviderArn=arn, **changes)
    _change_tags(calls, "SAMLProvider", {"SAMLProviderArn": arn}, before, after)


def _delete_saml_provider(calls: Calls, arn: str, _last: Normals) -> None:
    if calls.desk.records.saml_providers.get(arn) is not None:
        calls("DeleteSAMLProvider", SAMLProviderArn=arn)


def _create_oidc_provider(calls: Calls, after: Normals) -> Fresh:
    answer = calls(
        "CreateOpenIDConnectProvider",
        Url=text(after, "Url"),
        ClientIDList=list(texts(after, "ClientIdList")) or None,
        ThumbprintList=list(texts(after, "ThumbprintList")) or None,
        Tags=_tags(after) or None,
    )
    arn: str = answer.open_id_connect_provider_arn
    return Fresh(arn, {})


def _update_oidc_provider(calls: Calls, arn: str, before: Normals, after: Normals) -> None:
    which = {"OpenIDConnectProviderArn": arn}
    gone, added = _moves(before, after, "ClientIdList")
    for client_id in gone:
        calls("RemoveClientIDFromOpenIDConnectProvider", **which, ClientID=client_id)
    for client_id in added:
        calls("AddClientIDToOpenIDConnectProvider", **which, ClientID=client_id)
    thumbprints = texts(after, "ThumbprintList")
    if set(thumbprints) != set(texts(before, "ThumbprintList")):
        calls("UpdateOpenIDConnectProviderThumbprint", **which, ThumbprintList=list(thumbprints))
    _change_tags(calls, "OpenIDConnectProvider", which, before, after)


def _delete_oidc_provider(calls: Calls, arn: str, _last: Normals) -> None:
    if calls.desk.records.oidc_providers.get(arn) is not None:
        calls("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=arn)


def _create_linked_role(calls: Calls, after: Normals) -> Fresh:
    answer = calls(
        "CreateServiceLinkedRole",
        AWSServiceName=text(after, "AWSServiceName"),
        CustomSuffix=text(after, "CustomSuffix") or None,
        Description=text(after, "Description") or None,
    )
    name: str = answer.role.role_name
    return Fresh(name, {})


def _update_linked_role(calls: Calls, name: str, _before: Normals, after: Normals) -> None:
    calls("UpdateRoleDescription", RoleName=name, Description=text(after, "Description"))


def _delete_linked_role(calls: Calls, name: str, _last: Normals) -> None:
    if calls.desk.records.roles.get(calls.desk.account, name) is not None:
        calls("DeleteServiceLinkedRole", RoleName=name)


# ── managed policies ─────────────────────────────────────────────────────────────────────────────────


def _create_managed_policy(calls: Calls, after: Normals) -> Fresh:
    answer = calls(
        "CreatePolicy",
        PolicyName=text(after, "ManagedPolicyName"),
        PolicyDocument=text(after, "PolicyDocument"),
        Path=text(after, "Path"),
        Description=text(after, "Description") or None,
    )
    arn: str = answer.policy.arn
    _change_holders(calls, arn, NOTHING, after)
    return Fresh(arn, {})


def _update_managed_policy(calls: Calls, arn: str, before: Normals, after: Normals) -> None:
    if not same(Kind.DOCUMENT, text(before, "PolicyDocument"), text(after, "PolicyDocument")):
        policy = calls.desk.records.policies.get(calls.desk.account, parse_arn(arn).name)
        if policy is not None and len(policy.versions) >= quotas.VERSIONS_PER_POLICY:
            oldest = next(v for v in policy.versions if v.id != policy.default_version_id)
            calls("DeletePolicyVersion", PolicyArn=arn, VersionId=oldest.id)
        calls("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=text(after, "PolicyDocument"), SetAsDefault=True)
    _change_holders(calls, arn, before, after)


def _delete_managed_policy(calls: Calls, arn: str, last: Normals) -> None:
    policy = calls.desk.records.policies.get(calls.desk.account, parse_arn(arn).name)
    if policy is None or policy.arn != arn:
        return
    for noun in NOUNS:
        for name in texts(last, f"{noun}s"):
            identity = identity_named(calls.desk, noun, name)
            if identity is not None and arn in identity.attached_policies:
                calls(f"Detach{noun}Policy", **{f"{noun}Name": name}, PolicyArn=arn)
    for version in policy.versions:
        if version.id != policy.default_version_id:
            calls("DeletePolicyVersion", PolicyArn=arn, VersionId=version.id)
    calls("DeletePolicy", PolicyArn=arn)


def _change_holders(calls: Calls, arn: str, before: Normals, after: Normals) -> None:
    for noun in NOUNS:
        gone, added = _moves(before, after, f"{noun}s")
        for name in gone:
            calls(f"Detach{noun}Policy", **{f"{noun}Name": name}, PolicyArn=arn)
        for name in added:
            calls(f"Attach{noun}Policy", **{f"{noun}Name": name}, PolicyArn=arn)


# ── inline policies ──────────────────────────────────────────────────────────────────────────────────


def _create_policy(calls: Calls, after: Normals) -> Fresh:
    _update_policy(calls, "", NOTHING, after)
    return Fresh("", {})


def _update_policy(calls: Calls, _physical_id: str, before: Normals, after: Normals) -> None:
    old, new = text(before, "PolicyName"), text(after, "PolicyName")
    document = text(after, "PolicyDocument")
    changed = old != new or not same(Kind.DOCUMENT, text(before, "PolicyDocument"), document)
    for noun in NOUNS:
        gone, added = _moves(before, after, f"{noun}s")
        for name in texts(before, f"{noun}s") if old != new else gone:
            _delete_inline(calls, noun, name, old)
        for name in texts(after, f"{noun}s") if changed else added:
            calls(f"Put{noun}Policy", **{f"{noun}Name": name}, PolicyName=new, PolicyDocument=document)


def _delete_policy(calls: Calls, _physical_id: str, last: Normals) -> None:
    for noun in NOUNS:
        for name in texts(last, f"{noun}s"):
            _delete_inline(calls, noun, name, text(last, "PolicyName"))


def _delete_inline(calls: Calls, noun: str, name: str, policy: str) -> None:
    identity = identity_named(calls.desk, noun, name)
    if identity is not None and policy in identity.inline_policies:
        calls(f"Delete{noun}Policy", **{f"{noun}Name": name}, PolicyName=policy)


def _inline(noun: str) -> Hands:
    owner = f"{noun}Name"

    def put(calls: Calls, after: Normals) -> None:
        calls(
            f"Put{noun}Policy",
            **{owner: text(after, owner)},
            PolicyName=text(after, "PolicyName"),
            PolicyDocument=text(after, "PolicyDocument"),
        )

    def create(calls: Calls, after: Normals) -> Fresh:
        put(calls, after)
        return Fresh(f"{text(after, 'PolicyName')}|{text(after, owner)}", {})

    def delete(calls: Calls, physical_id: str, _last: Normals) -> None:
        policy, _, name = physical_id.partition("|")
        _delete_inline(calls, noun, name, policy)

    return Hands(create=create, update=lambda calls, _id, _before, after: put(calls, after), delete=delete)


# ── what belongs to users and roles ──────────────────────────────────────────────────────────────────


def _create_instance_profile(calls: Calls, after: Normals) -> Fresh:
    name = text(after, "InstanceProfileName")
    calls("CreateInstanceProfile", InstanceProfileName=name, Path=text(after, "Path"))
    _update_instance_profile(calls, name, NOTHING, after)
    return Fresh(name, {})


def _update_instance_profile(calls: Calls, name: str, before: Normals, after: Normals) -> None:
    gone, added = _moves(before, after, "Roles")
    for role in gone:
        calls("RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role)
    for role in added:
        calls("AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)


def _delete_instance_profile(calls: Calls, name: str, _last: Normals) -> None:
    profile = calls.desk.records.instance_profiles.get(calls.desk.account, name)
    if profile is None:
        return
    role = calls.desk.records.roles.get_by_id(profile.role_id) if profile.role_id is not None else None
    if role is not None:
        calls("RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role.name)
    calls("DeleteInstanceProfile", InstanceProfileName=name)


def _create_membership(calls: Calls, after: Normals) -> Fresh:
    _update_membership(calls, "", NOTHING, after)
    return Fresh("", {})


def _update_membership(calls: Calls, _physical_id: str, before: Normals, after: Normals) -> None:
    old, new = text(before, "GroupName"), text(after, "GroupName")
    gone, added = _moves(before, after, "Users")
    for user in texts(before, "Users") if old != new else gone:
        _leave(calls, old, user)
    for user in texts(after, "Users") if old != new else added:
        calls("AddUserToGroup", GroupName=new, UserName=user)


def _delete_membership(calls: Calls, _physical_id: str, last: Normals) -> None:
    for user in texts(last, "Users"):
        _leave(calls, text(last, "GroupName"), user)


def _leave(calls: Calls, group_name: str, user_name: str) -> None:
    group = calls.desk.records.groups.get(calls.desk.account, group_name)
    user = calls.desk.records.users.get(calls.desk.account, user_name)
    if group is not None and user is not None and group.id in user.groups:
        calls("RemoveUserFromGroup", GroupName=group_name, UserName=user_name)


def _create_access_key(calls: Calls, after: Normals) -> Fresh:
    answer = calls("CreateAccessKey", UserName=text(after, "UserName"))
    key_id: str = answer.access_key.access_key_id
    _update_access_key(calls, key_id, {"Status": "Active"}, after)
    return Fresh(key_id, {"SecretAccessKey": OnceSecret(answer.access_key.secret_access_key)})


def _update_access_key(calls: Calls, key_id: str, before: Normals, after: Normals) -> None:
    if text(before, "Status") != text(after, "Status"):
        calls("UpdateAccessKey", UserName=text(after, "UserName"), AccessKeyId=key_id, Status=text(after, "Status"))


def _delete_access_key(calls: Calls, key_id: str, _last: Normals) -> None:
    key = calls.desk.records.access_keys.get(key_id)
    user = calls.desk.records.users.get_by_id(key.owner_id) if key is not None else None
    if user is not None:
        calls("DeleteAccessKey", UserName=user.name, AccessKeyId=key_id)


# ── inside ───────────────────────────────────────────────────────────────────────────────────────────


def _tags(values: Normals) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs(values, "Tags").items()]


def _moves(before: Normals, after: Normals, name: str) -> tuple[list[str], list[str]]:
    """What of a list goes, and what comes."""
    old, new = texts(before, name), texts(after, name)
    return [each for each in old if each not in new], [each for each in new if each not in old]


HANDS: Final[Mapping[str, Hands]] = {
    "AccessKey": Hands(create=_create_access_key, update=_update_access_key, delete=_delete_access_key),
    "Group": Hands(create=_create_group, update=_update_group, delete=_delete_group),
    "GroupPolicy": _inline("Group"),
    "InstanceProfile": Hands(
        create=_create_instance_profile, update=_update_instance_profile, delete=_delete_instance_profile
    ),
    "ManagedPolicy": Hands(create=_create_managed_policy, update=_update_managed_policy, delete=_delete_managed_policy),
    "OIDCProvider": Hands(create=_create_oidc_provider, update=_update_oidc_provider, delete=_delete_oidc_provider),
    "Policy": Hands(create=_create_policy, update=_update_policy, delete=_delete_policy),
    "Role": Hands(create=_create_role, update=_update_role, delete=_delete_role),
    "RolePolicy": _inline("Role"),
    "SAMLProvider": Hands(create=_create_saml_provider, update=_update_saml_provider, delete=_delete_saml_provider),
    "ServiceLinkedRole": Hands(create=_create_linked_role, update=_update_linked_role, delete=_delete_linked_role),
    "User": Hands(create=_create_user, update=_update_user, delete=_delete_user),
    "UserPolicy": _inline("User"),
    "UserToGroupAddition": Hands(create=_create_membership, update=_update_membership, delete=_delete_membership),
}
"""By the type's name without `AWS::IAM::`."""

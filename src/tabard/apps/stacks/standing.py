"""What is really there of a stack's resources, in the words of templates; and which stack each of them belongs to.

A record may be shared: a role's policies are its own, or come from a managed policy or an inline policy of any stack
that names the role. Where a template gives such a list, what no other resource has put there is shown as part of it,
so that what was added by hand is seen; where it gives none, only what it gave before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from tabard.actions.desk import Desk
from tabard.actions.trust_documents import shown_trust_policy
from tabard.directory.entities import Group, ManagedPolicy, OIDCProvider, PolicyUsage, Role, Stack, User
from tabard.directory.passwords import is_password
from tabard.directory.providers import provider_url
from tabard.directory.rules import SERVICE_LINKED_PATH
from tabard.directory.service_linked import LINKED_SERVICES
from tabard.faults import ConstraintViolated
from tabard.names.arn import parse_arn
from tabard.names.instants import iso
from tabard.names.tags import fold
from tabard.templates.plan import Found, Question
from tabard.templates.properties import HIDDEN, Kind, Normals, recalled, same
from tabard.templates.values import Secret, Text

Identity = User | Group | Role
NOUNS: Final = ("Group", "Role", "User")
"""The identities that policies stand on, as templates name them."""


def identity_named(desk: Desk, noun: str, name: str) -> Identity | None:
    """The account's user, group or role of that name."""
    records = desk.records
    find: Mapping[str, Callable[[str, str], Identity | None]] = {
        "Group": records.groups.get,
        "Role": records.roles.get,
        "User": records.users.get,
    }
    return find[noun](desk.account, name)


def texts(values: Normals, name: str) -> tuple[str, ...]:
    """A property that holds a list, as far as it is known."""
    found = values.get(name, ())
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, tuple) else ()


def text(values: Normals, name: str) -> str:
    """A property that holds a text, if it is known."""
    found = values.get(name, "")
    return found if isinstance(found, str) else ""


def pairs(values: Normals, name: str) -> dict[str, str]:
    """A property that holds a mapping, as far as it is known."""
    found = values.get(name, {})
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


class StoredStanding:
    """`templates.plan.Standing` over the records of one account, in one transaction."""

    def __init__(self, desk: Desk, stacks: Iterable[Stack]) -> None:
        self._desk = desk
        self._owners: dict[tuple[str, str], tuple[str, str]] = {}
        self._claims: dict[tuple[str, str, str, str], set[tuple[str, str]]] = {}
        for stack in stacks:
            for resource in stack.resources:
                owner = (stack.name, resource.logical_id)
                self._owners[resource.type, fold(resource.physical_id)] = owner
                for claim in _claims(resource.type, resource.physical_id, recalled(resource.properties)):
                    self._claims.setdefault(claim, set()).add(owner)
        self._readers: Mapping[str, Callable[[Question], Found | None]] = {
            "AccessKey": self._access_key,
            "Group": self._group,
            "GroupPolicy": self._inline_policy,
            "InstanceProfile": self._instance_profile,
            "ManagedPolicy": self._managed_policy,
            "OIDCProvider": self._oidc_provider,
            "Policy": self._policy,
            "Role": self._role,
            "RolePolicy": self._inline_policy,
            "SAMLProvider": self._saml_provider,
            "ServiceLinkedRole": self._service_linked_role,
            "User": self._user,
            "UserPolicy": self._inline_policy,
            "UserToGroupAddition": self._membership,
        }

    def owner_of(self, type_name: str, physical_id: str) -> tuple[str, str] | None:
        return self._owners.get((type_name, fold(physical_id)))

    def read(self, question: Question) -> Found | None:
        return self._readers[question.type.short](question)

    # ── identities ───────────────────────────────────────────────────────────────────────────────────

    def _role(self, question: Question) -> Found | None:
        role = self._desk.records.roles.get(self._desk.account, question.physical_id)
        if role is None:
            return None
        properties: Normals = {
            "RoleName": role.name,
            "AssumeRolePolicyDocument": shown_trust_policy(self._desk.records, role),
            "Description": role.description or "",
            "MaxSessionDuration": str(int(role.max_session_duration.total_seconds())),
            "Path": role.path,
            "PermissionsBoundary": role.permissions_boundary or "",
            "Tags": dict(role.tags),
            **self._policies_of(question, "Role", role),
        }
        return Found(properties=properties, attributes={"Arn": role.arn, "RoleId": role.id})

    def _group(self, question: Question) -> Found | None:
        group = self._desk.records.groups.get(self._desk.account, question.physical_id)
        if group is None:
            return None
        properties: Normals = {
            "GroupName": group.name,
            "Path": group.path,
            **self._policies_of(question, "Group", group),
        }
        return Found(properties=properties, attributes={"Arn": group.arn})

    def _user(self, question: Question) -> Found | None:
        user = self._desk.records.users.get(self._desk.account, question.physical_id)
        if user is None:
            return None
        groups = [g.name for g in map(self._desk.records.groups.get_by_id, user.groups) if g is not None]
        properties: Normals = {
            "UserName": user.name,
            "Path": user.path,
            "Groups": self._own(question, "Groups", groups, ("User", user.name, "group"), folded=True),
            "LoginProfile": self._login_profile(question, user),
            "PermissionsBoundary": user.permissions_boundary or "",
            "Tags": dict(user.tags),
            **self._policies_of(question, "User", user),
        }
        return Found(properties=properties, attributes={"Arn": user.arn})

    def _login_profile(self, question: Question, user: User) -> dict[str, Text]:
        """One that was set and then changed by the user is as it should be; one that is not the stack's is not seen."""
        profile = self._desk.records.login_profiles.get(user.id)
        if profile is None or ("LoginProfile" not in question.given and not question.last.get("LoginProfile")):
            return {}
        wanted, last = pairs(question.wanted, "LoginProfile"), pairs(question.last, "LoginProfile")
        hashes = (self._desk.secrets.open(user.id, sealed).decode() for sealed in profile.sealed_hashes)
        was_set = "Password" in wanted and any(is_password(hashed, wanted["Password"]) for hashed in hashes)
        reset = "true" if profile.reset_required else "false"
        return {
            "Password": Secret(wanted["Password"] if was_set else HIDDEN),
            "PasswordResetRequired": last.get("PasswordResetRequired", reset),
        }

    def _service_linked_role(self, question: Question) -> Found | None:
        role = self._desk.records.roles.get(self._desk.account, question.physical_id)
        if role is None or not role.path.startswith(SERVICE_LINKED_PATH):
            return None
        principal = role.path.removeprefix(SERVICE_LINKED_PATH).rstrip("/")
        properties: Normals = {
            "AWSServiceName": principal,
            "CustomSuffix": role.name.removeprefix(LINKED_SERVICES[principal].role_name).removeprefix("_"),
            "Description": role.description or "",
        }
        return Found(properties=properties, attributes={"RoleName": role.name})

    def _policies_of(self, question: Question, noun: str, identity: Identity) -> Normals:
        """The policies of an identity, as far as they are this resource's to say."""
        attached = self._own(
            question, "ManagedPolicyArns", identity.attached_policies, (noun, identity.name, "attached")
        )
        inline = self._own(question, "Policies", identity.inline_policies, (noun, identity.name, "inline"))
        return {"ManagedPolicyArns": attached, "Policies": {name: identity.inline_policies[name] for name in inline}}

    def _own(
        self,
        question: Question,
        prop: str,
        there: Iterable[str],
        where: tuple[str, str, str],
        *,
        folded: bool = False,
    ) -> tuple[str, ...]:
        """What of a list is this resource's to say: see the module. Names are spelt as the template spells them."""
        of = fold if folded else str
        spelt = {of(each): each for values in (question.last, question.wanted) for each in _names(values, prop)}
        wanted = {of(each) for each in _names(question.wanted, prop)}
        last = {of(each) for each in _names(question.last, prop)}
        kept = []
        for each in there:
            if of(each) in wanted or (of(each) in last and not self._claimed(question, where, each)):
                kept.append(spelt.get(of(each), each))
            elif prop in question.given and not self._claimed(question, where, each):
                kept.append(each)
        return tuple(kept)

    def _claimed(self, question: Question, where: tuple[str, str, str], value: str) -> bool:
        noun, name, kind = where
        owners = self._claims.get((noun, fold(name), kind, fold(value)), set())
        return bool(owners - {(question.stack, question.logical_id)})

    # ── providers ────────────────────────────────────────────────────────────────────────────────────

    def _saml_provider(self, question: Question) -> Found | None:
        provider = self._desk.records.saml_providers.get(question.physical_id)
        if provider is None or provider.account != self._desk.account:
            return None
        added, removed = text(question.wanted, "AddPrivateKey"), text(question.wanted, "RemovePrivateKey")
        opened = (self._desk.secrets.open(provider.row_of(key), key.sealed_pem) for key in provider.private_keys)
        has_added = bool(added) and any(pem == added.encode() for pem in opened)
        has_removed = any(key.id == removed for key in provider.private_keys)
        properties: Normals = {
            "Name": provider.name,
            "SamlMetadataDocument": provider.metadata,
            "Tags": dict(provider.tags),
            "AssertionEncryptionMode": provider.encryption_mode.value,
            "AddPrivateKey": Secret(added if has_added else ""),
            "RemovePrivateKey": "" if has_removed else removed,
        }
        return Found(properties=properties, attributes={"Arn": provider.arn, "SamlProviderUUID": provider.uuid})

    def _oidc_provider(self, question: Question) -> Found | None:
        provider = self._desk.records.oidc_providers.get(question.physical_id)
        if provider is None or provider.account != self._desk.account:
            return None
        wanted = text(question.wanted, "Url")
        properties: Normals = {
            "Url": wanted if _is_url_of(provider, wanted) else f"https://{provider.url}",
            "ClientIdList": provider.client_ids,
            "ThumbprintList": provider.thumbprints,
            "Tags": dict(provider.tags),
        }
        return Found(properties=properties, attributes={"Arn": provider.arn})

    # ── policies ─────────────────────────────────────────────────────────────────────────────────────

    def _managed_policy(self, question: Question) -> Found | None:
        policy = self._desk.records.policies.get(self._desk.account, parse_arn(question.physical_id).name)
        if policy is None:
            return None
        attachments = self._desk.records.policies.attachments(self._desk.account, policy.arn)
        users_of = [a for a in attachments if a.usage is PolicyUsage.PERMISSIONS]
        holders = {noun: {fold(a.name) for a in users_of if a.kind.value == noun.lower()} for noun in NOUNS}
        properties: Normals = {
            "ManagedPolicyName": policy.name,
            "PolicyDocument": policy.document,
            "Description": policy.description or "",
            "Path": policy.path,
            **{f"{noun}s": _present(question, f"{noun}s", holders[noun]) for noun in NOUNS},
        }
        return Found(properties=properties, attributes=_policy_attributes(policy, len(users_of), len(attachments)))

    def _policy(self, question: Question) -> Found | None:
        name = text(question.last or question.wanted, "PolicyName")
        document = text(question.wanted, "PolicyDocument")
        holders: dict[str, tuple[str, ...]] = {}
        other: str | None = None
        for noun in NOUNS:
            holding = set()
            for target in _asked(question, f"{noun}s"):
                identity = identity_named(self._desk, noun, target)
                there = identity.inline_policies.get(name) if identity is not None else None
                if there is not None:
                    holding.add(fold(target))
                    other = there if other is None and not same(Kind.DOCUMENT, there, document) else other
            holders[f"{noun}s"] = _present(question, f"{noun}s", holding)
        if not any(holders.values()):
            return None
        properties: Normals = {"PolicyName": name, "PolicyDocument": document if other is None else other, **holders}
        return Found(properties=properties, attributes={"Id": question.physical_id})

    def _inline_policy(self, question: Question) -> Found | None:
        noun = question.type.short.removesuffix("Policy")
        name, _, owner = question.physical_id.partition("|")
        identity = identity_named(self._desk, noun, owner)
        document = identity.inline_policies.get(name) if identity is not None else None
        if document is None:
            return None
        return Found(properties={"PolicyName": name, f"{noun}Name": owner, "PolicyDocument": document}, attributes={})

    # ── what belongs to users and roles ──────────────────────────────────────────────────────────────

    def _instance_profile(self, question: Question) -> Found | None:
        profile = self._desk.records.instance_profiles.get(self._desk.account, question.physical_id)
        if profile is None:
            return None
        role = self._desk.records.roles.get_by_id(profile.role_id) if profile.role_id is not None else None
        spelt = {fold(name): name for name in texts(question.wanted, "Roles")}
        properties: Normals = {
            "InstanceProfileName": profile.name,
            "Path": profile.path,
            "Roles": (spelt.get(fold(role.name), role.name),) if role is not None else (),
        }
        return Found(properties=properties, attributes={"Arn": profile.arn})

    def _membership(self, question: Question) -> Found | None:
        name = text(question.last or question.wanted, "GroupName")
        group = self._desk.records.groups.get(self._desk.account, name)
        if group is None:
            return None
        members = set()
        for each in _asked(question, "Users"):
            user = self._desk.records.users.get(self._desk.account, each)
            if user is not None and group.id in user.groups:
                members.add(fold(each))
        return Found(properties={"GroupName": name, "Users": _present(question, "Users", members)}, attributes={})

    def _access_key(self, question: Question) -> Found | None:
        key = self._desk.records.access_keys.get(question.physical_id)
        user = self._desk.records.users.get_by_id(key.owner_id) if key is not None else None
        if key is None or user is None or key.account != self._desk.account:
            return None
        wanted = text(question.wanted, "UserName")
        name = wanted if fold(wanted) == fold(user.name) else user.name
        secret: Text = Secret(HIDDEN)
        return Found(properties={"UserName": name, "Status": key.status.value}, attributes={"SecretAccessKey": secret})


def _is_url_of(provider: OIDCProvider, url: str) -> bool:
    try:
        return provider_url(url) == provider.url
    except ConstraintViolated:
        return False


def _policy_attributes(policy: ManagedPolicy, attached: int, used: int) -> dict[str, Text]:
    return {
        "PolicyArn": policy.arn,
        "PolicyId": policy.id,
        "AttachmentCount": str(attached),
        "CreateDate": iso(policy.created),
        "UpdateDate": iso(policy.updated),
        "DefaultVersionId": policy.default_version_id,
        "IsAttachable": "true",
        "PermissionsBoundaryUsageCount": str(used - attached),
    }


def _names(values: Normals, prop: str) -> Sequence[str]:
    found = values.get(prop)
    return list(found) if isinstance(found, dict) else texts(values, prop)


def _asked(question: Question, prop: str) -> tuple[str, ...]:
    """The names that the resource gives now or gave before; of two spellings the present one."""
    spelt = {fold(each): each for values in (question.last, question.wanted) for each in texts(values, prop)}
    return tuple(spelt.values())


def _present(question: Question, prop: str, there: set[str]) -> tuple[str, ...]:
    return tuple(each for each in _asked(question, prop) if fold(each) in there)


def _claims(type_name: str, physical_id: str, last: Normals) -> Iterator[tuple[str, str, str, str]]:
    """What a resource has put on the records of others: noun, name, how, and what; names folded."""
    short = type_name.removeprefix("AWS::IAM::")
    if short in ("ManagedPolicy", "Policy"):
        how, what = ("attached", physical_id) if short == "ManagedPolicy" else ("inline", text(last, "PolicyName"))
        for noun in NOUNS:
            for name in texts(last, f"{noun}s"):
                yield noun, fold(name), how, fold(what)
    elif short in ("RolePolicy", "UserPolicy", "GroupPolicy"):
        name, _, owner = physical_id.partition("|")
        yield short.removesuffix("Policy"), fold(owner), "inline", fold(name)
    elif short == "UserToGroupAddition":
        for name in texts(last, "Users"):
            yield "User", fold(name), "group", fold(text(last, "GroupName"))

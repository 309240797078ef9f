"""The contract of `ports.store`, for every store that there is."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tabard.adapters.stores.derived import LOG_LENGTH
from tabard.directory.denials import Denial, JudgedAsk, JudgedPolicy
from tabard.directory.entities import (
    AccessKey,
    AccessKeyUse,
    Account,
    AccountSettings,
    EncryptionMode,
    EntityKind,
    Group,
    InstanceProfile,
    KeyPurpose,
    KeyStatus,
    LoginProfile,
    ManagedPolicy,
    MFADevice,
    OIDCProvider,
    Organization,
    OrganizationAccount,
    OrganizationalUnit,
    OrganizationPolicy,
    OrganizationPolicyType,
    PasswordPolicy,
    PolicyUsage,
    PolicyVersion,
    Role,
    RoleDeletion,
    SAMLPrivateKey,
    SAMLProvider,
    SealingKey,
    Stack,
    StackResource,
    User,
)
from tabard.names.ids import authorization_id
from tabard.policy.decide import Layer, Outcome
from tabard.policy.document import Effect
from tabard.policy.explain import Effected, Element, LayerReport, Mismatch, Report, StatementReport
from tabard.ports.store import Change, NameTaken, Store
from tests.conformance.conftest import Open

HOME = "111122223333"
AWAY = "444455556666"
NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
POLICY_ARN = f"arn:aws:iam::{HOME}:policy/team/reader"


def user(name: str, *, account: str = HOME, entity_id: str | None = None, **fields) -> User:
    return User(account=account, name=name, id=entity_id or f"AIDA{account}{name}", created=NOW, **fields)


def group(name: str, *, account: str = HOME, **fields) -> Group:
    return Group(account=account, name=name, id=f"AGPA{account}{name}", created=NOW, **fields)


def role(name: str, *, account: str = HOME, entity_id: str | None = None, **fields) -> Role:
    return Role(
        account=account,
        name=name,
        id=entity_id or f"AROA{account}{name}",
        created=NOW,
        assume_role_policy_document='{"Statement": []}',
        **fields,
    )


def policy(name: str, *, account: str = HOME, **fields) -> ManagedPolicy:
    version = PolicyVersion(id="v1", document='{"Statement": []}', created=NOW)
    return ManagedPolicy(
        account=account, name=name, id=f"ANPA{account}{name}", created=NOW, updated=NOW, versions=(version,), **fields
    )


def profile(name: str, *, account: str = HOME, **fields) -> InstanceProfile:
    return InstanceProfile(account=account, name=name, id=f"AIPA{account}{name}", created=NOW, **fields)


def access_key(key_id: str, *, owner: str = "AIDAALICE", **fields) -> AccessKey:
    return AccessKey(
        **{"id": key_id, "account": HOME, "owner_id": owner, "sealed_secret": b"", "created": NOW} | fields
    )


def device(name: str, **fields) -> MFADevice:
    return MFADevice(**{"account": HOME, "name": name, "created": NOW, "sealed_seed": b"seed"} | fields)


def sealing_key(number: int, purpose: KeyPurpose = KeyPurpose.SESSION_TOKEN) -> SealingKey:
    return SealingKey(id=number, purpose=purpose, wrapped=b"\0\xffkey", created=NOW, active=True)


def stack(name: str, *, account: str = HOME, **fields) -> Stack:
    return Stack(account=account, name=name, id=f"{account}-{name}", created=NOW, updated=NOW, **fields)


def saml(name: str, *, account: str = HOME, **fields) -> SAMLProvider:
    return SAMLProvider(
        **{"account": account, "name": name, "uuid": "SAMLSP", "created": NOW, "metadata": "<m/>"} | fields
    )


def oidc(url: str, *, account: str = HOME, **fields) -> OIDCProvider:
    return OIDCProvider(account=account, url=url, created=NOW, **fields)


def login(user_id: str, **fields) -> LoginProfile:
    return LoginProfile(
        **{"account": HOME, "user_id": user_id, "created": NOW, "changed": NOW, "sealed_hashes": (b"\0\xff",)} | fields
    )


def deletion(task: str, *, account: str = HOME, minutes: int = 0) -> RoleDeletion:
    return RoleDeletion(account=account, task_id=task, created=NOW + timedelta(minutes=minutes))


def use(key_id: str, *, minutes: int) -> AccessKeyUse:
    return AccessKeyUse(key_id=key_id, at=NOW + timedelta(minutes=minutes), service="iam", region="us-east-1")


def organization(number: int = 1, **fields) -> Organization:
    home = {"management_account": HOME, "root_id": f"r-{number}", "created": NOW}
    return Organization(**{"id": f"o-{number}"} | home | fields)


def unit(name: str, *, parent: str = "r-1", **fields) -> OrganizationalUnit:
    place = {"organization_id": "o-1", "parent_id": parent, "id": f"ou-{parent}-{name}"}
    return OrganizationalUnit(**place | {"name": name, "created": NOW} | fields)


def member(account: str, *, parent: str = "r-1", organization_id: str = "o-1", **fields) -> OrganizationAccount:
    return OrganizationAccount(organization_id=organization_id, parent_id=parent, id=account, joined=NOW, **fields)


def rule(name: str, *, organization_id: str = "o-1", **fields) -> OrganizationPolicy:
    what = {"type": OrganizationPolicyType.SERVICE_CONTROL, "content": "{}"}
    return OrganizationPolicy(
        **{"organization_id": organization_id, "id": f"p-{organization_id}{name}", "name": name} | what | fields
    )


NAMED = [
    pytest.param("users", user, id="users"),
    pytest.param("groups", group, id="groups"),
    pytest.param("roles", role, id="roles"),
    pytest.param("policies", policy, id="policies"),
    pytest.param("instance_profiles", profile, id="instance profiles"),
]


def put(store: Store, port: str, *entities) -> None:
    with store.write() as records:
        for entity in entities:
            getattr(records, port).put(entity)


def names(entities) -> list[str]:
    return [entity.name for entity in entities]


# --- every field comes back ---------------------------------------------------------------------------------


def test_every_field_of_every_entity_comes_back_as_it_was_put(store: Store):
    account = Account(id=HOME, name="Büro 東京", created=NOW)
    alice = user(
        "Alice",
        path="/eu/",
        tags={"b": "2", "a": 'ü\n\t"\\'},
        permissions_boundary="arn:aws:iam::aws:policy/ReadOnlyAccess",
        inline_policies={"z": '{"é": "\\u0000"}\r\n', "a": " "},
        attached_policies=("arn:2", "arn:1"),
        groups=("AGPA2", "AGPA1"),
    )
    team = group("Team", path="/eu/", inline_policies={"p": "{}"}, attached_policies=("arn:1",))
    auditor = role(
        "auditor",
        path="/x/y/",
        principal_ids={"arn:aws:iam::1:user/a": "AIDA1"},
        description="",
        max_session_duration=timedelta(hours=12, seconds=1),
        tags={"k": ""},
        permissions_boundary="arn:b",
        inline_policies={"p": "{}"},
        attached_policies=("arn:1",),
    )
    versions = tuple(PolicyVersion(id=f"v{n}", document=f"{n}", created=NOW) for n in (2, 7))
    reader = replace(policy("reader"), versions=versions, default_version_id="v7", latest_version=9, description="d")
    machine = profile("machine", role_id=auditor.id, tags={"a": "b"})
    key = access_key("AKIA1", sealed_secret=bytes(range(256)), status=KeyStatus.INACTIVE)
    phone = device("phone", sealed_seed=b"\xff\0", owner_id="AIDA1", enabled=NOW, last_step=2**40, failures=3)
    ring = replace(sealing_key(1), active=False)
    made = stack(
        "Büro",
        resources=(
            StackResource(
                logical_id="Reader",
                type="AWS::IAM::Role",
                physical_id="reader",
                properties='{"Tags": {"ü": "\\n"}}',
                needs=("Policy", "Other"),
                retained=True,
            ),
        ),
        exports={"b": "2", "a": "1"},
        imports=("there",),
    )
    both = tuple(OrganizationPolicyType)
    company = organization(enabled_policy_types=both, attached_policies=("p-1",), tags={"a": ""})
    division = unit("Ünit\n", attached_policies=("p-1", "p-2"), tags={"b": "ü"})
    place = member(HOME, parent=division.id, attached_policies=("p-2",), tags={"c": "d"})
    law = rule("Law", type=OrganizationPolicyType.RESOURCE_CONTROL, description="é\0", tags={"t": "1"})
    strictness = PasswordPolicy(
        minimum_length=9, require_symbols=True, maximum_age=timedelta(days=3), hard_expiry=False
    )
    settings = AccountSettings(account=HOME, alias="acme", password_policy=strictness, global_endpoint_token_version=2)
    password = login(alice.id, changed=NOW + timedelta(1), sealed_hashes=(b"\xff", b""), reset_required=True)
    opener = SAMLPrivateKey(id="SAMLPK1", created=NOW, sealed_pem=b"\0\xfe")
    corporate = saml(
        "Company",
        metadata="<m>é\r\n\t&#0;</m>",
        encryption_mode=EncryptionMode.REQUIRED,
        private_keys=(opener,),
        tags={"a": "b"},
    )
    issuer = oidc("idp.test/A", client_ids=("b", "a"), thumbprints=("f" * 40,), tags={"a": "b"})
    task = deletion("task/x/1")
    with store.write() as records:
        records.organizations.put(company)
        records.organizational_units.put(division)
        records.organization_accounts.put(place)
        records.organization_policies.put(law)
        records.settings.put(settings)
        records.login_profiles.put(password)
        records.saml_providers.put(corporate)
        records.oidc_providers.put(issuer)
        records.role_deletions.put(task)
        records.accounts.put(account)
        records.users.put(alice)
        records.groups.put(team)
        records.roles.put(auditor)
        records.policies.put(reader)
        records.instance_profiles.put(machine)
        records.access_keys.put(key)
        records.access_keys.record_use(use("AKIA1", minutes=1))
        records.mfa_devices.put(phone)
        records.sealing_keys.put(ring)
        records.stacks.put(made)
    with store.read() as records:
        assert account == records.accounts.get(HOME) == records.accounts.get_by_name("BüRO 東京")
        assert alice == records.users.get(HOME, "Alice") == records.users.get_by_id(alice.id)
        assert list(alice.tags) == list(records.users.get(HOME, "Alice").tags)
        assert team == records.groups.get_by_id(team.id)
        assert auditor == records.roles.get_by_id(auditor.id)
        assert reader == records.policies.get_by_id(reader.id)
        assert machine == records.instance_profiles.get_by_id(machine.id)
        assert key == records.access_keys.get("AKIA1")
        assert use("AKIA1", minutes=1) == records.access_keys.last_use("AKIA1")
        assert phone == records.mfa_devices.get(phone.serial_number)
        assert [ring] == list(records.sealing_keys.of(KeyPurpose.SESSION_TOKEN))
        assert made == records.stacks.get(HOME, "bürO")
        assert company == records.organizations.get(company.id)
        assert division == records.organizational_units.get(division.id)
        assert place == records.organization_accounts.get(HOME)
        assert law == records.organization_policies.get(law.id)
        assert settings == records.settings.get(HOME) == records.settings.by_alias("acme")
        assert password == records.login_profiles.get(alice.id)
        assert corporate == records.saml_providers.get(corporate.arn)
        assert issuer == records.oidc_providers.get(issuer.arn)
        assert task == records.role_deletions.get("task/x/1")


# --- names, ids, accounts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_a_name_is_found_without_regard_to_ascii_case(store: Store, port, make):
    put(store, port, make("ReadOnly+=,.@-_1"))
    with store.read() as records:
        assert make("ReadOnly+=,.@-_1") == getattr(records, port).get(HOME, "rEADoNLY+=,.@-_1")
        assert getattr(records, port).get(HOME, "ReadOnly+=,.@-11") is None


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_a_name_is_taken_without_regard_to_case_or_path_and_the_transaction_lives_on(store: Store, port, make):
    put(store, port, make("Auditor"))
    with store.write() as records:
        with pytest.raises(NameTaken):
            getattr(records, port).put(replace(make("other"), name="AUDITOR", path="/elsewhere/"))
        getattr(records, port).put(make("second"))
    with store.read() as records:
        assert names(getattr(records, port).list(HOME)) == ["Auditor", "second"]


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_the_same_name_in_two_accounts_is_two_records(store: Store, port, make):
    put(store, port, make("same"), make("same", account=AWAY), make("more", account=AWAY))
    with store.read() as records:
        records_of = getattr(records, port)
        assert make("same") == records_of.get(HOME, "same")
        assert make("same", account=AWAY) == records_of.get(AWAY, "same")
        assert records_of.get(HOME, "more") is None
        assert (records_of.count(HOME), records_of.count(AWAY), records_of.count("999999999999")) == (1, 2, 0)
        assert names(records_of.list(HOME)) == ["same"]


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_put_replaces_by_id_so_that_a_record_can_be_renamed(store: Store, port, make):
    before = make("before")
    put(store, port, before)
    put(store, port, replace(before, name="After", path="/new/"))
    with store.read() as records:
        records_of = getattr(records, port)
        assert records_of.get(HOME, "before") is None
        assert records_of.get_by_id(before.id).name == "After"
        assert records_of.count(HOME) == 1


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_a_record_may_change_the_case_of_its_own_name(store: Store, port, make):
    put(store, port, make("name"))
    put(store, port, replace(make("name"), name="NAME"))
    with store.read() as records:
        assert getattr(records, port).get(HOME, "name").name == "NAME"


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_an_id_never_moves_to_another_account(store: Store, port, make):
    put(store, port, make("mine"))
    with pytest.raises(NameTaken), store.write() as records:
        getattr(records, port).put(replace(make("mine"), account=AWAY))


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_what_is_deleted_is_gone_and_its_name_is_free(store: Store, port, make):
    put(store, port, make("name"))
    with store.write() as records:
        getattr(records, port).delete(make("name"))
        getattr(records, port).delete(make("never there"))
    again = replace(make("name"), id="ANOTHERID")
    put(store, port, again)
    with store.read() as records:
        assert again == getattr(records, port).get(HOME, "name")
        assert getattr(records, port).get_by_id(make("name").id) is None


def test_ids_of_one_kind_are_nothing_to_another(store: Store):
    put(store, "users", user("x", entity_id="SAMEID"))
    put(store, "roles", role("x", entity_id="SAMEID"))
    with store.read() as records:
        assert user("x", entity_id="SAMEID") == records.users.get_by_id("SAMEID")
        assert role("x", entity_id="SAMEID") == records.roles.get_by_id("SAMEID")
        assert records.groups.get_by_id("SAMEID") is None


def test_any_text_may_be_asked_for_and_nothing_is_found_by_it(store: Store):
    put(store, "users", user("a", path="/a/"))
    with store.read() as records:
        for text in ("a\0b", "\0", "\ud800", "x" * 100_000, "'; DROP TABLE entities; --", "", "%", "_"):
            assert records.users.get(HOME, text) is None
            assert records.users.get(text, "a") is None
            assert records.users.get_by_id(text) is None
            assert records.access_keys.get(text) is None
            assert records.mfa_devices.get(text) is None
            assert records.accounts.get(text) is None
            assert records.users.count(text) == 0
            assert list(records.policies.attachments(HOME, text)) == []
            assert list(records.users.in_group(text)) == []
            assert records.organizations.get(text) is None
            assert records.organizational_units.get(text) is None
            assert records.organization_accounts.get(text) is None
            assert records.organization_policies.get(text) is None
            assert list(records.organization_accounts.under(text)) == []
            assert list(records.organization_policies.attachments(text, text)) == []


# --- lists --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_lists_follow_the_folded_name_bytewise_and_ignore_the_path(store: Store, port, make):
    given = ["b", "A", "_x", "a1", "B2", "-", "Z", "a_", "a-", "@", "9", "aa", "C"]
    put(store, port, *(make(name, path=f"/{90 - n}/") for n, name in enumerate(given)))
    with store.read() as records:
        assert sorted(given, key=str.lower) == names(getattr(records, port).list(HOME))


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_pages_hold_every_record_exactly_once(store: Store, port, make):
    given = [f"Name{n:02}" for n in range(25)]
    put(store, port, *map(make, reversed(given)))
    seen: list[str] = []
    with store.read() as records:
        while page := names(getattr(records, port).list(HOME, after=seen[-1] if seen else "", limit=7)):
            assert len(page) <= 7
            seen += page
    assert given == seen


def test_a_page_starts_after_a_name_that_is_no_longer_there_whatever_its_case(store: Store):
    put(store, "users", user("a"), user("C"))
    with store.read() as records:
        assert names(records.users.list(HOME, after="B")) == ["C"]
        assert names(records.users.list(HOME, after="c")) == []


@pytest.mark.parametrize(("port", "make"), NAMED)
def test_a_path_prefix_is_literal(store: Store, port, make):
    paths = {"a": "/ab/c/", "b": "/a%/", "c": "/a_/", "d": "/AB/", "e": "/[a]*?/"}
    found_under = {
        "/": ["a", "b", "c", "d", "e"],
        "/a%/": ["b"],
        "/a_/": ["c"],
        "/a": ["a", "b", "c"],
        "/A": ["d"],
        "/a%": ["b"],
        "/ab/c": ["a"],
        "/\\": [],
        "/[": ["e"],
    }
    put(store, port, *(make(name, path=path) for name, path in paths.items()))
    with store.read() as records:
        for prefix, expected in found_under.items():
            assert names(getattr(records, port).list(HOME, path_prefix=prefix)) == expected
            assert names(getattr(records, port).list(HOME, path_prefix=prefix, limit=1)) == expected[:1]


def test_accounts_are_listed_by_id_and_their_names_are_unique(store: Store):
    put(store, "accounts", *(Account(id=i, name=f"n{i}", created=NOW) for i in (AWAY, HOME)))
    with store.write() as records, pytest.raises(NameTaken):
        records.accounts.put(Account(id="777788889999", name=f"N{AWAY}", created=NOW))
    with store.read() as records:
        assert [account.id for account in records.accounts.list()] == [HOME, AWAY]
        assert [account.id for account in records.accounts.list(after=HOME)] == [AWAY]
        assert [account.id for account in records.accounts.list(limit=1)] == [HOME]
        assert records.accounts.get("777788889999") is None


def test_stacks_are_found_by_name_in_their_account_and_listed_in_its_order(store: Store):
    put(store, "stacks", stack("web"), stack("App"), stack("web", account=AWAY), stack("zone"))
    with store.write() as records:
        with pytest.raises(NameTaken):
            records.stacks.put(replace(stack("other"), name="WEB"))
        records.stacks.delete(stack("zone"))
        records.stacks.put(stack("web", exports={"x": "1"}))
    with store.read() as records:
        assert records.stacks.get(HOME, "WEB") == stack("web", exports={"x": "1"})
        assert records.stacks.get(AWAY, "app") is None
        assert names(records.stacks.list(HOME)) == ["App", "web"]
        assert names(records.stacks.list(HOME, after="app", limit=1)) == ["web"]
        assert names(records.stacks.list(AWAY)) == ["web"]
    assert Change(EntityKind.STACK, stack("zone").id) in store.changes_since(0).changes


# --- groups, attachments, profiles --------------------------------------------------------------------------


def test_the_members_of_a_group_follow_from_the_users(store: Store):
    put(store, "users", *(user(n, groups=("G1", "G2")) for n in ("b", "C", "a")), user("d", groups=("G2",)), user("e"))
    with store.read() as records:
        assert names(records.users.in_group("G1")) == ["a", "b", "C"]
        assert names(records.users.in_group("G1", after="A", limit=2)) == ["b", "C"]
        assert names(records.users.in_group("G2", limit=2)) == ["a", "b"]
    with store.write() as records:
        records.users.put(user("b", groups=("G2",)))
        records.users.put(replace(user("C", groups=("G1", "G2")), name="0renamed"))
        records.users.delete(user("a"))
        assert names(records.users.in_group("G1")) == ["0renamed"]
    with store.read() as records:
        assert names(records.users.in_group("G1")) == ["0renamed"]
        assert names(records.users.in_group("G2")) == ["0renamed", "b", "d"]


def test_attachments_follow_from_the_identities_users_then_groups_then_roles(store: Store):
    with store.write() as records:
        records.roles.put(role("A", attached_policies=(POLICY_ARN, "arn:other")))
        records.groups.put(group("z", attached_policies=(POLICY_ARN,)))
        records.groups.put(group("Y", attached_policies=(POLICY_ARN,)))
        records.users.put(user("m", path="/p/", permissions_boundary=POLICY_ARN, attached_policies=(POLICY_ARN,)))
        records.users.put(user("unrelated", attached_policies=("arn:other",)))
        records.users.put(user("stranger", account=AWAY, attached_policies=(POLICY_ARN,)))
    with store.read() as records:
        found = records.policies.attachments(HOME, POLICY_ARN)
        assert [(a.kind, a.name, a.usage) for a in found] == [
            (EntityKind.USER, "m", PolicyUsage.PERMISSIONS),
            (EntityKind.USER, "m", PolicyUsage.BOUNDARY),
            (EntityKind.GROUP, "Y", PolicyUsage.PERMISSIONS),
            (EntityKind.GROUP, "z", PolicyUsage.PERMISSIONS),
            (EntityKind.ROLE, "A", PolicyUsage.PERMISSIONS),
        ]
        assert (f"AIDA{HOME}m", "/p/") == (found[0].id, found[0].path)
        assert names(records.policies.attachments(AWAY, POLICY_ARN)) == ["stranger"]
        assert list(records.policies.attachments(HOME, POLICY_ARN.upper())) == []


def test_attachments_change_with_the_identity(store: Store):
    put(store, "users", user("m", attached_policies=(POLICY_ARN,), permissions_boundary=POLICY_ARN), user("n"))
    put(store, "users", replace(user("m", permissions_boundary=POLICY_ARN), name="renamed"))
    with store.read() as records:
        (only,) = records.policies.attachments(HOME, POLICY_ARN)
        assert (only.name, only.usage) == ("renamed", PolicyUsage.BOUNDARY)
    with store.write() as records:
        records.users.delete(user("m"))
    with store.read() as records:
        assert list(records.policies.attachments(HOME, POLICY_ARN)) == []


def test_instance_profiles_are_found_by_the_role_they_hold(store: Store):
    put(store, "instance_profiles", profile("b", role_id="R"), profile("A", role_id="R"), profile("c"))
    with store.read() as records:
        assert names(records.instance_profiles.for_role("R")) == ["A", "b"]
    put(store, "instance_profiles", profile("A"))
    with store.read() as records:
        assert names(records.instance_profiles.for_role("R")) == ["b"]


# --- providers, passwords, settings, deletions --------------------------------------------------------------


def test_saml_providers_are_found_by_arn_and_listed_by_folded_name(store: Store):
    put(store, "saml_providers", saml("b"), saml("A"), saml("_"), saml("b", account=AWAY))
    with store.read() as records:
        ports = records.saml_providers
        assert names(ports.list(HOME)) == ["_", "A", "b"]
        assert names(ports.list(HOME, after="a")) == ["b"]
        assert names(ports.list(HOME, limit=2)) == ["_", "A"]
        assert (ports.count(HOME), ports.count(AWAY), ports.count("999999999999")) == (3, 1, 0)
        assert ports.get(saml("B").arn) is None


def test_a_saml_provider_s_name_is_taken_in_every_case_and_in_its_account_alone(store: Store):
    put(store, "saml_providers", saml("Idp"))
    with store.write() as records:
        with pytest.raises(NameTaken):
            records.saml_providers.put(saml("iDP"))
        records.saml_providers.put(saml("iDP", account=AWAY))
        records.saml_providers.put(saml("Idp", metadata="<other/>"))
    with store.write() as records:
        assert records.saml_providers.get(saml("Idp").arn).metadata == "<other/>"
        records.saml_providers.delete(saml("Idp"))
        records.saml_providers.put(saml("iDP"))


def test_the_longest_metadata_comes_back(store: Store):
    long = saml("long", metadata="é<>&" * 1_000_000)
    put(store, "saml_providers", long)
    with store.read() as records:
        assert records.saml_providers.get(long.arn) == long


def test_urls_of_providers_keep_their_case(store: Store):
    put(store, "oidc_providers", oidc("idp.test/b"), oidc("idp.test/B"), oidc("a.test"), oidc("z.test", account=AWAY))
    with store.read() as records:
        ports = records.oidc_providers
        assert [each.url for each in ports.list(HOME)] == ["a.test", "idp.test/B", "idp.test/b"]
        assert [each.url for each in ports.list(HOME, after="idp.test/B")] == ["idp.test/b"]
        assert [each.url for each in ports.list(HOME, limit=1)] == ["a.test"]
        assert (ports.count(HOME), ports.count(AWAY)) == (3, 1)
        assert ports.get(oidc("idp.test/B").arn) == oidc("idp.test/B")
    with store.write() as records:
        records.oidc_providers.delete(oidc("idp.test/B"))
        assert records.oidc_providers.get(oidc("idp.test/B").arn) is None
        assert records.oidc_providers.get(oidc("idp.test/b").arn) is not None


def test_a_password_is_its_user_s_and_is_replaced_and_deleted(store: Store):
    put(store, "login_profiles", login("AIDA1"), login("AIDA2"))
    put(store, "login_profiles", login("AIDA1", sealed_hashes=(b"new", b"old")))
    with store.write() as records:
        assert records.login_profiles.get("AIDA1").sealed_hashes == (b"new", b"old")
        records.login_profiles.delete(login("AIDA1"))
        records.login_profiles.delete(login("never there"))
    with store.read() as records:
        assert records.login_profiles.get("AIDA1") is None
        assert records.login_profiles.get("AIDA2") == login("AIDA2")


def test_an_account_without_settings_has_the_defaults(store: Store):
    with store.read() as records:
        assert records.settings.get(HOME) == AccountSettings(account=HOME)
        assert records.settings.by_alias("acme") is None


def test_an_alias_is_one_account_s_in_the_whole_store(store: Store):
    put(store, "settings", AccountSettings(account=HOME, alias="acme"), AccountSettings(account=AWAY))
    with store.write() as records:
        with pytest.raises(NameTaken):
            records.settings.put(AccountSettings(account=AWAY, alias="acme"))
        records.settings.put(AccountSettings(account=AWAY, alias="away"))
    with store.read() as records:
        assert records.settings.by_alias("acme").account == HOME
        assert records.settings.by_alias("away").account == AWAY
    put(store, "settings", AccountSettings(account=HOME))
    put(store, "settings", AccountSettings(account=AWAY, alias="acme"))
    with store.read() as records:
        assert records.settings.by_alias("acme").account == AWAY
        assert records.settings.by_alias("away") is None


def test_deletions_are_told_oldest_first_and_forgotten(store: Store):
    put(store, "role_deletions", deletion("b", minutes=2), deletion("c", minutes=1), deletion("a", account=AWAY))
    with store.write() as records:
        assert [each.task_id for each in records.role_deletions.of(HOME)] == ["c", "b"]
        records.role_deletions.delete(deletion("c"))
    with store.read() as records:
        assert [each.task_id for each in records.role_deletions.of(HOME)] == ["b"]
        assert records.role_deletions.get("c") is None


def test_the_change_log_names_them(store: Store):
    before = store.revision()
    with store.write() as records:
        records.settings.put(AccountSettings(account=HOME))
        records.login_profiles.put(login("AIDA1"))
        records.saml_providers.put(saml("idp"))
        records.oidc_providers.put(oidc("idp.test"))
        records.role_deletions.put(deletion("task"))
    assert store.changes_since(before).changes == (
        Change(EntityKind.ACCOUNT_SETTINGS, HOME),
        Change(EntityKind.LOGIN_PROFILE, "AIDA1"),
        Change(EntityKind.SAML_PROVIDER, saml("idp").arn),
        Change(EntityKind.OIDC_PROVIDER, oidc("idp.test").arn),
        Change(EntityKind.ROLE_DELETION, "task"),
    )


# --- keys and devices ---------------------------------------------------------------------------------------


# --- organisations ------------------------------------------------------------------------------------------


def test_an_account_is_in_one_organisation_at_most(store: Store):
    put(store, "organizations", organization(1), organization(2))
    put(store, "organization_accounts", member(HOME))
    with store.write() as records:
        with pytest.raises(NameTaken):
            records.organization_accounts.put(member(HOME, organization_id="o-2", parent="r-2"))
        records.organization_accounts.put(member(HOME, parent="ou-1"))
    with store.write() as records:
        records.organization_accounts.delete(member(HOME))
        records.organization_accounts.put(member(HOME, organization_id="o-2", parent="r-2"))
    with store.read() as records:
        assert [each.id for each in records.organizations.list()] == ["o-1", "o-2"]
        assert [each.id for each in records.organizations.list(after="o-1")] == ["o-2"]
        assert list(records.organization_accounts.list("o-1")) == []
        assert records.organization_accounts.get(HOME).organization_id == "o-2"


def test_accounts_are_listed_by_organisation_and_found_under_their_parent(store: Store):
    accounts = ["300000000000", HOME, AWAY]
    put(store, "organization_accounts", *(member(each, parent="ou-1") for each in accounts))
    put(store, "organization_accounts", member("999999999999"), member("888888888888", organization_id="o-2"))

    def ids_of(found: Sequence[OrganizationAccount]) -> list[str]:
        return [each.id for each in found]

    with store.read() as records:
        assert ids_of(records.organization_accounts.list("o-1")) == [*sorted(accounts), "999999999999"]
        assert ids_of(records.organization_accounts.list("o-1", after=HOME, limit=2)) == ["300000000000", AWAY]
        assert ids_of(records.organization_accounts.under("ou-1")) == sorted(accounts)
    put(store, "organization_accounts", member(HOME, parent="ou-2"))
    with store.read() as records:
        assert [each.id for each in records.organization_accounts.under("ou-2")] == [HOME]
        assert HOME not in [each.id for each in records.organization_accounts.under("ou-1")]


def test_the_name_of_a_unit_is_unique_under_its_parent_and_only_there(store: Store):
    put(store, "organizational_units", unit("Prod"), unit("dev"), unit("Prod", parent="ou-r-1-dev"))
    with store.write() as records, pytest.raises(NameTaken):
        records.organizational_units.put(replace(unit("other"), name="PROD"))
    with store.read() as records:
        assert names(records.organizational_units.list("r-1")) == ["dev", "Prod"]
        assert names(records.organizational_units.list("r-1", after="DEV")) == ["Prod"]
        assert names(records.organizational_units.list("ou-r-1-dev")) == ["Prod"]
    with store.write() as records:
        records.organizational_units.delete(unit("Prod"))
        records.organizational_units.put(replace(unit("dev"), name="PROD"))
    with store.read() as records:
        assert names(records.organizational_units.list("r-1")) == ["PROD"]


def test_the_name_of_an_organisation_policy_is_unique_in_its_organisation(store: Store):
    put(store, "organization_policies", rule("b"), rule("A"), rule("a", organization_id="o-2"))
    with store.write() as records, pytest.raises(NameTaken):
        records.organization_policies.put(replace(rule("c"), name="B"))
    with store.write() as records, pytest.raises(NameTaken):
        records.organization_policies.put(replace(rule("b"), organization_id="o-2"))
    with store.read() as records:
        assert names(records.organization_policies.list("o-1")) == ["A", "b"]
        assert names(records.organization_policies.list("o-1", after="a", limit=1)) == ["b"]
        assert names(records.organization_policies.list("o-2")) == ["a"]


def test_where_a_policy_is_attached_follows_from_root_units_and_accounts(store: Store):
    shared = ("p-shared", "p-shared")
    put(store, "organizations", organization(1, attached_policies=shared), organization(2, attached_policies=shared))
    put(store, "organizational_units", unit("Z", attached_policies=shared), unit("a", attached_policies=shared))
    put(store, "organization_accounts", member(HOME, attached_policies=("p-own", *shared)), member(AWAY))
    expected = [
        (EntityKind.ORGANIZATION, "o-1"),
        (EntityKind.ORGANIZATIONAL_UNIT, "ou-r-1-a"),
        (EntityKind.ORGANIZATIONAL_UNIT, "ou-r-1-Z"),
        (EntityKind.ORGANIZATION_ACCOUNT, HOME),
    ]
    with store.read() as records:
        found = records.organization_policies.attachments
        assert [(each.kind, each.id) for each in found("o-1", "p-shared")] == expected
        assert [each.id for each in found("o-1", "p-own")] == [HOME]
        assert [each.id for each in found("o-2", "p-shared")] == ["o-2"]
        assert list(records.policies.attachments(HOME, "p-shared")) == []
    with store.write() as records:
        records.organization_accounts.put(member(HOME, attached_policies=("p-own",)))
        records.organizational_units.delete(unit("a"))
    with store.read() as records:
        found = records.organization_policies.attachments
        assert [(each.kind, each.id) for each in found("o-1", "p-shared")] == [expected[0], expected[2]]


def test_an_owner_s_keys_come_oldest_first(store: Store):
    put(
        store,
        "access_keys",
        access_key("AKIA1", created=NOW + timedelta(microseconds=1)),
        access_key("AKIA2"),
        access_key("AKIA3", owner="someone else"),
    )
    with store.read() as records:
        assert [key.id for key in records.access_keys.of("AIDAALICE")] == ["AKIA2", "AKIA1"]


def test_key_ids_keep_their_case(store: Store):
    put(store, "access_keys", access_key("AKIAabc"))
    with store.read() as records:
        assert records.access_keys.get("AKIAABC") is None


def test_the_newest_use_of_a_key_is_kept_and_logs_no_change(store: Store):
    put(store, "access_keys", access_key("AKIA1"))
    before = store.revision()
    for minutes in (2, 5, 3):
        with store.write() as records:
            records.access_keys.record_use(use("AKIA1", minutes=minutes))
    with store.write() as records:
        records.access_keys.record_use(use("AKIAGONE", minutes=1))
    with store.read() as records:
        assert use("AKIA1", minutes=5) == records.access_keys.last_use("AKIA1")
        assert records.access_keys.last_use("AKIAGONE") is None
    assert before == store.revision()


def test_a_use_outlives_changes_of_the_key_and_dies_with_it(store: Store):
    put(store, "access_keys", access_key("AKIA1"))
    with store.write() as records:
        records.access_keys.record_use(use("AKIA1", minutes=1))
        records.access_keys.put(access_key("AKIA1", status=KeyStatus.INACTIVE))
    with store.read() as records:
        assert records.access_keys.last_use("AKIA1") is not None
    with store.write() as records:
        records.access_keys.delete(access_key("AKIA1"))
        records.access_keys.put(access_key("AKIA1"))
    with store.read() as records:
        assert records.access_keys.last_use("AKIA1") is None


def test_an_owner_s_devices_are_the_enabled_ones_oldest_first(store: Store):
    put(
        store,
        "mfa_devices",
        device("a", owner_id="A", enabled=NOW + timedelta(seconds=1)),
        device("b", owner_id="A", enabled=NOW),
        device("c"),
        device("d", owner_id="B", enabled=NOW),
    )
    with store.read() as records:
        assert names(records.mfa_devices.of("A")) == ["b", "a"]
        assert names(records.mfa_devices.list(HOME)) == ["a", "b", "c", "d"]
        assert names(records.mfa_devices.list(HOME, after="B", limit=1)) == ["c"]
        assert names(records.mfa_devices.list(AWAY)) == []
    put(store, "mfa_devices", device("a"))
    with store.read() as records:
        assert names(records.mfa_devices.of("A")) == ["b"]


def test_a_device_is_one_by_its_serial_number_and_its_name_is_unique(store: Store):
    put(store, "mfa_devices", device("Phone"))
    with store.write() as records, pytest.raises(NameTaken):
        records.mfa_devices.put(device("phone"))
    put(store, "mfa_devices", device("Phone", last_step=7))
    with store.read() as records:
        assert records.mfa_devices.get(f"arn:aws:iam::{HOME}:mfa/Phone").last_step == 7
    with store.write() as records:
        records.mfa_devices.delete(device("Phone"))
        assert records.mfa_devices.get(f"arn:aws:iam::{HOME}:mfa/Phone") is None


def test_the_number_of_a_sealing_key_is_never_used_again(store: Store):
    with store.write() as records:
        assert records.sealing_keys.next_id() == 1
        records.sealing_keys.put(sealing_key(1))
        records.sealing_keys.put(sealing_key(12, KeyPurpose.RECORD_SECRET))
        records.sealing_keys.put(sealing_key(9))
        assert records.sealing_keys.next_id() == 13
        records.sealing_keys.delete(sealing_key(12, KeyPurpose.RECORD_SECRET))
    with store.read() as records:
        assert records.sealing_keys.next_id() == 13
        assert [key.id for key in records.sealing_keys.of(KeyPurpose.SESSION_TOKEN)] == [1, 9]
        assert list(records.sealing_keys.of(KeyPurpose.RECORD_SECRET)) == []
    with store.write() as records, pytest.raises(NameTaken):
        records.sealing_keys.put(sealing_key(9, KeyPurpose.RECORD_SECRET))


# --- transactions -------------------------------------------------------------------------------------------


class Oops(Exception):  # noqa: N818 - what a caller may raise
    pass


def denial(number: int, *, account: str = HOME, key: str = "AKIA1", at: datetime = NOW) -> Denial:
    moment = at + timedelta(seconds=number)
    return Denial(
        id=authorization_id(moment, entropy=number.to_bytes(10)),
        at=moment,
        request_id=f"request-{number}",
        account=account,
        principal=f"arn:aws:iam::{account}:user/bob",
        principal_id="AIDABOB",
        access_key_id=key,
        event=("iam.amazonaws.com", "ListUsers"),
        message="no",
        context={"aws:username": "bob", "aws:tagkeys": ("a", "ü")},
        asked=(
            JudgedAsk(
                action="iam:ListUsers",
                resource="*",
                resource_account=account,
                report=Report(
                    outcome=Outcome.IMPLICIT_DENY,
                    layer=Layer.IDENTITY,
                    layers=(
                        LayerReport(
                            layer=Layer.IDENTITY,
                            effect=Effected.IMPLICIT_DENY,
                            statements=(
                                StatementReport(
                                    policy="p",
                                    index=0,
                                    effect=Effect.ALLOW,
                                    mismatches=(Mismatch(element=Element.ACTION, wanted=("a:b",), received=("c:d",)),),
                                ),
                            ),
                        ),
                    ),
                    missing=("k",),
                ),
            ),
        ),
        policies=(JudgedPolicy(name="p", layer=Layer.IDENTITY, attached_to="x", document="{}", account=account),),
    )


def test_a_denial_is_found_by_its_id_its_request_and_its_key_newest_first(store: Store):
    ours, theirs = [denial(number) for number in range(5)], denial(9, account=AWAY, key="AKIA2")
    with store.write() as records:
        for each in (*ours, theirs):
            records.denials.put(each)
    with store.read() as records:
        assert records.denials.get(ours[2].id) == ours[2]
        assert records.denials.get("never") is None
        assert records.denials.find(request_id="request-9") == [theirs]
        assert records.denials.find(access_key_id="AKIA1") == ours[::-1]
        assert records.denials.find(access_key_id="AKIA1", limit=2) == ours[:2:-1]
        assert records.denials.find(access_key_id="\0") == []


def test_denials_are_pruned_by_age_and_by_number_within_their_account(store: Store):
    ours, theirs = [denial(number) for number in range(6)], denial(0, account=AWAY, key="AKIA2")
    theirs = msgspec.structs.replace(theirs, id=theirs.id[:-1] + "9")
    with store.write() as records:
        for each in (*ours, theirs):
            records.denials.put(each)
    with store.write() as records:
        assert records.denials.prune(HOME, before=NOW + timedelta(seconds=2), keep=10) == 2
        assert records.denials.prune(HOME, before=NOW, keep=3) == 1
        assert records.denials.prune(HOME, before=NOW, keep=3) == 0
    with store.read() as records:
        assert records.denials.find(access_key_id="AKIA1") == ours[:2:-1]
        assert records.denials.get(theirs.id) == theirs


def test_denials_are_in_no_log_and_written_by_writers_only(store: Store):
    with store.write() as records:
        records.denials.put(denial(1))
    assert store.revision() == 0
    with store.read() as records, pytest.raises(RuntimeError):
        records.denials.put(denial(2))
    with store.read() as records, pytest.raises(RuntimeError):
        records.denials.prune(HOME, before=NOW, keep=1)


def test_a_block_that_raises_leaves_nothing_behind(store: Store):
    put(store, "users", user("kept", groups=("G",)))
    before = store.revision()
    with pytest.raises(Oops), store.write() as records:  # noqa: PT012 - the block is what is tested
        records.users.put(user("kept"))
        records.users.put(user("new", attached_policies=(POLICY_ARN,)))
        records.sealing_keys.put(sealing_key(5))
        raise Oops
    with store.read() as records:
        assert ["kept"] == names(records.users.list(HOME)) == names(records.users.in_group("G"))
        assert list(records.policies.attachments(HOME, POLICY_ARN)) == []
        assert records.sealing_keys.next_id() == 1
    assert before == store.revision()
    put(store, "users", user("the store still works"))


def test_a_writer_sees_what_it_wrote(store: Store):
    with store.write() as records:
        records.users.put(user("a"))
        assert records.users.get(HOME, "A") == user("a")
        records.users.delete(user("a"))
        assert records.users.get(HOME, "A") is None
        assert list(records.users.list(HOME)) == []


def test_a_reader_keeps_seeing_the_state_it_began_with(open_store: Open):
    one, other = open_store(), open_store()
    put(one, "users", user("a"))
    with one.read() as records:
        assert names(records.users.list(HOME)) == ["a"]
        with in_thread(lambda: put(other, "users", user("b"))):
            pass
        assert names(records.users.list(HOME)) == ["a"]
        assert records.users.count(HOME) == 1
    with one.read() as records:
        assert names(records.users.list(HOME)) == ["a", "b"]


def test_a_reader_does_not_see_what_is_not_committed(open_store: Open):
    one, other = open_store(), open_store()
    with one.write() as records:
        records.users.put(user("a"))
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(count_users, other).result() == 0
    assert count_users(other) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda records: records.users.put(user("a")),
        lambda records: records.users.delete(user("kept")),
        lambda records: records.access_keys.record_use(use("AKIA1", minutes=1)),
        lambda records: records.sealing_keys.put(sealing_key(1)),
    ],
)
def test_a_reader_cannot_write(store: Store, change):
    put(store, "users", user("kept"))
    put(store, "access_keys", access_key("AKIA1"))
    with pytest.raises(RuntimeError, match="a read transaction cannot write"), store.read() as records:
        change(records)
    with store.read() as records:
        assert names(records.users.list(HOME)) == ["kept"]


@pytest.mark.parametrize("outer", ["read", "write"])
@pytest.mark.parametrize("inner", ["read", "write"])
def test_a_transaction_inside_a_transaction_is_refused_at_once(store: Store, outer, inner):
    with getattr(store, outer)(), pytest.raises(RuntimeError, match="already inside"), getattr(store, inner)():
        pass
    assert count_users(store) == 0


def test_writers_take_turns_and_lose_no_update(open_store: Open):
    handles = [open_store(), open_store()]
    put(handles[0], "users", user("counter", tags={"n": "0"}))

    def add(number: int) -> None:
        with handles[number % 2].write() as records:
            counter = records.users.get(HOME, "counter")
            records.users.put(replace(counter, tags={"n": str(int(counter.tags["n"]) + 1)}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    with handles[0].read() as records:
        assert records.users.get(HOME, "counter").tags["n"] == "80"
    assert handles[1].revision() == 81


def test_of_two_writers_of_one_name_one_is_told_that_it_is_taken(open_store: Open):
    handles = [open_store(), open_store()]

    def create(number: int) -> bool:
        try:
            put(handles[number % 2], "roles", role("wanted", entity_id=f"AROA{number}"))
        except NameTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(16))) == 1


def test_readers_are_never_torn_by_writers(open_store: Open):
    reader, writer = open_store(), open_store()
    pair = [user("left", tags={"n": "0"}), user("right", tags={"n": "0"})]
    put(writer, "users", *pair)
    done = threading.Event()

    def read() -> int:
        reads = 0
        while not done.is_set():
            with reader.read() as records:
                left, right = records.users.get(HOME, "left"), records.users.get(HOME, "right")
                assert left.tags == right.tags
            reads += 1
        return reads

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for n in range(30):
            put(writer, "users", *(replace(one, tags={"n": str(n)}) for one in pair))
        done.set()
        assert all(future.result() for future in readers)


# --- the change log -----------------------------------------------------------------------------------------


def test_every_put_and_delete_is_in_the_log_under_one_revision(store: Store):
    start = store.revision()
    with store.write() as records:
        records.accounts.put(Account(id=HOME, name="home", created=NOW))
        records.users.put(user("u"))
        records.groups.put(group("g"))
        records.roles.put(role("r"))
        records.policies.put(policy("reader", path="/team/"))
        records.instance_profiles.put(profile("i"))
        records.access_keys.put(access_key("AKIA1"))
        records.mfa_devices.put(device("phone"))
        records.sealing_keys.put(sealing_key(4))
        records.organizations.put(organization())
        records.organizational_units.put(unit("u"))
        records.organization_accounts.put(member(HOME))
        records.organization_policies.put(rule("r"))
        records.users.put(user("u", groups=("G",)))
    changes = store.changes_since(start)
    assert (start + 1, True) == (changes.revision, changes.complete)
    assert [
        Change(EntityKind.ACCOUNT, HOME),
        Change(EntityKind.USER, f"AIDA{HOME}u"),
        Change(EntityKind.GROUP, f"AGPA{HOME}g"),
        Change(EntityKind.ROLE, f"AROA{HOME}r"),
        Change(EntityKind.POLICY, POLICY_ARN),
        Change(EntityKind.INSTANCE_PROFILE, f"AIPA{HOME}i"),
        Change(EntityKind.ACCESS_KEY, "AKIA1"),
        Change(EntityKind.MFA_DEVICE, f"arn:aws:iam::{HOME}:mfa/phone"),
        Change(EntityKind.SEALING_KEY, "4"),
        Change(EntityKind.ORGANIZATION, "o-1"),
        Change(EntityKind.ORGANIZATIONAL_UNIT, "ou-r-1-u"),
        Change(EntityKind.ORGANIZATION_ACCOUNT, HOME),
        Change(EntityKind.ORGANIZATION_POLICY, "p-o-1r"),
    ] == list(changes.changes)
    with store.write() as records:
        records.roles.delete(role("r"))
        records.roles.delete(role("never there"))
    assert (Change(EntityKind.ROLE, f"AROA{HOME}r"),) == store.changes_since(start + 1).changes


def test_a_transaction_that_changes_nothing_makes_no_revision(store: Store):
    put(store, "users", user("a"))
    before = store.revision()
    with store.write() as records:
        records.users.get(HOME, "a")
        records.users.delete(user("never there"))
    assert before == store.revision() == store.changes_since(before).revision
    assert store.changes_since(before).changes == ()


def test_a_second_handle_sees_the_first_one_s_changes(open_store: Open):
    one, other = open_store(), open_store()
    known = other.revision()
    for name in ("a", "b"):
        put(one, "roles", role(name))
    changes = other.changes_since(known)
    assert (known + 2, True) == (changes.revision, changes.complete)
    assert {f"AROA{HOME}a", f"AROA{HOME}b"} == {change.id for change in changes.changes}
    with other.read() as records:
        assert role("a") == records.roles.get(HOME, "a")


def test_the_log_is_bounded_and_says_when_it_no_longer_reaches_back(store: Store):
    put(store, "roles", role("first"))
    with store.write() as records:
        for n in range(LOG_LENGTH - 1):
            records.roles.put(role(f"r{n}"))
    assert store.changes_since(0).complete
    assert len(store.changes_since(0).changes) == LOG_LENGTH
    put(store, "roles", role("one too many"))
    assert not store.changes_since(0).complete
    assert store.changes_since(0).changes == ()
    assert len(store.changes_since(1).changes) == LOG_LENGTH
    put(store, "roles", role("and another"))
    assert not store.changes_since(1).complete
    assert len(store.changes_since(2).changes) == 2


def test_a_transaction_larger_than_the_log_tells_everybody_to_forget(store: Store):
    with store.write() as records:
        for n in range(LOG_LENGTH + 1):
            records.groups.put(group(f"g{n}"))
    assert not store.changes_since(0).complete
    assert store.changes_since(1).complete
    put(store, "groups", group("next"))
    assert (Change(EntityKind.GROUP, f"AGPA{HOME}next"),) == store.changes_since(1).changes


def test_a_revision_from_the_future_belongs_to_another_store(store: Store):
    put(store, "users", user("a"))
    assert not store.changes_since(store.revision() + 1).complete


# ------------------------------------------------------------------------------------------------------------


@contextmanager
def in_thread(work) -> Iterator[None]:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
        yield


def count_users(store: Store) -> int:
    with store.read() as records:
        return records.users.count(HOME)

"""What is kept in memory follows the store: nothing old is believed, and nothing unbounded is kept."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tabard.adapters import identities as module
from tabard.adapters.identities import KeptEntries, StoredIdentities
from tabard.directory.entities import AccessKey, KeyPurpose, KeyStatus, SealingKey
from tabard.policy.decide import AccessRequest, decide
from tabard.policy.principal import Principal, PrincipalKind
from tabard.ports.identities import UserEntry
from tabard.ports.store import StoreUnavailable
from tabard.trust.standing import Standing
from tests.worlds import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, World, trust


@pytest.fixture
def world() -> World:
    return World()


def run(world: World, work: Any) -> Any:
    async def go() -> Any:
        with ThreadPoolExecutor(2) as executor:
            return await work(StoredIdentities(world.store, world.secrets, executor))  # type: ignore[arg-type]

    return asyncio.run(go())


def put(world: World, noun: str, entity: Any) -> None:
    with world.store.write() as records:
        getattr(records, noun).put(entity)


def allows(entry: UserEntry, action: str) -> bool:
    principal = Principal(
        kind=PrincipalKind.USER, account=entry.user.account, arn=entry.user.arn, unique_id=entry.user.id
    )
    standing = Standing(principal=principal, identity=entry.identity, boundary=entry.boundary)
    request = AccessRequest(
        principal=principal, action=action, resource="*", resource_account=entry.user.account, context={}
    )
    return decide(request, standing.layers()).allowed


def test_an_identity_is_found_once_and_kept(world: World) -> None:
    alice = world.user("alice")

    async def work(identities: StoredIdentities) -> None:
        first = await identities.user(alice.id)
        assert first is not None
        assert await identities.user(alice.id) is first

    run(world, work)


def test_a_user_has_its_own_its_groups_and_its_attached_policies_within_its_boundary(world: World) -> None:
    managed = world.policy("managed", document=ALLOW_ALL.replace('"*","R', '"iam:GetUser","R'))
    fence = world.policy("fence", document=ALLOW_ALL.replace('"*","R', '["iam:GetUser","iam:GetRole"],"R'))
    group = world.group("g", inline_policies={"g": ALLOW_ALL.replace('"*","R', '"iam:GetRole","R')})
    user = world.user("alice", groups=(group.id,), attached_policies=(managed.arn,), permissions_boundary=fence.arn)

    async def work(identities: StoredIdentities) -> None:
        entry = await identities.user(user.id)
        assert entry is not None
        assert [allows(entry, a) for a in ("iam:GetUser", "iam:GetRole", "iam:GetGroup")] == [True, True, False]

    run(world, work)


@pytest.mark.parametrize("what", ["user", "group", "policy", "boundary"])
def test_p20_a_change_to_anything_that_an_identity_is_made_from_is_seen_after_a_refresh(
    world: World, what: str
) -> None:
    nothing = ALLOW_ALL.replace('"Allow"', '"Deny"')
    managed, fence = world.policy("managed"), world.policy("fence")
    group = world.group("g")
    user = world.user("alice", groups=(group.id,), attached_policies=(managed.arn,), permissions_boundary=fence.arn)

    async def work(identities: StoredIdentities) -> None:
        before = await identities.user(user.id)
        assert before is not None
        assert allows(before, "iam:GetUser")
        changed = {
            "user": ("users", replace(user, inline_policies={"d": nothing})),
            "group": ("groups", replace(group, inline_policies={"d": nothing})),
            "policy": ("policies", replace(managed, versions=(replace(managed.versions[0], document=nothing),))),
            "boundary": ("policies", replace(fence, versions=(replace(fence.versions[0], document=nothing),))),
        }[what]
        put(world, *changed)
        await identities.refresh()
        after = await identities.user(user.id)
        assert after is not None
        assert not allows(after, "iam:GetUser")

    run(world, work)


def test_a_boundary_whose_policy_is_gone_allows_nothing(world: World) -> None:
    user = world.user(
        "alice", inline_policies={"all": ALLOW_ALL}, permissions_boundary=f"arn:aws:iam::{ACCOUNT}:policy/gone"
    )

    async def work(identities: StoredIdentities) -> None:
        entry = await identities.user(user.id)
        assert entry is not None
        assert not allows(entry, "iam:GetUser")

    run(world, work)


def test_t02_a_managed_policy_of_another_account_gives_nothing(world: World) -> None:
    world.account(OTHER_ACCOUNT, "other")
    theirs = world.policy("all", account=OTHER_ACCOUNT)
    user = world.user("alice", attached_policies=(theirs.arn,))

    async def work(identities: StoredIdentities) -> None:
        entry = await identities.user(user.id)
        assert entry is not None
        assert not allows(entry, "iam:GetUser")
        assert await identities.managed_policies(ACCOUNT, [theirs.arn]) == ()
        assert len(await identities.managed_policies(OTHER_ACCOUNT, [theirs.arn])) == 1

    run(world, work)


def test_a_role_is_found_by_its_exact_arn_only(world: World) -> None:
    role = world.role("Reader", path="/eu/")

    async def work(identities: StoredIdentities) -> None:
        found = await identities.role_by_arn(role.arn)
        assert found is not None
        assert found.role == role
        for wrong in (
            role.arn.replace("Reader", "reader"),
            role.arn.replace("/eu/", "/"),
            role.arn.replace(ACCOUNT, OTHER_ACCOUNT),
            role.arn.replace("arn:aws:", "arn:aws-cn:"),
        ):
            assert await identities.role_by_arn(wrong) is None

    run(world, work)


def test_a_role_that_was_looked_for_in_vain_is_found_once_it_is_made(world: World) -> None:
    async def work(identities: StoredIdentities) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:role/Later"
        assert await identities.role_by_arn(arn) is None
        role = world.role("Later")
        await identities.refresh()
        found = await identities.role_by_arn(arn)
        assert found is not None
        assert found.role.id == role.id

    run(world, work)


def test_k07_a_role_made_again_under_its_name_is_found_under_its_new_id_only(world: World) -> None:
    old = world.role("Phoenix")

    async def work(identities: StoredIdentities) -> None:
        assert await identities.role_by_arn(old.arn) is not None
        with world.store.write() as records:
            records.roles.delete(old)
        new = world.role("Phoenix", assume_role_policy_document=trust(OTHER_ACCOUNT))
        await identities.refresh()
        assert await identities.role(old.id) is None
        found = await identities.role_by_arn(old.arn)
        assert found is not None
        assert found.role.id == new.id

    run(world, work)


def test_k07_a_key_that_is_switched_off_is_seen_as_such_and_its_secret_is_not_shown(world: World) -> None:
    user = world.user("alice")
    key = AccessKey(
        id="AKIARZPUZDIKMFRGGZDF",
        account=ACCOUNT,
        owner_id=user.id,
        sealed_secret=world.secrets.seal("AKIARZPUZDIKMFRGGZDF", b"s3cr3t"),
        created=world.now,
    )
    put(world, "access_keys", key)

    async def work(identities: StoredIdentities) -> None:
        entry = await identities.access_key(key.id)
        assert entry is not None
        assert entry.secret == "s3cr3t"
        assert "s3cr3t" not in repr(entry)
        put(world, "access_keys", replace(key, status=KeyStatus.INACTIVE))
        await identities.refresh()
        again = await identities.access_key(key.id)
        assert again is not None
        assert again.key.status is KeyStatus.INACTIVE

    run(world, work)


def test_what_is_loaded_while_a_change_arrives_is_not_kept(world: World) -> None:
    user = world.user("alice")

    async def work(identities: StoredIdentities) -> None:
        load, refreshed = identities._load_user, threading.Event()
        changed_in_store, loop = asyncio.Event(), asyncio.get_running_loop()

        def slow(records: Any, user_id: str) -> Any:
            found = load(records, user_id)
            changed = replace(user, inline_policies={"d": ALLOW_ALL})
            writer = threading.Thread(target=put, args=(world, "users", changed))
            writer.start()
            writer.join()
            loop.call_soon_threadsafe(changed_in_store.set)
            refreshed.wait()
            return found

        identities._load_user = slow  # type: ignore[method-assign]
        loading = asyncio.ensure_future(identities.user(user.id))
        await changed_in_store.wait()
        await identities.refresh()
        refreshed.set()
        old = await loading
        identities._load_user = load  # type: ignore[method-assign]
        new = await identities.user(user.id)
        assert old is not None
        assert new is not None
        assert not old.user.inline_policies
        assert new.user.inline_policies

    run(world, work)


def test_what_is_loaded_while_the_key_ring_is_read_again_is_not_kept(world: World) -> None:
    """K07: a key switched off while sealing keys are rotated must not come back from a reading that was under way."""
    user = world.user("alice")
    key = AccessKey(
        id="AKIARZPUZDIKMFRGGZDF",
        account=ACCOUNT,
        owner_id=user.id,
        sealed_secret=world.secrets.seal("AKIARZPUZDIKMFRGGZDF", b"s3cr3t"),
        created=world.now,
    )
    put(world, "access_keys", key)

    async def work(identities: StoredIdentities) -> None:
        load, keys, loop = identities._load, identities._keys, asyncio.get_running_loop()
        loaded, reloading = asyncio.Event(), asyncio.Event()
        answer, reloaded = threading.Event(), threading.Event()

        def slow_load(*arguments: Any) -> Any:
            found = load(*arguments)
            loop.call_soon_threadsafe(loaded.set)
            answer.wait()
            return found

        def slow_reload() -> None:
            loop.call_soon_threadsafe(reloading.set)
            reloaded.wait()

        identities._load = slow_load  # type: ignore[method-assign]
        identities._keys = SimpleNamespace(open=keys.open, reload=slow_reload)  # type: ignore[assignment]
        loading = asyncio.ensure_future(identities.access_key(key.id))
        await loaded.wait()
        put(world, "access_keys", replace(key, status=KeyStatus.INACTIVE))
        put(
            world,
            "sealing_keys",
            SealingKey(id=9, purpose=KeyPurpose.SESSION_TOKEN, wrapped=b"-", created=world.now, active=False),
        )
        refreshing = asyncio.ensure_future(identities.refresh())
        await reloading.wait()
        answer.set()
        await loading
        reloaded.set()
        await refreshing
        identities._load = load  # type: ignore[method-assign]
        again = await identities.access_key(key.id)
        assert again is not None
        assert again.key.status is KeyStatus.INACTIVE

    run(world, work)


def test_when_the_store_is_silent_too_long_nothing_is_decided_by_old_law(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = world.user("alice")
    clock = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])

    async def work(identities: StoredIdentities) -> None:
        assert await identities.user(alice.id) is not None

        def silent(_: int) -> None:
            raise StoreUnavailable("the store is away")

        monkeypatch.setattr(identities._store, "changes_since", silent)
        clock[0] = 0.9
        assert await identities.user(alice.id) is not None
        clock[0] = 1.1
        with pytest.raises(StoreUnavailable):
            await identities.user(alice.id)

    run(world, work)


def test_d06_entries_are_bounded_and_guesses_do_not_push_out_what_is_real(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAXIMUM_UNKNOWN", 10)
    alice = world.user("alice")

    async def work(identities: StoredIdentities) -> None:
        entry = await identities.user(alice.id)
        for n in range(100):
            assert await identities.access_key(f"AKIA{n:016d}") is None
        assert len(identities._unknown) == 10
        assert len(identities._unknown._dependents) <= 10
        assert await identities.user(alice.id) is entry

    run(world, work)


def test_kept_entries_forget_the_oldest_first_and_leave_no_trace() -> None:
    kept = KeptEntries(2)
    for name in ("a", "b", "c"):
        kept.put(("user", name), name, [("user", name), ("group", "g")])
    kept.changed(("group", "g"))

    assert len(kept) == 0
    assert not kept._dependents

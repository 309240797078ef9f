"""Plays the steps of a vector: AWS's operations by name, and a few builders for what has no operation here.

A step is `[operation, parameters]`; parameters are the request's fields. Steps in lower case are builders.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from tabard.actions.desk import Action
from tabard.actions.iam import (
    absent_credentials,
    group_policies,
    groups,
    login_profiles,
    role_policies,
    roles,
    user_policies,
    users,
)
from tabard.actions.iam_shapes import Tag
from tabard.directory.entities import AccessKey, InstanceProfile, MFADevice
from tests.worlds import ACCOUNT, World

ROWS: Mapping[str, Action] = MappingProxyType(
    {
        action.name: action
        for module in (
            users,
            user_policies,
            groups,
            group_policies,
            roles,
            role_policies,
            login_profiles,
            absent_credentials,
        )
        for action in module.ACTIONS
    }
)


def request_of(action: Action, parameters: Mapping[str, Any]) -> Any:
    """The action's request; lists become tuples and tags become tags."""
    fields: dict[str, Any] = {
        name: tuple(Tag(**item) if isinstance(item, dict) else item for item in value)
        if isinstance(value, list)
        else value
        for name, value in parameters.items()
    }
    return action.request(**fields)


def play(world: World, operation: str, parameters: Mapping[str, Any]) -> Any:
    """One step, in a transaction of the kind that its row asks for."""
    if operation in _BUILDERS:
        return _BUILDERS[operation](world, **parameters)
    action = ROWS[operation]
    return world.call(action.handle, request_of(action, parameters), writes=action.writes)


def played(*steps: tuple[str, Mapping[str, Any]]) -> World:
    """A new world in which these steps have happened."""
    world = World()
    for operation, parameters in steps:
        play(world, operation, parameters)
    return world


def _access_key(world: World, user: str) -> None:
    with world.desk() as desk:
        owner = desk.records.users.get(ACCOUNT, user)
        assert owner is not None
        key = AccessKey(
            id="AKIAIOSFODNN7EXAMPLE", account=ACCOUNT, owner_id=owner.id, sealed_secret=b"", created=world.now
        )
        desk.records.access_keys.put(key)


def _mfa_device(world: World, user: str) -> None:
    with world.desk() as desk:
        owner = desk.records.users.get(ACCOUNT, user)
        assert owner is not None
        device = MFADevice(
            account=ACCOUNT,
            name="phone",
            created=world.now,
            sealed_seed=b"",
            owner_id=owner.id,
            enabled=world.now + timedelta(minutes=1),
        )
        desk.records.mfa_devices.put(device)


def _instance_profile(world: World, role: str) -> None:
    with world.desk() as desk:
        held = desk.records.roles.get(ACCOUNT, role)
        assert held is not None
        profile = InstanceProfile(
            account=ACCOUNT, name="profile", id="AIPAEXAMPLEEXAMPLE123", created=world.now, role_id=held.id
        )
        desk.records.instance_profiles.put(profile)


_BUILDERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "policy": World.policy,
        "service_linked_role": lambda world, name: world.role(name, path="/aws-service-role/x.amazonaws.com/"),
        "access_key": _access_key,
        "mfa_device": _mfa_device,
        "instance_profile": _instance_profile,
    }
)

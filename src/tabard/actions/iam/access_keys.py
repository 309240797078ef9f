"""Access keys: create, list, switch off and on, delete, and when last used.

The secret is answered once, by CreateAccessKey, and stored only sealed under the key's own id. A key's state
decides nothing here: the front door refuses what an inactive key signs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.identities import ask_user, question
from tabard.actions.identity_policies import page_by_position
from tabard.actions.owners import Owner, owner_of
from tabard.directory import quotas
from tabard.directory.entities import AccessKey, KeyStatus
from tabard.directory.rules import require_quota
from tabard.faults import Denied, InvalidInput, NoSuchEntity
from tabard.names import ids
from tabard.services.ask import Ask

_STATUSES: Final[Mapping[str, KeyStatus]] = {status.value: status for status in KeyStatus}
"""What may be asked for; the model's `Expired` belongs to AWS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccessKey:
    """The model's `AccessKey`. Root's keys have no user name."""

    user_name: str | None
    access_key_id: str
    status: str
    secret_access_key: str = field(repr=False)
    create_date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeyMetadata:
    """A key without its secret."""

    user_name: str | None
    access_key_id: str
    status: str
    create_date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeyLastUsed:
    """When and where a key was last used; a key that never was has `N/A` and no date."""

    last_used_date: datetime | None = None
    service_name: str = "N/A"
    region: str = "N/A"


# ── CreateAccessKey ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAccessKeyRequest:
    user_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAccessKeyResponse:
    access_key: NewAccessKey


def create_access_key(request: CreateAccessKeyRequest, desk: Desk) -> CreateAccessKeyResponse:
    owner = owner_of(desk, request.user_name)
    held = len(desk.records.access_keys.of(owner.id))
    require_quota("AccessKeysPerUser", held + 1, quotas.ACCESS_KEYS_PER_USER)
    key_id = desk.new_access_key_id()
    secret = ids.secret_access_key(entropy=desk.entropy(ids.SECRET_ENTROPY))
    key = AccessKey(
        id=key_id,
        account=desk.account,
        owner_id=owner.id,
        sealed_secret=desk.secrets.seal(key_id, secret.encode()),
        created=desk.now,
    )
    desk.records.access_keys.put(key)
    return CreateAccessKeyResponse(
        access_key=NewAccessKey(
            user_name=owner.name,
            access_key_id=key.id,
            status=key.status,
            secret_access_key=secret,
            create_date=key.created,
        )
    )


# ── ListAccessKeys ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccessKeysRequest:
    user_name: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccessKeysResponse:
    access_key_metadata: tuple[AccessKeyMetadata, ...]
    is_truncated: bool
    marker: str | None = None


def list_access_keys(request: ListAccessKeysRequest, desk: Desk) -> ListAccessKeysResponse:
    owner = owner_of(desk, request.user_name)
    keys = desk.records.access_keys.of(owner.id)
    found = page_by_position("ListAccessKeys", keys, marker=request.marker, max_items=request.max_items)
    return ListAccessKeysResponse(
        access_key_metadata=tuple(
            AccessKeyMetadata(user_name=owner.name, access_key_id=key.id, status=key.status, create_date=key.created)
            for key in found.items
        ),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


# ── UpdateAccessKey ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAccessKeyRequest:
    access_key_id: str
    status: str
    user_name: str | None = None


def update_access_key(request: UpdateAccessKeyRequest, desk: Desk) -> None:
    key = _key_of(desk, owner_of(desk, request.user_name), request.access_key_id)
    status = _STATUSES.get(request.status)
    if status is None:
        raise InvalidInput(f"The status {request.status} cannot be set.", reason="access-key.status")
    desk.records.access_keys.put(replace(key, status=status))


# ── DeleteAccessKey ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAccessKeyRequest:
    access_key_id: str
    user_name: str | None = None


def delete_access_key(request: DeleteAccessKeyRequest, desk: Desk) -> None:
    desk.records.access_keys.delete(_key_of(desk, owner_of(desk, request.user_name), request.access_key_id))


# ── GetAccessKeyLastUsed ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccessKeyLastUsedRequest:
    access_key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccessKeyLastUsedResponse:
    user_name: str | None
    access_key_last_used: AccessKeyLastUsed


def get_access_key_last_used(request: GetAccessKeyLastUsedRequest, desk: Desk) -> GetAccessKeyLastUsedResponse:
    key = _key_of_account(desk, request.access_key_id)
    if key is None:
        raise Denied(
            f"User: {desk.caller.principal.arn} is not authorized to perform iam:GetAccessKeyLastUsed "
            f"on resource: access key {request.access_key_id}",
            reason="access-key.missing",
        )
    user = desk.records.users.get_by_id(key.owner_id)
    use = desk.records.access_keys.last_use(key.id)
    return GetAccessKeyLastUsedResponse(
        user_name=user.name if user is not None else None,
        access_key_last_used=AccessKeyLastUsed()
        if use is None
        else AccessKeyLastUsed(last_used_date=use.at, service_name=use.service, region=use.region),
    )


def _ask_last_used(request: GetAccessKeyLastUsedRequest, desk: Desk) -> tuple[Ask, ...]:
    """Asked about the key's user. A key that is not there, or is another account's, is named as AWS names it."""
    key = _key_of_account(desk, request.access_key_id)
    user = desk.records.users.get_by_id(key.owner_id) if key is not None else None
    arn = user.arn if user is not None else f"access key {request.access_key_id}"
    return (question("GetAccessKeyLastUsed", desk, arn),)


def _key_of(desk: Desk, owner: Owner, key_id: str) -> AccessKey:
    key = desk.records.access_keys.get(key_id)
    if key is None or key.owner_id != owner.id:
        raise NoSuchEntity(f"The Access Key with id {key_id} cannot be found.", reason="access-key.missing")
    return key


def _key_of_account(desk: Desk, key_id: str) -> AccessKey | None:
    key = desk.records.access_keys.get(key_id)
    return key if key is not None and key.account == desk.account else None


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateAccessKey",
        request=CreateAccessKeyRequest,
        response=CreateAccessKeyResponse,
        ask=ask_user("CreateAccessKey"),
        handle=create_access_key,
        writes=True,
    ),
    Action(
        name="ListAccessKeys",
        request=ListAccessKeysRequest,
        response=ListAccessKeysResponse,
        ask=ask_user("ListAccessKeys"),
        handle=list_access_keys,
        writes=False,
    ),
    Action(
        name="UpdateAccessKey",
        request=UpdateAccessKeyRequest,
        response=None,
        ask=ask_user("UpdateAccessKey"),
        handle=update_access_key,
        writes=True,
    ),
    Action(
        name="DeleteAccessKey",
        request=DeleteAccessKeyRequest,
        response=None,
        ask=ask_user("DeleteAccessKey"),
        handle=delete_access_key,
        writes=True,
    ),
    Action(
        name="GetAccessKeyLastUsed",
        request=GetAccessKeyLastUsedRequest,
        response=GetAccessKeyLastUsedResponse,
        ask=_ask_last_used,
        handle=get_access_key_last_used,
        writes=False,
    ),
)

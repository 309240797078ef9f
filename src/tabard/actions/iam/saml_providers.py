"""SAML providers: the metadata document of an identity provider, and the keys that open assertions encrypted for us.

The document is checked whole when it is saved (`federation/saml/metadata.py`) and answered as it was submitted. A
private key is never answered again; it is stored only sealed, under the provider's ARN and the key's own id.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import Tag, TagPage, tag_pairs, tag_shapes
from tabard.actions.identities import AskFor, Keys, ask_account, requested_tag_keys, requested_tags
from tabard.actions.identity_policies import tag_page
from tabard.actions.paging import walk
from tabard.actions.tagged_records import ask_new, ask_provider, tagged_record, untagged_record
from tabard.directory import quotas
from tabard.directory.entities import EncryptionMode, SAMLPrivateKey, SAMLProvider, saml_key_row
from tabard.directory.providers import require_private_key
from tabard.directory.rules import require_quota, tags_from
from tabard.faults import EntityAlreadyExists, InvalidInput, NoSuchEntity
from tabard.names import ids
from tabard.names.arn import iam_arn
from tabard.names.tags import fold
from tabard.ports.store import NameTaken
from tabard.services.ask import Ask

_BATCH = 10
"""Providers read at a time: each may hold ten megabytes of metadata."""
_CENTURY = 100


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A request that names a SAML provider and nothing else."""

    saml_provider_arn: str


# ── create, update, delete ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSAMLProviderRequest:
    saml_metadata_document: str = field(repr=False)
    name: str
    tags: tuple[Tag, ...] | None = None
    assertion_encryption_mode: str | None = None
    add_private_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSAMLProviderResponse:
    saml_provider_arn: str
    tags: tuple[Tag, ...] | None = None


def create_saml_provider(request: CreateSAMLProviderRequest, desk: Desk) -> CreateSAMLProviderResponse:
    tags = tags_from(tag_pairs(request.tags))
    taken = EntityAlreadyExists(f"Provider with name {request.name} already exists.", reason="saml-provider.exists")
    arn = iam_arn(desk.account, f"saml-provider/{request.name}")
    if desk.records.saml_providers.get(arn) is not None:
        raise taken
    _require_metadata(request.saml_metadata_document)
    provider = SAMLProvider(
        account=desk.account,
        name=request.name,
        uuid=ids.saml_provider_id(entropy=desk.entropy(ids.SAML_ENTROPY)),
        created=desk.now,
        metadata=request.saml_metadata_document,
        encryption_mode=EncryptionMode(request.assertion_encryption_mode or EncryptionMode.ALLOWED),
        private_keys=() if request.add_private_key is None else (_sealed(desk, arn, request.add_private_key),),
        tags=tags,
    )
    _require_openable(provider)
    try:
        desk.records.saml_providers.put(provider)
    except NameTaken:
        raise taken from None
    return CreateSAMLProviderResponse(saml_provider_arn=arn, tags=tag_shapes(tags) or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSAMLProviderRequest:
    saml_provider_arn: str
    saml_metadata_document: str | None = field(default=None, repr=False)
    assertion_encryption_mode: str | None = None
    add_private_key: str | None = field(default=None, repr=False)
    remove_private_key: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateSAMLProviderResponse:
    saml_provider_arn: str


def update_saml_provider(request: UpdateSAMLProviderRequest, desk: Desk) -> UpdateSAMLProviderResponse:
    """What is not given stays. A key is taken away before one is added, so that two can be replaced one by one."""
    provider = _provider(desk, request.saml_provider_arn)
    if request.saml_metadata_document is not None:
        _require_metadata(request.saml_metadata_document)
        provider = replace(provider, metadata=request.saml_metadata_document)
    if request.assertion_encryption_mode is not None:
        provider = replace(provider, encryption_mode=EncryptionMode(request.assertion_encryption_mode))
    if request.remove_private_key is not None:
        provider = _without_key(provider, request.remove_private_key)
    if request.add_private_key is not None:
        keys = (*provider.private_keys, _sealed(desk, provider.arn, request.add_private_key))
        require_quota("PrivateKeysPerSAMLProvider", len(keys), quotas.PRIVATE_KEYS_PER_SAML_PROVIDER)
        provider = replace(provider, private_keys=keys)
    _require_openable(provider)
    desk.records.saml_providers.put(provider)
    return UpdateSAMLProviderResponse(provider.arn)


def delete_saml_provider(request: ProviderRequest, desk: Desk) -> None:
    """Trust policies may go on naming it; they let nobody in."""
    desk.records.saml_providers.delete(_provider(desk, request.saml_provider_arn))


# ── get, list ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKeyShape:
    """The model's `SAMLPrivateKey`: that there is one, and not which."""

    key_id: str
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSAMLProviderResponse:
    saml_provider_uuid: str
    saml_metadata_document: str
    create_date: datetime
    valid_until: datetime
    tags: tuple[Tag, ...]
    assertion_encryption_mode: str
    private_key_list: tuple[PrivateKeyShape, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSAMLProvidersRequest:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEntry:
    arn: str
    valid_until: datetime
    create_date: datetime


@dataclass(frozen=True, slots=True)
class ListSAMLProvidersResponse:
    saml_provider_list: tuple[ProviderEntry, ...]


def get_saml_provider(request: ProviderRequest, desk: Desk) -> GetSAMLProviderResponse:
    provider = _provider(desk, request.saml_provider_arn)
    return GetSAMLProviderResponse(
        saml_provider_uuid=provider.uuid,
        saml_metadata_document=provider.metadata,
        create_date=provider.created,
        valid_until=_valid_until(provider),
        tags=tag_shapes(provider.tags),
        assertion_encryption_mode=provider.encryption_mode.value,
        private_key_list=tuple(PrivateKeyShape(key_id=key.id, timestamp=key.created) for key in provider.private_keys),
    )


def list_saml_providers(_request: ListSAMLProvidersRequest, desk: Desk) -> ListSAMLProvidersResponse:
    providers = walk(
        lambda after: desk.records.saml_providers.list(desk.account, after=after, limit=_BATCH),
        key=lambda provider: fold(provider.name),
    )
    return ListSAMLProvidersResponse(
        tuple(ProviderEntry(arn=p.arn, valid_until=_valid_until(p), create_date=p.created) for p in providers)
    )


def _valid_until(provider: SAMLProvider) -> datetime:
    """A hundred years from its making, as AWS answers; the day after a leap day where the century has none."""
    day = provider.created
    if (day.month, day.day) == (2, 29):
        day += timedelta(days=1)
    return day.replace(year=day.year + _CENTURY)


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TagSAMLProviderRequest:
    saml_provider_arn: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class UntagSAMLProviderRequest:
    saml_provider_arn: str
    tag_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSAMLProviderTagsRequest:
    saml_provider_arn: str
    marker: str | None = None
    max_items: int | None = None


def tag_saml_provider(request: TagSAMLProviderRequest, desk: Desk) -> None:
    provider = _provider(desk, request.saml_provider_arn)
    desk.records.saml_providers.put(tagged_record(provider, request.tags))


def untag_saml_provider(request: UntagSAMLProviderRequest, desk: Desk) -> None:
    provider = _provider(desk, request.saml_provider_arn)
    desk.records.saml_providers.put(untagged_record(provider, request.tag_keys))


def list_saml_provider_tags(request: ListSAMLProviderTagsRequest, desk: Desk) -> TagPage:
    provider = _provider(desk, request.saml_provider_arn)
    return tag_page("ListSAMLProviderTags", provider.tags, request.marker, request.max_items)


# ── records and questions ────────────────────────────────────────────────────────────────────────────


def _require_metadata(document: str) -> None:
    from tabard.federation.saml.metadata import parse_metadata  # late: lxml takes long to import, and is seldom needed

    parse_metadata(document)


def _sealed(desk: Desk, arn: str, pem: str) -> SAMLPrivateKey:
    require_private_key(pem)
    key_id = ids.saml_key_id(entropy=desk.entropy(ids.SAML_ENTROPY))
    sealed = desk.secrets.seal(saml_key_row(arn, key_id), pem.encode())
    return SAMLPrivateKey(id=key_id, created=desk.now, sealed_pem=sealed)


def _without_key(provider: SAMLProvider, key_id: str) -> SAMLProvider:
    kept = tuple(key for key in provider.private_keys if key.id != key_id)
    if len(kept) == len(provider.private_keys):
        raise NoSuchEntity(f"The private key with id {key_id} cannot be found.", reason="saml-key.missing")
    return replace(provider, private_keys=kept)


def _require_openable(provider: SAMLProvider) -> None:
    """A provider whose assertions must be encrypted and cannot be opened would let nobody in."""
    if provider.encryption_mode is EncryptionMode.REQUIRED and not provider.private_keys:
        raise InvalidInput(
            "A provider whose assertions must be encrypted needs a private key.", reason="saml-provider.no-key"
        )


def _found(desk: Desk, arn: str) -> SAMLProvider | None:
    provider = desk.records.saml_providers.get(arn)
    return provider if provider is not None and provider.account == desk.account else None


def _provider(desk: Desk, arn: str) -> SAMLProvider:
    provider = _found(desk, arn)
    if provider is None:
        raise NoSuchEntity(f"Manifest not found for arn {arn}", reason="saml-provider.missing")
    return provider


def _ask(operation: str, *keys: Keys) -> AskFor:
    return ask_provider(operation, lambda request: str(request.saml_provider_arn), _found, *keys)


def _ask_create(request: CreateSAMLProviderRequest, desk: Desk) -> tuple[Ask, ...]:
    arn = iam_arn(desk.account, f"saml-provider/{request.name}")
    return ask_new("CreateSAMLProvider", "TagSAMLProvider", desk, arn, request)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateSAMLProvider",
        request=CreateSAMLProviderRequest,
        response=CreateSAMLProviderResponse,
        ask=_ask_create,
        handle=create_saml_provider,
        writes=True,
    ),
    Action(
        name="GetSAMLProvider",
        request=ProviderRequest,
        response=GetSAMLProviderResponse,
        ask=_ask("GetSAMLProvider"),
        handle=get_saml_provider,
        writes=False,
    ),
    Action(
        name="ListSAMLProviders",
        request=ListSAMLProvidersRequest,
        response=ListSAMLProvidersResponse,
        ask=ask_account("ListSAMLProviders", "saml-provider/*"),
        handle=list_saml_providers,
        writes=False,
    ),
    Action(
        name="UpdateSAMLProvider",
        request=UpdateSAMLProviderRequest,
        response=UpdateSAMLProviderResponse,
        ask=_ask("UpdateSAMLProvider"),
        handle=update_saml_provider,
        writes=True,
    ),
    Action(
        name="DeleteSAMLProvider",
        request=ProviderRequest,
        response=None,
        ask=_ask("DeleteSAMLProvider"),
        handle=delete_saml_provider,
        writes=True,
    ),
    Action(
        name="TagSAMLProvider",
        request=TagSAMLProviderRequest,
        response=None,
        ask=_ask("TagSAMLProvider", requested_tags),
        handle=tag_saml_provider,
        writes=True,
    ),
    Action(
        name="UntagSAMLProvider",
        request=UntagSAMLProviderRequest,
        response=None,
        ask=_ask("UntagSAMLProvider", requested_tag_keys),
        handle=untag_saml_provider,
        writes=True,
    ),
    Action(
        name="ListSAMLProviderTags",
        request=ListSAMLProviderTagsRequest,
        response=TagPage,
        ask=_ask("ListSAMLProviderTags"),
        handle=list_saml_provider_tags,
        writes=False,
    ),
)

"""OpenID Connect providers: an issuer's URL, the client ids that its tokens may be for, and thumbprints.

Adding a client id twice and taking one away that is not there are no errors (IAM API Reference); deleting a provider
twice is one, as recorded. Thumbprints need not be given; AWS then looks one up at the issuer, and Tabard asks nobody.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import Tag, TagPage, tag_pairs, tag_shapes
from tabard.actions.identities import AskFor, Keys, ask_account, requested_tag_keys, requested_tags
from tabard.actions.identity_policies import tag_page
from tabard.actions.paging import walk
from tabard.actions.tagged_records import ask_new, ask_provider, tagged_record, untagged_record
from tabard.directory import quotas
from tabard.directory.entities import OIDCProvider
from tabard.directory.providers import provider_url
from tabard.directory.rules import require_quota, tags_from
from tabard.faults import ConstraintViolated, EntityAlreadyExists, InvalidInput, NoSuchEntity
from tabard.names.arn import iam_arn
from tabard.services.ask import Ask


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A request that names an OpenID Connect provider and nothing else."""

    open_id_connect_provider_arn: str


# ── create, get, list, delete ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOpenIDConnectProviderRequest:
    url: str
    client_id_list: tuple[str, ...] | None = None
    thumbprint_list: tuple[str, ...] | None = None
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOpenIDConnectProviderResponse:
    open_id_connect_provider_arn: str
    tags: tuple[Tag, ...] | None = None


def create_open_id_connect_provider(
    request: CreateOpenIDConnectProviderRequest, desk: Desk
) -> CreateOpenIDConnectProviderResponse:
    provider = OIDCProvider(
        account=desk.account,
        url=provider_url(request.url),
        created=desk.now,
        client_ids=_client_ids(request.client_id_list or ()),
        thumbprints=_thumbprints(request.thumbprint_list or ()),
        tags=tags_from(tag_pairs(request.tags)),
    )
    if desk.records.oidc_providers.get(provider.arn) is not None:
        raise EntityAlreadyExists(
            f"Provider with url https://{provider.url} already exists.", reason="oidc-provider.exists"
        )
    desk.records.oidc_providers.put(provider)
    return CreateOpenIDConnectProviderResponse(
        open_id_connect_provider_arn=provider.arn, tags=tag_shapes(provider.tags) or None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOpenIDConnectProviderResponse:
    """The URL is answered without its scheme."""

    url: str
    client_id_list: tuple[str, ...]
    thumbprint_list: tuple[str, ...]
    create_date: datetime
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOpenIDConnectProvidersRequest:
    """No parameters."""


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    arn: str


@dataclass(frozen=True, slots=True)
class ListOpenIDConnectProvidersResponse:
    open_id_connect_provider_list: tuple[ProviderEntry, ...]


def get_open_id_connect_provider(request: ProviderRequest, desk: Desk) -> GetOpenIDConnectProviderResponse:
    provider = _provider(desk, request.open_id_connect_provider_arn)
    return GetOpenIDConnectProviderResponse(
        url=provider.url,
        client_id_list=provider.client_ids,
        thumbprint_list=provider.thumbprints,
        create_date=provider.created,
        tags=tag_shapes(provider.tags),
    )


def list_open_id_connect_providers(
    _request: ListOpenIDConnectProvidersRequest, desk: Desk
) -> ListOpenIDConnectProvidersResponse:
    providers = walk(
        lambda after: desk.records.oidc_providers.list(desk.account, after=after), key=lambda provider: provider.url
    )
    return ListOpenIDConnectProvidersResponse(tuple(ProviderEntry(provider.arn) for provider in providers))


def delete_open_id_connect_provider(request: ProviderRequest, desk: Desk) -> None:
    """Trust policies may go on naming it; they let nobody in."""
    provider = _found(desk, request.open_id_connect_provider_arn)
    if provider is None:
        arn = request.open_id_connect_provider_arn
        raise NoSuchEntity(f"OpenId connect Provider {arn} cannot be found.", reason="oidc-provider.missing")
    desk.records.oidc_providers.delete(provider)


# ── client ids, thumbprints ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientIDRequest:
    open_id_connect_provider_arn: str
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOpenIDConnectProviderThumbprintRequest:
    open_id_connect_provider_arn: str
    thumbprint_list: tuple[str, ...]


def add_client_id(request: ClientIDRequest, desk: Desk) -> None:
    provider = _provider(desk, request.open_id_connect_provider_arn)
    client_ids = _client_ids((*provider.client_ids, request.client_id))
    desk.records.oidc_providers.put(replace(provider, client_ids=client_ids))


def remove_client_id(request: ClientIDRequest, desk: Desk) -> None:
    provider = _provider(desk, request.open_id_connect_provider_arn)
    kept = tuple(client_id for client_id in provider.client_ids if client_id != request.client_id)
    desk.records.oidc_providers.put(replace(provider, client_ids=kept))


def update_thumbprints(request: UpdateOpenIDConnectProviderThumbprintRequest, desk: Desk) -> None:
    """The list replaces what was there."""
    provider = _provider(desk, request.open_id_connect_provider_arn)
    desk.records.oidc_providers.put(replace(provider, thumbprints=_thumbprints(request.thumbprint_list)))


def _client_ids(given: tuple[str, ...]) -> tuple[str, ...]:
    """Each once."""
    client_ids = tuple(dict.fromkeys(given))
    require_quota("ClientIdsPerOpenIdConnectProvider", len(client_ids), quotas.CLIENT_IDS_PER_OIDC_PROVIDER)
    return client_ids


def _thumbprints(given: tuple[str, ...]) -> tuple[str, ...]:
    # NOTE: AWS's text says fewer than five, and AWS takes five.
    if len(given) > quotas.THUMBPRINTS_PER_OIDC_PROVIDER:
        raise InvalidInput("Thumbprint list must contain fewer than 5 entries.", reason="oidc.thumbprints")
    return given


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TagOpenIDConnectProviderRequest:
    open_id_connect_provider_arn: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class UntagOpenIDConnectProviderRequest:
    open_id_connect_provider_arn: str
    tag_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOpenIDConnectProviderTagsRequest:
    open_id_connect_provider_arn: str
    marker: str | None = None
    max_items: int | None = None


def tag_provider(request: TagOpenIDConnectProviderRequest, desk: Desk) -> None:
    provider = _provider(desk, request.open_id_connect_provider_arn)
    desk.records.oidc_providers.put(tagged_record(provider, request.tags))


def untag_provider(request: UntagOpenIDConnectProviderRequest, desk: Desk) -> None:
    provider = _provider(desk, request.open_id_connect_provider_arn)
    desk.records.oidc_providers.put(untagged_record(provider, request.tag_keys))


def list_provider_tags(request: ListOpenIDConnectProviderTagsRequest, desk: Desk) -> TagPage:
    provider = _provider(desk, request.open_id_connect_provider_arn)
    return tag_page("ListOpenIDConnectProviderTags", provider.tags, request.marker, request.max_items)


# ── records and questions ────────────────────────────────────────────────────────────────────────────


def _found(desk: Desk, arn: str) -> OIDCProvider | None:
    provider = desk.records.oidc_providers.get(arn)
    return provider if provider is not None and provider.account == desk.account else None


def _provider(desk: Desk, arn: str) -> OIDCProvider:
    provider = _found(desk, arn)
    if provider is None:
        raise NoSuchEntity(f"OpenIDConnect Provider not found for arn {arn}", reason="oidc-provider.missing")
    return provider


def _ask(operation: str, *keys: Keys) -> AskFor:
    return ask_provider(operation, lambda request: str(request.open_id_connect_provider_arn), _found, *keys)


def _ask_create(request: CreateOpenIDConnectProviderRequest, desk: Desk) -> tuple[Ask, ...]:
    """A text that is no URL is asked about as it stands: whether it is one is told to who may make providers."""
    try:
        url = provider_url(request.url)
    except ConstraintViolated:
        url = request.url.removeprefix("https://")
    arn = iam_arn(desk.account, f"oidc-provider/{url}")
    return ask_new("CreateOpenIDConnectProvider", "TagOpenIDConnectProvider", desk, arn, request)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateOpenIDConnectProvider",
        request=CreateOpenIDConnectProviderRequest,
        response=CreateOpenIDConnectProviderResponse,
        ask=_ask_create,
        handle=create_open_id_connect_provider,
        writes=True,
    ),
    Action(
        name="GetOpenIDConnectProvider",
        request=ProviderRequest,
        response=GetOpenIDConnectProviderResponse,
        ask=_ask("GetOpenIDConnectProvider"),
        handle=get_open_id_connect_provider,
        writes=False,
    ),
    Action(
        name="ListOpenIDConnectProviders",
        request=ListOpenIDConnectProvidersRequest,
        response=ListOpenIDConnectProvidersResponse,
        ask=ask_account("ListOpenIDConnectProviders", "oidc-provider/*"),
        handle=list_open_id_connect_providers,
        writes=False,
    ),
    Action(
        name="DeleteOpenIDConnectProvider",
        request=ProviderRequest,
        response=None,
        ask=_ask("DeleteOpenIDConnectProvider"),
        handle=delete_open_id_connect_provider,
        writes=True,
    ),
    Action(
        name="AddClientIDToOpenIDConnectProvider",
        request=ClientIDRequest,
        response=None,
        ask=_ask("AddClientIDToOpenIDConnectProvider"),
        handle=add_client_id,
        writes=True,
    ),
    Action(
        name="RemoveClientIDFromOpenIDConnectProvider",
        request=ClientIDRequest,
        response=None,
        ask=_ask("RemoveClientIDFromOpenIDConnectProvider"),
        handle=remove_client_id,
        writes=True,
    ),
    Action(
        name="UpdateOpenIDConnectProviderThumbprint",
        request=UpdateOpenIDConnectProviderThumbprintRequest,
        response=None,
        ask=_ask("UpdateOpenIDConnectProviderThumbprint"),
        handle=update_thumbprints,
        writes=True,
    ),
    Action(
        name="TagOpenIDConnectProvider",
        request=TagOpenIDConnectProviderRequest,
        response=None,
        ask=_ask("TagOpenIDConnectProvider", requested_tags),
        handle=tag_provider,
        writes=True,
    ),
    Action(
        name="UntagOpenIDConnectProvider",
        request=UntagOpenIDConnectProviderRequest,
        response=None,
        ask=_ask("UntagOpenIDConnectProvider", requested_tag_keys),
        handle=untag_provider,
        writes=True,
    ),
    Action(
        name="ListOpenIDConnectProviderTags",
        request=ListOpenIDConnectProviderTagsRequest,
        response=TagPage,
        ask=_ask("ListOpenIDConnectProviderTags"),
        handle=list_provider_tags,
        writes=False,
    ),
)

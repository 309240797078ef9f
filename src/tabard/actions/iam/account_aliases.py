"""The account's alias: at most one, and unique among all accounts of the store.

A new alias takes the place of the one before. That a name is taken is told to whoever asks for it, even where another
account has it: the same as on AWS, where aliases stand in public addresses.
"""

from dataclasses import dataclass, replace

from tabard.actions.desk import Action, Desk
from tabard.actions.identities import ask_account
from tabard.actions.paging import page_of
from tabard.faults import EntityAlreadyExists, NoSuchEntity


@dataclass(frozen=True, slots=True)
class AliasRequest:
    """A request that names an alias."""

    account_alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccountAliasesRequest:
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccountAliasesResponse:
    account_aliases: tuple[str, ...]
    is_truncated: bool
    marker: str | None = None


def create_account_alias(request: AliasRequest, desk: Desk) -> None:
    alias = request.account_alias
    if desk.records.settings.by_alias(alias) is not None:
        raise EntityAlreadyExists(f"The account alias {alias} already exists.", reason="alias.exists")
    desk.records.settings.put(replace(desk.records.settings.get(desk.account), alias=alias))


def delete_account_alias(request: AliasRequest, desk: Desk) -> None:
    settings = desk.records.settings.get(desk.account)
    if settings.alias != request.account_alias:
        raise NoSuchEntity(
            f"The account alias with name {request.account_alias} cannot be found.", reason="alias.missing"
        )
    desk.records.settings.put(replace(settings, alias=None))


def list_account_aliases(request: ListAccountAliasesRequest, desk: Desk) -> ListAccountAliasesResponse:
    alias = desk.records.settings.get(desk.account).alias
    aliases = () if alias is None else (alias,)
    found = page_of("ListAccountAliases", aliases, marker=request.marker, max_items=request.max_items, key=str)
    return ListAccountAliasesResponse(account_aliases=found.items, is_truncated=found.is_truncated)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateAccountAlias",
        request=AliasRequest,
        response=None,
        ask=ask_account("CreateAccountAlias"),
        handle=create_account_alias,
        writes=True,
    ),
    Action(
        name="DeleteAccountAlias",
        request=AliasRequest,
        response=None,
        ask=ask_account("DeleteAccountAlias"),
        handle=delete_account_alias,
        writes=True,
    ),
    Action(
        name="ListAccountAliases",
        request=ListAccountAliasesRequest,
        response=ListAccountAliasesResponse,
        ask=ask_account("ListAccountAliases"),
        handle=list_account_aliases,
        writes=False,
    ),
)

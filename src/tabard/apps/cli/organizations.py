"""What `tabard org` does: the operations of the API, done at the store by the operator. Names stand for ids.

A running server goes by a change within a second.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import click

from tabard.actions.desk import Action
from tabard.actions.organization_records import accounts_in, policies_of, target_of, units_under
from tabard.actions.organization_shapes import target_id
from tabard.actions.organizations import ACTIONS
from tabard.actions.organizations.accounts import (
    ADD_ACCOUNT,
    AddAccountRequest,
    MoveAccountRequest,
    RemoveAccountFromOrganizationRequest,
)
from tabard.actions.organizations.attachments import AttachPolicyRequest, DetachPolicyRequest
from tabard.actions.organizations.organization import (
    CreateOrganizationRequest,
    DeleteOrganizationRequest,
    DisablePolicyTypeRequest,
    EnablePolicyTypeRequest,
)
from tabard.actions.organizations.policies import CreatePolicyRequest, DeletePolicyRequest, UpdatePolicyRequest
from tabard.actions.organizations.units import (
    CreateOrganizationalUnitRequest,
    DeleteOrganizationalUnitRequest,
    UpdateOrganizationalUnitRequest,
)
from tabard.actions.paging import walk
from tabard.apps.cli.shell import print_json
from tabard.apps.cli.why import Marks, marks_of
from tabard.apps.config import Settings, SettingsError
from tabard.apps.operator import Operator
from tabard.apps.wiring import Foundation, open_audit
from tabard.directory.entities import (
    Account,
    Organization,
    OrganizationAccount,
    OrganizationalUnit,
    OrganizationPolicy,
    OrganizationPolicyType,
    PolicyTarget,
)
from tabard.directory.organizations import AWS_POLICIES, FULL_ACCESS
from tabard.names.ids import is_account_id
from tabard.names.printable import escaped
from tabard.ports.store import Records

_BY_NAME: Final[dict[str, Action]] = {action.name: action for action in ACTIONS}
_TYPES: Final = {
    "service-control": OrganizationPolicyType.SERVICE_CONTROL,
    "resource-control": OrganizationPolicyType.RESOURCE_CONTROL,
}
_WORDS: Final = {kind: word for word, kind in _TYPES.items()}
_SERVICE: Final = "organizations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One organisation, as it was when the command began, and the operator in front of it."""

    operator: Operator
    organization: Organization

    def do(self, action: str, request: object) -> Any:
        """One operation, in the place of the management account."""
        row = ADD_ACCOUNT if action == ADD_ACCOUNT.name else _BY_NAME[action]
        return self.operator.do(_SERVICE, row, request, account=self.organization.management_account)

    @contextmanager
    def reading(self) -> Iterator["Names"]:
        """Look things up by name."""
        with self.operator.at.store.read() as records:
            yield Names(records, self.organization)


@dataclass(frozen=True, slots=True)
class Names:
    """Finds by id, by name, or by a path of names."""

    records: Records
    organization: Organization

    def unit(self, text: str) -> str:
        """The id of a unit or of the root."""
        if text in ("root", "/", self.organization.root_id):
            return self.organization.root_id
        if not text.startswith("/"):
            return text
        parent = self.organization.root_id
        for name in text.strip("/").split("/"):
            found = [unit for unit in _units(self.records, parent) if unit.name == name]
            if not found:
                raise SettingsError(f"there is no unit `{text}`; `tabard org show` shows them all")
            parent = found[0].id
        return parent

    def account(self, text: str) -> str:
        """The id of an account of the store."""
        return account_named(self.records, text).id

    def target(self, text: str) -> str:
        """The id of the root, a unit or an account."""
        if text.startswith(("/", "ou-", "r-")) or text == "root":
            return self.unit(text)
        return self.account(text)

    def policy(self, text: str) -> OrganizationPolicy:
        """A policy of the organisation, or one of AWS's."""
        known = (*AWS_POLICIES.values(), *policies_of(self.records, self.organization))
        # Ids before names: a policy must not be taken for another by being called like it.
        by_id = {policy.id: policy for policy in known}
        found = by_id.get(text) or next((policy for policy in known if policy.name == text), None)
        if found is not None:
            return found
        raise SettingsError(f"there is no policy `{text}`; `tabard org policy list` lists them all")


@contextmanager
def office(where: Settings, named: str | None) -> Iterator[Office]:
    """Open the store, its audit, and one organisation."""
    with _operator(where) as operator:
        with operator.at.store.read() as records:
            organization = _chosen(records, named)
        yield Office(operator=operator, organization=organization)


@contextmanager
def _operator(where: Settings) -> Iterator[Operator]:
    with Foundation.open(where) as at:
        audit = open_audit(where.audit)
        try:
            yield Operator(at=at, audit=audit)
        finally:
            audit.close()


def _chosen(records: Records, named: str | None) -> Organization:
    found = list(_organizations(records))
    if named is not None:
        found = [each for each in found if named in (each.id, each.management_account)]
        if not found:
            raise SettingsError(f"there is no organisation `{named}`; `tabard org list` lists them all")
    if not found:
        raise SettingsError("there is no organisation yet; `tabard org create ACCOUNT` makes one")
    if len(found) > 1:
        raise SettingsError("the store has several organisations; say which with --org (`tabard org list` lists them)")
    return found[0]


def account_named(records: Records, text: str) -> Account:
    """The account of this id or name.

    Raises:
        SettingsError: there is none.
    """
    account = records.accounts.get(text) if is_account_id(text) else records.accounts.get_by_name(text)
    if account is None:
        raise SettingsError(f"there is no account `{text}`; `tabard account list` shows all")
    return account


def _organizations(records: Records) -> Iterator[Organization]:
    return walk(lambda after: records.organizations.list(after=after), key=lambda each: each.id)


def _units(records: Records, parent: str) -> Iterator[OrganizationalUnit]:
    return walk(lambda after: records.organizational_units.list(parent, after=after), key=lambda unit: unit.name)


# ── the organisation ─────────────────────────────────────────────────────────────────────────────────


def create(where: Settings, account: str, *, as_json: bool) -> None:
    """A new organisation."""
    with _operator(where) as operator:
        with operator.at.store.read() as records:
            management = account_named(records, account)
        row = _BY_NAME["CreateOrganization"]
        made = operator.do(_SERVICE, row, CreateOrganizationRequest(), account=management.id).organization
        with operator.at.store.read() as records:
            organization = _chosen(records, made.id)
    if as_json:
        print_json(_described(organization))
        return
    click.echo(organization.id)
    click.echo(
        f"Account {management.id} ({escaped(management.name)}) manages it. Next: `tabard org enable service-control`, "
        "`tabard org accounts add`.",
        err=True,
    )


def delete(where: Settings, named: str | None, *, ask: bool, as_json: bool) -> None:
    """The organisation goes, and with it every policy of it."""
    with office(where, named) as at:
        _confirm(f"Organisation {at.organization.id} and all its units and policies will be gone.", ask=ask)
        at.do("DeleteOrganization", DeleteOrganizationRequest())
    _done(f"Organisation {at.organization.id} is gone.", {"organization_id": at.organization.id}, as_json=as_json)


def list_all(where: Settings, *, as_json: bool) -> None:
    """All organisations."""
    with Foundation.open(where) as at, at.store.read() as records:
        found = list(_organizations(records))
    if as_json:
        print_json([_described(each) for each in found])
        return
    for each in found:
        click.echo(f"{each.id}  managed by {each.management_account}")


def show(where: Settings, named: str | None, *, as_json: bool) -> None:
    """The tree."""
    with Foundation.open(where) as at, at.store.read() as records:
        organization = _chosen(records, named)
        tree = Tree(records, organization)
        if as_json:
            print_json(_described(organization) | {"root": tree.as_json(organization)})
            return
        lines = list(tree.lines(marks_of(os.environ, sys.stdout.encoding or "ascii")))
    for line in lines:
        click.echo(line)


def enable(where: Settings, named: str | None, policy_type: str, *, as_json: bool) -> None:
    """The type counts."""
    with office(where, named) as at:
        request = EnablePolicyTypeRequest(at.organization.root_id, _TYPES[policy_type])
        at.do("EnablePolicyType", request)
    _done(f"{policy_type.capitalize()} policies count from now on.", {"type": policy_type}, as_json=as_json)


def disable(where: Settings, named: str | None, policy_type: str, *, ask: bool, as_json: bool) -> None:
    """The type counts no more."""
    with office(where, named) as at:
        _confirm(f"All {policy_type} policies will be detached from everything and bound nobody.", ask=ask)
        request = DisablePolicyTypeRequest(at.organization.root_id, _TYPES[policy_type])
        at.do("DisablePolicyType", request)
    _done(f"{policy_type.capitalize()} policies count no more.", {"type": policy_type}, as_json=as_json)


def attach(where: Settings, named: str | None, policy: str, target: str, *, as_json: bool) -> None:
    """A policy counts at a target."""
    with office(where, named) as at:
        with at.reading() as names:
            found, place = names.policy(policy), names.target(target)
        at.do("AttachPolicy", AttachPolicyRequest(found.id, place))
    told = {"policy_id": found.id, "target_id": place}
    _done(f"{escaped(found.name)} is attached to {place}.", told, as_json=as_json)


def detach(where: Settings, named: str | None, policy: str, target: str, *, ask: bool, as_json: bool) -> None:
    """A policy counts no more at a target."""
    with office(where, named) as at:
        with at.reading() as names:
            found, place = names.policy(policy), names.target(target)
            reach = accounts_below(names.records, at.organization, place) if found is FULL_ACCESS else 0
        if found is FULL_ACCESS:
            _confirm(
                f"Without {found.name} on {place}, {reach} {'account' if reach == 1 else 'accounts'} may do only what "
                "other policies there allow; their root users too.",
                ask=ask,
            )
        at.do("DetachPolicy", DetachPolicyRequest(found.id, place))
    told = {"policy_id": found.id, "target_id": place}
    _done(f"{escaped(found.name)} is detached from {place}.", told, as_json=as_json)


def accounts_below(records: Records, organization: Organization, place: str) -> int:
    """How many accounts that policies bind are at or below a target."""
    target = target_of(records, organization, place)
    if isinstance(target, OrganizationAccount):
        return int(target.id != organization.management_account)
    parents = {place, *(unit.id for unit in units_under(records, place))}
    bound = (each for each in accounts_in(records, organization) if each.id != organization.management_account)
    return sum(each.parent_id in parents for each in bound)


# ── units and accounts ───────────────────────────────────────────────────────────────────────────────


def create_unit(where: Settings, named: str | None, name: str, under: str, *, as_json: bool) -> None:
    """A unit, under the root or another unit."""
    with office(where, named) as at:
        with at.reading() as names:
            parent = names.unit(under)
        request = CreateOrganizationalUnitRequest(parent_id=parent, name=name)
        made = at.do("CreateOrganizationalUnit", request).organizational_unit
    if as_json:
        print_json({"unit_id": made.id, "name": made.name, "parent_id": parent})
    else:
        click.echo(made.id)


def rename_unit(where: Settings, named: str | None, unit: str, name: str, *, as_json: bool) -> None:
    """Another name."""
    with office(where, named) as at:
        with at.reading() as names:
            unit_id = names.unit(unit)
        at.do("UpdateOrganizationalUnit", UpdateOrganizationalUnitRequest(unit_id, name))
    _done(f"Unit {unit_id} is called {escaped(name)}.", {"unit_id": unit_id, "name": name}, as_json=as_json)


def delete_unit(where: Settings, named: str | None, unit: str, *, as_json: bool) -> None:
    """An empty unit goes."""
    with office(where, named) as at:
        with at.reading() as names:
            unit_id = names.unit(unit)
        at.do("DeleteOrganizationalUnit", DeleteOrganizationalUnitRequest(unit_id))
    _done(f"Unit {unit_id} is gone.", {"unit_id": unit_id}, as_json=as_json)


def add_account(where: Settings, named: str | None, account: str, under: str, *, as_json: bool) -> None:
    """An account joins."""
    with office(where, named) as at:
        with at.reading() as names:
            account_id, parent = names.account(account), names.unit(under)
        at.do(ADD_ACCOUNT.name, AddAccountRequest(account_id, parent))
    _done(f"Account {account_id} is in {parent}.", {"account_id": account_id, "parent_id": parent}, as_json=as_json)


def move_account(where: Settings, named: str | None, account: str, unit: str, *, as_json: bool) -> None:
    """An account goes elsewhere in its organisation."""
    with office(where, named) as at:
        with at.reading() as names:
            account_id, parent = names.account(account), names.unit(unit)
            place = names.records.organization_accounts.get(account_id)
        source = place.parent_id if place is not None else at.organization.root_id
        at.do("MoveAccount", MoveAccountRequest(account_id, source, parent))
    _done(f"Account {account_id} is in {parent}.", {"account_id": account_id, "parent_id": parent}, as_json=as_json)


def remove_account(where: Settings, named: str | None, account: str, *, as_json: bool) -> None:
    """An account leaves."""
    with office(where, named) as at:
        with at.reading() as names:
            account_id = names.account(account)
        at.do("RemoveAccountFromOrganization", RemoveAccountFromOrganizationRequest(account_id))
    _done(f"Account {account_id} is in no organisation.", {"account_id": account_id}, as_json=as_json)


# ── policies ─────────────────────────────────────────────────────────────────────────────────────────


def create_policy(
    where: Settings,
    named: str | None,
    *,
    name: str,
    content: str,
    policy_type: str,
    description: str,
    as_json: bool,
) -> None:
    """A policy, attached nowhere yet."""
    with office(where, named) as at:
        request = CreatePolicyRequest(name=name, content=content, type=_TYPES[policy_type], description=description)
        made = at.do("CreatePolicy", request).policy.policy_summary
    if as_json:
        print_json({"policy_id": made.id, "name": name, "type": policy_type})
    else:
        click.echo(made.id)


def update_policy(
    where: Settings,
    named: str | None,
    policy: str,
    *,
    name: str | None,
    content: str | None,
    description: str | None,
    as_json: bool,
) -> None:
    """Another document, name or description."""
    if name is None and content is None and description is None:
        raise SettingsError("there is nothing to change; give a file, --name or --description")
    with office(where, named) as at:
        with at.reading() as names:
            found = names.policy(policy)
        request = UpdatePolicyRequest(policy_id=found.id, name=name, content=content, description=description)
        made = at.do("UpdatePolicy", request).policy.policy_summary
    told = {"policy_id": made.id, "name": made.name, "type": _WORDS[found.type]}
    _done(f"{escaped(made.name)} is changed.", told, as_json=as_json)


def delete_policy(where: Settings, named: str | None, policy: str, *, as_json: bool) -> None:
    """A policy that is attached nowhere goes."""
    with office(where, named) as at:
        with at.reading() as names:
            found = names.policy(policy)
        at.do("DeletePolicy", DeletePolicyRequest(found.id))
    _done(f"{escaped(found.name)} is gone.", {"policy_id": found.id}, as_json=as_json)


def list_policies(where: Settings, named: str | None, *, as_json: bool) -> None:
    """All policies."""
    with Foundation.open(where) as at, at.store.read() as records:
        organization = _chosen(records, named)
        found = [
            (policy, len(records.organization_policies.attachments(organization.id, policy.id)))
            for policy in (*AWS_POLICIES.values(), *policies_of(records, organization))
        ]
    if as_json:
        print_json(
            [
                {
                    "policy_id": policy.id,
                    "name": policy.name,
                    "type": _WORDS[policy.type],
                    "description": policy.description,
                    "aws_managed": policy.id in AWS_POLICIES,
                }
                for policy, _ in found
            ]
        )
        return
    width = max(len(policy.id) for policy, _ in found)
    for policy, count in found:
        used = "everywhere" if policy.id in AWS_POLICIES and policy is not FULL_ACCESS else f"attached {count} times"
        click.echo(f"{policy.id:<{width}}  {_WORDS[policy.type]:<16}  {used:<18}  {escaped(policy.name)}")


def show_policy(where: Settings, named: str | None, policy: str, *, as_json: bool) -> None:
    """The document, as it was given."""
    with Foundation.open(where) as at, at.store.read() as records:
        organization = _chosen(records, named)
        found = Names(records, organization).policy(policy)
        targets = records.organization_policies.attachments(organization.id, found.id)
        where_to = [organization.root_id if each.id == organization.id else each.id for each in targets]
    if as_json:
        print_json(
            {
                "policy_id": found.id,
                "arn": found.arn(organization),
                "name": found.name,
                "type": _WORDS[found.type],
                "description": found.description,
                "content": found.content,
                "targets": where_to,
            }
        )
        return
    click.echo(_document(found.content))
    click.echo(f"{found.id}  {_WORDS[found.type]}  {escaped(found.name)}  {', '.join(where_to) or 'nowhere'}", err=True)


def _document(text: str) -> str:
    """A JSON document that says the same and holds nothing that a terminal obeys."""
    # A raw line break stands only between JSON's words, and everything else that does not print in its strings.
    lines = text.replace("\r", "\n").split("\n")
    return "\n".join(
        "".join(c if c.isprintable() or c == "\t" else json.dumps(c)[1:-1] for c in line) for line in lines
    )


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────


class Tree:
    """Units, accounts and what is attached to them."""

    def __init__(self, records: Records, organization: Organization) -> None:
        self._records = records
        self._organization = organization
        found = (*AWS_POLICIES.values(), *policies_of(records, organization))
        self._policies = {policy.id: policy for policy in found}

    def lines(self, marks: Marks) -> Iterator[str]:
        """The picture."""
        organization = self._organization
        yield f"{organization.id}   managed by {self._account(organization.management_account)}"
        for kind, word in _WORDS.items():
            state = "count" if kind in organization.enabled_policy_types else "do not count"
            yield f"{word} policies {state}"
        yield f"root  {organization.root_id}{self._attached(organization)}"
        yield from self._below(organization, marks, "")

    def as_json(self, target: PolicyTarget) -> dict[str, object]:
        """The same for programs."""
        told: dict[str, object] = {"id": target_id(target)}
        if isinstance(target, OrganizationalUnit):
            told["name"] = target.name
        if isinstance(target, OrganizationAccount):
            account = self._records.accounts.get(target.id)
            told["name"] = account.name if account is not None else ""
        told["policies"] = [{"id": each, "name": self._policies[each].name} for each in target.attached_policies]
        if not isinstance(target, OrganizationAccount):
            children = self._children(target)
            told["units"] = [self.as_json(each) for each in children if isinstance(each, OrganizationalUnit)]
            told["accounts"] = [self.as_json(each) for each in children if isinstance(each, OrganizationAccount)]
        return told

    def _below(self, target: PolicyTarget, marks: Marks, stem: str) -> Iterator[str]:
        children = self._children(target)
        for child in children:
            is_last = child is children[-1]
            if isinstance(child, OrganizationalUnit):
                name = f"{escaped(child.name)}  {child.id}"
            else:
                name = self._account(child.id)
            mine = "  (management)" if child.id == self._organization.management_account else ""
            yield f"{stem}{marks.last if is_last else marks.branch}{name}{mine}{self._attached(child)}"
            if isinstance(child, OrganizationalUnit):
                yield from self._below(child, marks, stem + ("  " if is_last else marks.stem))

    def _children(self, target: PolicyTarget) -> list[OrganizationalUnit | OrganizationAccount]:
        parent = target_id(target)
        return [*_units(self._records, parent), *self._records.organization_accounts.under(parent)]

    def _account(self, account_id: str) -> str:
        account = self._records.accounts.get(account_id)
        return f"{account_id} {escaped(account.name)}" if account is not None else account_id

    def _attached(self, target: PolicyTarget) -> str:
        names = [escaped(self._policies[each].name) for each in target.attached_policies]
        return f"   [{', '.join(names)}]" if names else ""


def _described(organization: Organization) -> dict[str, object]:
    return {
        "organization_id": organization.id,
        "management_account": organization.management_account,
        "root_id": organization.root_id,
        "enabled_policy_types": [_WORDS[kind] for kind in organization.enabled_policy_types],
    }


def _confirm(warning: str, *, ask: bool) -> None:
    if ask:
        click.confirm(f"{warning} Go on?", abort=True, err=True)


def _done(text: str, told: dict[str, object] | dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        click.echo(text, err=True)

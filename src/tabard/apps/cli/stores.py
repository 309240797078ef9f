"""Commands that work on a store directly: accounts and sealing keys. A running server sees a change within a second."""

import sys
from pathlib import Path
from typing import Final

import click

from tabard.actions.paging import walk
from tabard.apps.accounts import AccountMaker
from tabard.apps.cli.shell import print_json
from tabard.apps.config import Settings, SettingsError, default_data, dev_settings, load_settings
from tabard.apps.wiring import Foundation
from tabard.directory.entities import KeyPurpose
from tabard.names.ids import is_account_id

MAXIMUM_NAME: Final = 64
"""Characters of an account's name."""


def settings(config: Path | None, data: Path | None) -> Settings:
    """The settings that `--config` or `--data` point to; the default data folder of `tabard dev` otherwise."""
    if config is not None and data is not None:
        raise SettingsError("--config and --data exclude one another; give one")
    if config is not None:
        return load_settings(config)
    folder = (data or default_data()).absolute()
    if not (folder / "tabard.db").exists():
        raise SettingsError(f"{folder} holds no store; start `tabard dev` once, or name one with --config or --data")
    return dev_settings(folder, port=0)


def create_account(where: Settings, name: str, account_id: str | None, *, as_json: bool) -> None:
    """Make an account; its root secret is shown here and never again."""
    if account_id is not None and not is_account_id(account_id):
        raise SettingsError(f"`{account_id}` is not an account id; give twelve digits, or leave --id out")
    if not (name.isprintable() and name.strip() and len(name) <= MAXIMUM_NAME):
        raise SettingsError(f"an account's name has 1 to {MAXIMUM_NAME} printable characters; give another")
    if not as_json and not sys.stdout.isatty():
        raise SettingsError("the root secret is shown once, and only on a terminal; add --json to write it elsewhere")
    with Foundation.open(where) as at, at.store.write() as records:
        if records.accounts.get_by_name(name) is not None:
            raise SettingsError(f"there is an account `{name}` already; `tabard account list` shows all")
        if account_id is not None and records.accounts.get(account_id) is not None:
            raise SettingsError(f"account {account_id} exists already; `tabard account list` shows all")
        maker = AccountMaker(records=records, now=at.clock.now(), entropy=at.entropy, secrets=at.ring)
        account, key = maker.account(name, account_id=account_id)
    if as_json:
        print_json(
            {
                "account_id": account.id,
                "name": account.name,
                "root_access_key_id": key.access_key_id,
                "root_secret_access_key": key.secret_access_key,
            }
        )
        return
    click.echo(f"account      {account.id}  {account.name}")
    click.echo(f"root key     {key.access_key_id}")
    click.echo(f"root secret  {key.secret_access_key}")
    click.echo("The secret is shown this once. Make an administrator with it, then put it away.", err=True)


def list_accounts(where: Settings, *, as_json: bool) -> None:
    """All accounts."""
    with Foundation.open(where) as at, at.store.read() as records:
        accounts = list(walk(lambda after: records.accounts.list(after=after), key=lambda account: account.id))
    if as_json:
        print_json([{"account_id": account.id, "name": account.name} for account in accounts])
        return
    for account in accounts:
        click.echo(f"{account.id}  {account.name}")


def list_keys(where: Settings, *, as_json: bool) -> None:
    """All sealing keys, by purpose."""
    with Foundation.open(where) as at, at.store.read() as records:
        found = sorted(
            (key for purpose in KeyPurpose for key in records.sealing_keys.of(purpose)), key=lambda key: key.id
        )
    if as_json:
        print_json(
            [{"id": k.id, "purpose": k.purpose, "active": k.active, "created": k.created.isoformat()} for k in found]
        )
        return
    for key in found:
        state = "seals and opens" if key.active else "only opens"
        click.echo(f"{key.id:>4}  {key.purpose:<14}  {state:<15}  since {key.created:%Y-%m-%d %H:%M}")


def rotate_keys(where: Settings, purpose: str) -> None:
    """A new active key."""
    with Foundation.open(where) as at:
        key_id = at.ring.rotate(_purpose(purpose))
    click.echo(
        f"Key {key_id} seals from now on; older keys only open. `tabard keys retire ID` throws one away.", err=True
    )


def retire_key(where: Settings, key_id: int, *, ask: bool) -> None:
    """Throw a key away that is not active."""
    with Foundation.open(where) as at:
        key = at.ring.retirable(key_id)
        sessions = key.purpose is KeyPurpose.SESSION_TOKEN
        what = "session tokens that it sealed are refused from now on" if sessions else "secrets are sealed anew"
        if ask:
            click.confirm(f"Key {key_id}: {what}. Go on?", abort=True, err=True)
        at.ring.retire(key_id)
    click.echo(f"Key {key_id} is gone: {what}.", err=True)


def _purpose(text: str) -> KeyPurpose:
    try:
        return KeyPurpose(text)
    except ValueError:
        known = ", ".join(purpose.value for purpose in KeyPurpose)
        raise SettingsError(f"`{text}` is no purpose of a key; known are {known}") from None

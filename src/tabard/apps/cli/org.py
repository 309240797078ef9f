"""`tabard org`: the words and options of its commands. What they do is in `organizations.py`."""

from pathlib import Path
from typing import TextIO

import click

from tabard.apps.cli.shell import at_store, run

TYPES = ("service-control", "resource-control")

chosen = click.option("--org", "named", help="The organisation's id; needed where the store has several.")
json_object = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
json_array = click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
unasked = click.option("--yes", is_flag=True, help="Do not ask.")
policy_type = click.argument("policy_type", metavar="TYPE", type=click.Choice(TYPES))


def at_organization(command: click.decorators.FC) -> click.decorators.FC:
    """The options that say which organisation of which store."""
    return chosen(at_store(command))


@click.group()
def org() -> None:
    """Organisations: units of accounts, and the policies that bound them.

    UNIT is a unit's id or its path of names (`/prod/eu`), TARGET a unit, an account or `root`, ACCOUNT an account's id
    or name, POLICY a policy's id or name.
    """


@org.command("create")
@click.argument("account")
@json_object
@at_store
def create(*, account: str, as_json: bool, config: Path | None, data: Path | None) -> None:
    """Make an organisation that ACCOUNT manages.

    Organisation policies never bind the management account, so let it be one that is used for nothing else.
    """
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.create(stores.settings(config, data), account, as_json=as_json))


@org.command("delete")
@unasked
@json_object
@at_organization
def delete(*, yes: bool, as_json: bool, named: str | None, config: Path | None, data: Path | None) -> None:
    """Delete an organisation without member accounts, with its units and policies."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.delete(stores.settings(config, data), named, ask=not yes, as_json=as_json))


@org.command("list")
@json_array
@at_store
def list_all(*, as_json: bool, config: Path | None, data: Path | None) -> None:
    """List the organisations of the store."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.list_all(stores.settings(config, data), as_json=as_json))


@org.command("show")
@json_object
@at_organization
def show(*, as_json: bool, named: str | None, config: Path | None, data: Path | None) -> None:
    """Show the tree of units and accounts, and which policies are attached where."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.show(stores.settings(config, data), named, as_json=as_json))


@org.command("enable")
@policy_type
@json_object
@at_organization
def enable(*, policy_type: str, as_json: bool, named: str | None, config: Path | None, data: Path | None) -> None:
    """Let a type of policies count from now on. By itself that forbids nothing."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.enable(stores.settings(config, data), named, policy_type, as_json=as_json))


@org.command("disable")
@policy_type
@unasked
@json_object
@at_organization
def disable(
    *, policy_type: str, yes: bool, as_json: bool, named: str | None, config: Path | None, data: Path | None
) -> None:
    """Let a type of policies count no more, and detach all of it from everything."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.disable(stores.settings(config, data), named, policy_type, ask=not yes, as_json=as_json))


@org.command("attach")
@click.argument("policy")
@click.argument("target")
@json_object
@at_organization
def attach(
    *, policy: str, target: str, as_json: bool, named: str | None, config: Path | None, data: Path | None
) -> None:
    """Attach POLICY to TARGET. It counts for every account at or below it within a second."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.attach(stores.settings(config, data), named, policy, target, as_json=as_json))


@org.command("detach")
@click.argument("policy")
@click.argument("target")
@unasked
@json_object
@at_organization
def detach(
    *, policy: str, target: str, yes: bool, as_json: bool, named: str | None, config: Path | None, data: Path | None
) -> None:
    """Detach POLICY from TARGET.

    Without FullAWSAccess, accounts at or below TARGET may do only what other policies there allow.
    """
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(
        lambda: organizations.detach(stores.settings(config, data), named, policy, target, ask=not yes, as_json=as_json)
    )


# ── units ────────────────────────────────────────────────────────────────────────────────────────────


@org.group()
def units() -> None:
    """Organisational units."""


@units.command("create")
@click.argument("name")
@click.option("--under", metavar="UNIT", default="root", show_default=True, help="The unit that it is to be in.")
@json_object
@at_organization
def units_create(
    *, name: str, under: str, as_json: bool, named: str | None, config: Path | None, data: Path | None
) -> None:
    """Make a unit."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.create_unit(stores.settings(config, data), named, name, under, as_json=as_json))


@units.command("rename")
@click.argument("unit")
@click.argument("name")
@json_object
@at_organization
def units_rename(
    *, unit: str, name: str, as_json: bool, named: str | None, config: Path | None, data: Path | None
) -> None:
    """Give UNIT another name."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.rename_unit(stores.settings(config, data), named, unit, name, as_json=as_json))


@units.command("delete")
@click.argument("unit")
@json_object
@at_organization
def units_delete(*, unit: str, as_json: bool, named: str | None, config: Path | None, data: Path | None) -> None:
    """Delete UNIT, which must be empty."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.delete_unit(stores.settings(config, data), named, unit, as_json=as_json))


# ── accounts ─────────────────────────────────────────────────────────────────────────────────────────


@org.group()
def accounts() -> None:
    """The accounts of an organisation."""


@accounts.command("add")
@click.argument("account")
@click.option("--under", metavar="UNIT", default="root", show_default=True, help="The unit that it is to be in.")
@json_object
@at_organization
def accounts_add(
    *, account: str, under: str, as_json: bool, named: str | None, config: Path | None, data: Path | None
) -> None:
    """Take ACCOUNT of this store into the organisation."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.add_account(stores.settings(config, data), named, account, under, as_json=as_json))


@accounts.command("move")
@click.argument("account")
@click.argument("unit")
@json_object
@at_organization
def accounts_move(
    *, account: str, unit: str, as_json: bool, named: str | None, config: Path | None, data: Path | None
) -> None:
    """Move ACCOUNT into UNIT, or to `root`."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.move_account(stores.settings(config, data), named, account, unit, as_json=as_json))


@accounts.command("remove")
@click.argument("account")
@json_object
@at_organization
def accounts_remove(*, account: str, as_json: bool, named: str | None, config: Path | None, data: Path | None) -> None:
    """Take ACCOUNT out of the organisation. No organisation policy bounds it any more."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.remove_account(stores.settings(config, data), named, account, as_json=as_json))


# ── policies ─────────────────────────────────────────────────────────────────────────────────────────


@org.group()
def policy() -> None:
    """The policies of an organisation."""


@policy.command("create")
@click.argument("name")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--type", "policy_type", type=click.Choice(TYPES), default=TYPES[0], show_default=True, help="Its type.")
@click.option("--description", default="", help="What it is for.")
@json_object
@at_organization
def policy_create(
    *,
    name: str,
    file: TextIO,
    policy_type: str,
    description: str,
    as_json: bool,
    named: str | None,
    config: Path | None,
    data: Path | None,
) -> None:
    """Make a policy from the document in FILE (`-` is standard input). It counts where it is attached."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(
        lambda: organizations.create_policy(
            stores.settings(config, data),
            named,
            name=name,
            content=_text(file),
            policy_type=policy_type,
            description=description,
            as_json=as_json,
        )
    )


@policy.command("update")
@click.argument("policy")
@click.argument("file", type=click.File("r", encoding="utf-8"), required=False)
@click.option("--name", help="Its new name.")
@click.option("--description", help="Its new description.")
@json_object
@at_organization
def policy_update(
    *,
    policy: str,
    file: TextIO | None,
    name: str | None,
    description: str | None,
    as_json: bool,
    named: str | None,
    config: Path | None,
    data: Path | None,
) -> None:
    """Give POLICY another document, name or description. It counts within a second wherever it is attached."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(
        lambda: organizations.update_policy(
            stores.settings(config, data),
            named,
            policy,
            name=name,
            content=None if file is None else _text(file),
            description=description,
            as_json=as_json,
        )
    )


@policy.command("delete")
@click.argument("policy")
@json_object
@at_organization
def policy_delete(*, policy: str, as_json: bool, named: str | None, config: Path | None, data: Path | None) -> None:
    """Delete POLICY, which must be attached nowhere."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.delete_policy(stores.settings(config, data), named, policy, as_json=as_json))


@policy.command("list")
@json_array
@at_organization
def policy_list(*, as_json: bool, named: str | None, config: Path | None, data: Path | None) -> None:
    """List the policies, AWS's own first, and how often each is attached."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.list_policies(stores.settings(config, data), named, as_json=as_json))


@policy.command("show")
@click.argument("policy")
@json_object
@at_organization
def policy_show(*, policy: str, as_json: bool, named: str | None, config: Path | None, data: Path | None) -> None:
    """Print the document of POLICY."""
    from tabard.apps.cli import organizations, stores  # start-up time: see `main.py`

    run(lambda: organizations.show_policy(stores.settings(config, data), named, policy, as_json=as_json))


def _text(file: TextIO) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file.name} is not UTF-8", param_hint="FILE") from None

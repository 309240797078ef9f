"""`tabard`: the command and its groups.

Data goes to stdout, prose to stderr. Secrets are printed to a terminal, or when `--json` asks for them. Exit codes:
0 done, 1 it did not work, 2 the command was misspelt, 6 `apply --check` found something to change. Each command imports what it needs when it runs, so that
`tabard version` answers at once.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tabard import __version__
from tabard.apps.config import SettingsError, default_data


class Failure(click.ClickException):
    """It did not work. One line: what happened, and what to do."""

    def show(self, file: object = None) -> None:
        del file
        click.echo(f"tabard: {' '.join(self.format_message().split())}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """A Security Token Service that speaks AWS's STS and IAM, on your own machines. It sends nothing home."""


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def version(*, as_json: bool) -> None:
    """Print the version."""
    click.echo(f'{{"version": "{__version__}"}}' if as_json else f"tabard {__version__}")


@cli.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8780, show_default=True, help="Port; 0 takes a free one."
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder for everything. Default: ~/.local/share/tabard/dev."
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON, keys included, once it is ready.")
def dev(*, port: int, data: Path | None, as_json: bool) -> None:
    """Start Tabard on an embedded SQLite file, for this computer only.

    The first start makes an account, its root key, and a user `admin` with AdministratorAccess; later starts find
    them again.
    """
    from tabard.apps.cli import serving  # start-up time: see the module's docstring

    _run(lambda: serving.dev(data or default_data(), port=port, as_json=as_json))


@cli.command()
@click.option("--config", type=click.Path(path_type=Path), required=True, help="The configuration file (TOML).")
def serve(*, config: Path) -> None:
    """Start Tabard with a configuration file."""
    from tabard.apps.cli import serving  # start-up time: see the module's docstring

    _run(lambda: serving.serve(config))


where = (
    click.option("--config", type=click.Path(path_type=Path), help="The server's configuration file."),
    click.option("--data", type=click.Path(path_type=Path), help="The data folder of `tabard dev`."),
)


def at_store(command: click.decorators.FC) -> click.decorators.FC:
    """The two options that say which store a command works on."""
    for option in reversed(where):
        command = option(command)
    return command


@cli.group()
def account() -> None:
    """Accounts: tenants that see nothing of one another."""


@account.command("create")
@click.argument("name")
@click.option("--id", "account_id", help="Twelve digits; made up when left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, secret included.")
@at_store
def account_create(*, name: str, account_id: str | None, as_json: bool, config: Path | None, data: Path | None) -> None:
    """Make an account and print its root key, once."""
    from tabard.apps.cli import stores  # start-up time: see the module's docstring

    _run(lambda: stores.create_account(stores.settings(config, data), name, account_id, as_json=as_json))


@account.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@at_store
def account_list(*, as_json: bool, config: Path | None, data: Path | None) -> None:
    """List the accounts."""
    from tabard.apps.cli import stores  # start-up time: see the module's docstring

    _run(lambda: stores.list_accounts(stores.settings(config, data), as_json=as_json))


@cli.group()
def keys() -> None:
    """Sealing keys: what session tokens and stored secrets are sealed with."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@at_store
def keys_list(*, as_json: bool, config: Path | None, data: Path | None) -> None:
    """List the sealing keys; never their secret part."""
    from tabard.apps.cli import stores  # start-up time: see the module's docstring

    _run(lambda: stores.list_keys(stores.settings(config, data), as_json=as_json))


@keys.command("rotate")
@click.option(
    "--purpose", default="session-token", show_default=True, help="Which keys: session-token or record-secret."
)
@at_store
def keys_rotate(*, purpose: str, config: Path | None, data: Path | None) -> None:
    """Seal with a new key from now on. Older keys still open what they sealed."""
    from tabard.apps.cli import stores  # start-up time: see the module's docstring

    _run(lambda: stores.rotate_keys(stores.settings(config, data), purpose))


@keys.command("retire")
@click.argument("key_id", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@at_store
def keys_retire(*, key_id: int, yes: bool, config: Path | None, data: Path | None) -> None:
    """Throw a sealing key away.

    All session tokens that it sealed are refused from then on; secrets in the store are sealed anew.
    """
    from tabard.apps.cli import stores  # start-up time: see the module's docstring

    _run(lambda: stores.retire_key(stores.settings(config, data), key_id, ask=not yes))


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--stack", help="The stack's name, for one FILE. Default: the file's name without its ending.")
@click.option("--account", help="The account, by id or name. Default: the only one.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the templates.")
@click.option(
    "--parameters", "parameter_files", multiple=True, metavar="FILE", help="Parameters from a YAML or JSON file."
)
@click.option("--region", default="us-east-1", show_default=True, help="What AWS::Region comes to.")
@click.option("--prune", is_flag=True, help="Take away what the stack made and the template no longer has.")
@click.option("--adopt", is_flag=True, help="Take over records that are there under the names of the template.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 6 if something is not as the template says.")
@click.option("--dry-run", is_flag=True, help="Show the plan and rehearse it; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, secrets of new access keys included.")
@at_store
def apply(*, config: Path | None, data: Path | None, **wishes: Any) -> None:
    """Make an account what CloudFormation templates say.

    Each FILE, YAML or JSON, is a template of AWS::IAM resources and one stack; - reads the standard input. The plan is
    shown first. All files are applied in one transaction, or none. Exit codes: 0 done, 1 it did not work and nothing
    was changed, 2 the command was misspelt, 6 --check found something to change.
    """
    from tabard.apps.cli import apply as applying  # start-up time: see the module's docstring
    from tabard.apps.cli import stores

    pending = False

    def run() -> None:
        nonlocal pending
        pending = applying.apply(stores.settings(config, data), applying.Wishes(**wishes))

    _run(run)
    if pending:
        sys.exit(applying.PENDING)


def _run(command: Callable[[], None]) -> None:
    """Run a command; what went wrong in a known way becomes one line."""
    from tabard.adapters.keyring import KeyNotRetirable, SealBroken
    from tabard.adapters.master_key import MasterKeyError
    from tabard.apps.stacks.run import ApplyError
    from tabard.ports.audit import AuditUnavailable
    from tabard.ports.store import StoreUnavailable
    from tabard.templates.source import TemplateError

    try:
        command()
    except StoreUnavailable as error:
        raise Failure(f"the store cannot be used: {error} (store.url, or --data, says where it is)") from error
    except (
        SettingsError, MasterKeyError, KeyNotRetirable, SealBroken, ApplyError, TemplateError, AuditUnavailable
    ) as error:  # fmt: skip
        raise Failure(str(error)) from error


def main() -> None:
    """The entry point."""
    try:
        cli(standalone_mode=True)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)

"""`tabard`: the command and its groups.

Data goes to stdout, prose to stderr. Secrets are printed to a terminal, or when `--json` asks for them. Exit codes:
0 done, 1 it did not work, 2 the command was misspelt, or the cases that it was given cannot be read, 3 it was denied,
6 `apply --check` found something to change.
Each command imports what it needs when it runs, so that `tabard version` answers at once.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tabard import __version__
from tabard.apps.cli.org import org
from tabard.apps.cli.shell import Failure, Unreadable, at_store
from tabard.apps.cli.shell import run as _run
from tabard.apps.config import default_data


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
@click.argument("what", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print the whole record as one JSON object.")
@at_store
def why(*, what: str, as_json: bool, config: Path | None, data: Path | None) -> None:
    """Tell why a request was denied.

    ID is the authorization id that the refusal names, a request id, an access key id (its latest denial), or a text
    that holds one of them, such as the whole error. The exit code is 3 where the denial is found.
    """
    from tabard.apps.cli import stores  # start-up time: see the module's docstring
    from tabard.apps.cli import why as reasons

    try:
        _run(lambda: sys.exit(reasons.why(stores.settings(config, data), what, as_json=as_json)))
    except reasons.NothingKnown as error:
        raise Failure(str(error)) from error


@cli.group()
def policy() -> None:
    """Policy documents: what is wrong with them, and what they decide. Needs no server."""


@policy.command("lint")
@click.argument("files", nargs=-1, metavar="FILE…|-")
@click.option(
    "--kind",
    type=click.Choice(["identity", "inline", "trust", "resource", "session", "scp", "rcp"]),
    help="What the documents are for; guessed from their elements when left out.",
)
@click.option("--level", "levels", multiple=True, metavar="CODE=LEVEL", help="error, warning, hint or off for a rule.")
@click.option("--config", type=click.Path(path_type=Path), help="Take the levels from a server's configuration file.")
@click.option("--strict", is_flag=True, help="Fail for warnings too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--explain", metavar="CODE", help="Print a rule's page, and check nothing.")
def policy_lint(
    *,
    files: tuple[str, ...],
    kind: str | None,
    levels: tuple[str, ...],
    config: Path | None,
    strict: bool,
    as_json: bool,
    explain: str | None,
) -> None:
    """Say what AWS would refuse in a policy document, and what is dangerous in one that it would save.

    Exit code 1: there are errors.
    """
    from tabard.apps.cli import policies  # start-up time: see the module's docstring

    if explain is not None:
        _run(lambda: policies.explain(explain))
        return
    if not files:
        raise click.UsageError("Name the files to check; - is the standard input.")
    sound: list[bool] = []
    _run(
        lambda: sound.append(
            policies.lint(files, kind=kind, levels=levels, config=config, as_json=as_json, strict=strict)
        )
    )
    if not all(sound):
        sys.exit(1)


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--stack-name", "stack", help="The stack's name, for one FILE. Default: the file's name without ending.")
@click.option("--account", help="The account, by id or name. Default: the only one.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the templates.")
@click.option(
    "--parameters-file", "parameter_files", multiple=True, metavar="FILE", help="Parameters from a YAML or JSON file."
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

    Each FILE, YAML or JSON, is a template of AWS::IAM resources and one stack; - is the standard input. The plan is
    shown first. All files are applied in one transaction, or none. Exit codes: 0 done, 1 it did not work and nothing
    was changed, 2 the command was misspelt, 6 --check found something to change.
    """
    from tabard.apps.cli import apply as applying  # start-up time: see the module's docstring
    from tabard.apps.cli import stores

    pending: list[bool] = []
    _run(lambda: pending.append(applying.apply(stores.settings(config, data), applying.Wishes(**wishes))))
    if any(pending):
        sys.exit(applying.PENDING)


@policy.command("decide")
@click.argument("file", metavar="FILE|-")
@click.option("--lines", is_flag=True, help="Take a case from each line, and answer each with a line.")
@click.option("--lenient", is_flag=True, help="Judge documents too that AWS would refuse to save; they fail closed.")
def policy_decide(*, file: str, lines: bool, lenient: bool) -> None:
    """Say what policies decide: a case in JSON from FILE, or from the standard input, and the answer in JSON.

    A case is a request and the policies that it is judged by; `tabard policy schema` prints the form of both.

    Exit code: 0 allowed, 3 denied, 2 unreadable. With --lines: 0 all were decided, 2 some could not be.
    """
    from tabard.apps.cli import cases  # start-up time: see the module's docstring

    _run_cases(lambda: cases.decide(file, lines=lines, lenient=lenient))


@policy.command("test")
@click.argument("paths", nargs=-1, required=True, metavar="DIR…")
@click.option("--lenient", is_flag=True, help="Judge documents too that AWS would refuse to save; they fail closed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write the report as JUnit XML, too.")
def policy_test(*, paths: tuple[str, ...], lenient: bool, as_json: bool, junit: Path | None) -> None:
    """Try all cases in the JSON files of folders, and say which are not decided as expected.

    A file holds one case, a list of cases, or {"defaults": {...}, "cases": [...]}. Each has a member `expected`: the
    decision, or {"decision": ..., "by": {"layer": ..., "policy": ..., "sid": ...}}.

    Exit code: 0 all passed, 1 some failed, 2 some were unreadable, or there are none.
    """
    from tabard.apps.cli import cases  # start-up time: see the module's docstring

    _run_cases(lambda: cases.test(paths, lenient=lenient, as_json=as_json, junit=junit))


@policy.command("schema")
@click.argument("name", type=click.Choice(["case", "answer"]))
def policy_schema(*, name: str) -> None:
    """Print the JSON Schema of a case or of an answer."""
    from tabard.apps.cli import cases  # start-up time: see the module's docstring

    cases.schema(name)


def _run_cases(command: Callable[[], int]) -> None:
    from tabard.names.printable import masked
    from tabard.policy.cases.form import UnreadableCase  # start-up time: see the module's docstring

    try:
        code = command()
    except UnreadableCase as error:
        raise Unreadable(masked(str(error))) from error
    sys.exit(code)


cli.add_command(org)


def main() -> None:
    """The entry point."""
    try:
        cli(standalone_mode=True)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)

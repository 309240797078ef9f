"""What every command has: the options that say which store, and one line for what went wrong."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from tabard.apps.config import SettingsError

NEXT: Final[Mapping[str, str]] = {
    "organization.type-not-enabled": "`tabard org enable TYPE` lets it count",
    "organization.policy-in-use": "`tabard org show` says where",
    "organization.not-empty": "`tabard org show` lists its accounts",
    "organization.unit-missing": "`tabard org show` lists the units",
    "organization.parent-missing": "`tabard org show` lists the units",
    "organization.target-missing": "`tabard org show` lists units and accounts",
    "organization.account-missing": "`tabard account list` lists the accounts",
    "organization.policy-missing": "`tabard org policy list` lists the policies",
}
"""A refusal's reason → the command that helps on."""


class Failure(click.ClickException):
    """It did not work. One line: what happened, and what to do."""

    def show(self, file: object = None) -> None:
        del file
        click.echo(f"tabard: {' '.join(self.format_message().split())}", err=True)


class Unreadable(Failure):
    """What the command was given cannot be read."""

    exit_code = 2


def print_json(value: object) -> None:
    """Print one JSON value on a line, in ASCII, since a terminal obeys more than the old control characters."""
    click.echo(in_json(value))


def in_json(value: object) -> str:
    """The value as JSON in ASCII."""
    import msgspec  # start-up time: `tabard version` needs none of it

    text = msgspec.json.encode(value).decode()
    return text if text.isascii() else json.dumps(json.loads(text), separators=(",", ":"))


where = (
    click.option("--config", type=click.Path(path_type=Path), help="The server's configuration file."),
    click.option("--data", type=click.Path(path_type=Path), help="The data folder of `tabard dev`."),
)


def at_store(command: click.decorators.FC) -> click.decorators.FC:
    """The two options that say which store a command works on."""
    for option in reversed(where):
        command = option(command)
    return command


def run(command: Callable[[], None]) -> None:
    """Run a command; what went wrong in a known way becomes one line."""
    from tabard.adapters.keyring import KeyNotRetirable, SealBroken
    from tabard.adapters.master_key import MasterKeyError
    from tabard.apps.stacks.faults import ApplyError
    from tabard.faults import Fault, MalformedPolicy
    from tabard.ports.audit import AuditUnavailable
    from tabard.ports.store import StoreUnavailable
    from tabard.templates.source import TemplateError

    try:
        command()
    except StoreUnavailable as error:
        raise Failure(f"the store cannot be used: {error} (store.url, or --data, says where it is)") from error
    except AuditUnavailable as error:
        raise Failure(f"nothing was changed, for it could not be recorded: {error}") from error
    except MalformedPolicy as refusal:
        raise Failure(f"{refusal.public} {refusal.at or 'The whole document'} ({refusal.reason})") from refusal
    except Fault as refusal:
        hint = NEXT.get(refusal.reason)
        raise Failure(f"{refusal.public} {hint}." if hint else refusal.public) from refusal
    except (SettingsError, MasterKeyError, KeyNotRetirable, SealBroken, ApplyError, TemplateError) as error:
        raise Failure(str(error)) from error

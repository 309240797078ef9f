"""What every command has: the options that say which store, and one line for what went wrong."""

from collections.abc import Callable
from pathlib import Path

import click

from tabard.apps.config import SettingsError


class Failure(click.ClickException):
    """It did not work. One line: what happened, and what to do."""

    def show(self, file: object = None) -> None:
        del file
        click.echo(f"tabard: {' '.join(self.format_message().split())}", err=True)


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
    from tabard.faults import Fault, MalformedPolicy
    from tabard.ports.audit import AuditUnavailable
    from tabard.ports.store import StoreUnavailable

    try:
        command()
    except StoreUnavailable as error:
        raise Failure(f"the store cannot be used: {error} (store.url, or --data, says where it is)") from error
    except AuditUnavailable as error:
        raise Failure(f"nothing was changed, for it could not be recorded: {error}") from error
    except MalformedPolicy as refusal:
        raise Failure(f"{refusal.public} {refusal.at or 'The whole document'} ({refusal.reason})") from refusal
    except Fault as refusal:
        raise Failure(refusal.public) from refusal
    except (SettingsError, MasterKeyError, KeyNotRetirable, SealBroken) as error:
        raise Failure(str(error)) from error

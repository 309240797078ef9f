"""`tabard dev` and `tabard serve`: open the store, then listen."""

import functools
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from tabard import __version__
from tabard.apps.accounts import AccountMaker, NewKey
from tabard.apps.api.server import PortTaken, StartFailed
from tabard.apps.api.server import serve as listen
from tabard.apps.cli.shell import print_json
from tabard.apps.config import Listen, Settings, SettingsError, dev_settings, load_settings
from tabard.apps.wiring import Foundation, make_application, open_audit

DEV_ACCOUNT = "dev"
DEV_ADMINISTRATOR = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class DevKeys:
    """What `tabard dev` prints."""

    account_id: str
    administrator: NewKey
    root: NewKey


def serve(config: Path) -> None:
    """Run until a signal ends it."""
    settings = load_settings(config)
    with Foundation.open(settings, create=True):
        pass  # the store is migrated and the keys exist before the first worker starts
    _listen(
        settings, ready=lambda port: click.echo(f"tabard {__version__} listens on {_url(settings, port)}", err=True)
    )


def dev(data: Path, *, port: int, as_json: bool) -> None:
    """Run on one folder; print what to paste next."""
    folder = data.absolute()
    settings = dev_settings(folder, port=port)
    with Foundation.open(settings, create=True) as at:
        keys = _dev_keys(at)

    def ready(bound: int) -> None:
        endpoint = _url(settings, bound)
        if as_json:
            print_json(_as_json(endpoint, keys, folder))
        else:
            click.echo(_welcome(endpoint, keys, folder, with_secrets=sys.stdout.isatty()))
        sys.stdout.flush()

    _listen(settings, ready=ready)


def _listen(settings: Settings, *, ready: Callable[[int], None]) -> None:
    at = settings.listen
    # What a worker needs is tried here, where a failure is one line and not one for each worker.
    open_audit(settings.audit).close()
    tls = _tls(at)
    try:
        listen(
            functools.partial(make_application, settings),
            host=at.host,
            port=at.port,
            workers=at.workers,
            tls=tls,
            ready=ready,
        )
    except PortTaken:
        raise SettingsError(
            f"port {at.port} on {at.host} is taken; end what listens there, or choose another with --port"
            " (listen.port in the configuration file)"
        ) from None
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {at.host} port {at.port}: {error.strerror}; change listen.host or listen.port"
        ) from error
    except StartFailed as error:
        raise SettingsError(f"a worker could not start: {error}") from error


def _tls(at: Listen) -> tuple[Path, Path] | None:
    """The files of the certificate chain and its key, which were seen to fit together."""
    if at.tls_certificate is None or at.tls_key is None:
        return None
    try:
        # With a password given, even a wrong one, nobody is asked for it on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(at.tls_certificate, at.tls_key, password="")
    except OSError as error:
        raise SettingsError(
            f"TLS cannot be served with {at.tls_certificate} and {at.tls_key}: {error.strerror or error};"
            " listen.tls_certificate and listen.tls_key must name a PEM chain and its unencrypted PEM key"
        ) from None
    return Path(at.tls_certificate), Path(at.tls_key)


def _dev_keys(at: Foundation) -> DevKeys:
    """The dev account with its keys, made on the first start."""
    with at.store.write() as records:
        maker = AccountMaker(records=records, now=at.clock.now(), entropy=at.entropy, secrets=at.ring)
        account = records.accounts.get_by_name(DEV_ACCOUNT)
        if account is None:
            account, root = maker.account(DEV_ACCOUNT)
        else:
            root = maker.first_key(account.id, owner_id=account.id)
        user = records.users.get(account.id, DEV_ADMINISTRATOR)
        if user is None:
            user, administrator = maker.administrator(account.id, DEV_ADMINISTRATOR)
        else:
            administrator = maker.first_key(account.id, owner_id=user.id)
    return DevKeys(account_id=account.id, administrator=administrator, root=root)


def _as_json(endpoint: str, keys: DevKeys, folder: Path) -> dict[str, str]:
    return {
        "endpoint": endpoint,
        "account_id": keys.account_id,
        "access_key_id": keys.administrator.access_key_id,
        "secret_access_key": keys.administrator.secret_access_key,
        "root_access_key_id": keys.root.access_key_id,
        "root_secret_access_key": keys.root.secret_access_key,
        "data": str(folder),
    }


def _welcome(endpoint: str, keys: DevKeys, folder: Path, *, with_secrets: bool) -> str:
    secret = keys.administrator.secret_access_key if with_secrets else "(shown on a terminal, or with --json)"
    return f"""\
tabard {__version__}  development mode: data in {folder}; it listens on this computer only

  STS and IAM   {endpoint}
  account       {keys.account_id}
  user `admin`  has AdministratorAccess

  Next, in another terminal:

    export AWS_ENDPOINT_URL={endpoint} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
    export AWS_ACCESS_KEY_ID={keys.administrator.access_key_id}
    export AWS_SECRET_ACCESS_KEY={secret}
    aws sts get-caller-identity

  Then take a role: the README has the five-minute tour.     Stop: Ctrl-C
"""


def _url(settings: Settings, port: int) -> str:
    scheme = "http" if settings.listen.tls_certificate is None else "https"
    host = settings.listen.host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

"""The configuration file: typed and complete. An unknown key is refused, with the keys that are known.

`docs/reference/settings.md` lists every setting; a house test keeps the two together.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from tabard.policy.lint.findings import Level

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Workers = Annotated[int, msgspec.Meta(ge=1, le=256)]


class SettingsError(Exception):
    """A setting is wrong. The text is one line for the operator: what, where, and what to do."""


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the server listens, and with how many processes."""

    host: str = "127.0.0.1"
    port: Port = 8780
    workers: Workers = 1
    tls_certificate: str | None = None
    tls_key: str | None = None


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where accounts are kept: `sqlite:///path` or `postgresql://…`."""

    url: str


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the master key is. The environment variable `TABARD_MASTER_KEY` wins over the file."""

    master_key_file: str | None = None


class AuditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The audit file. With `fsync` each record is on the medium before its call is answered."""

    file: str
    fsync: bool = False


class API(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The AWS API. `regions` lists the regions that clients may sign for; empty means any."""

    regions: tuple[str, ...] = ()


class Denials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the reasons of denials are kept, and those of how many denials of one account."""

    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30
    maximum: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 20_000


class LintSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How grave what a policy may be warned of is: rule → `error`, `warning`, `hint` or `off`, where not as usual."""

    levels: dict[str, Level] = {}


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of `tabard serve`."""

    store: StoreSettings
    audit: AuditSettings
    listen: Listen = Listen()
    keys: Keys = Keys()
    api: API = API()
    denials: Denials = Denials()
    lint: LintSettings = LintSettings()


_TABLES: Final = msgspec.structs.fields(Settings)


def load_settings(path: Path) -> Settings:
    """Read a TOML file. Relative paths in it are relative to the file.

    Raises:
        SettingsError: the file is not there, is not TOML, or holds a wrong or unknown setting.
    """
    try:
        with path.open("rb") as file:
            raw = tomllib.load(file)
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist; docs/reference/settings.md has an example") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    _refuse_unknown(raw, path)
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        at = f"{where.rstrip('`')}: " if where else ""
        raise SettingsError(f"{path}: {at}{what}; docs/reference/settings.md has them all") from None
    require_rules(settings.lint.levels, f"{path}: lint.levels")
    if (settings.listen.tls_certificate is None) != (settings.listen.tls_key is None):
        raise SettingsError(f"{path}: listen.tls_certificate and listen.tls_key go together; give both or neither")
    return _absolute(settings, path.parent.absolute())


def require_rules(codes: Iterable[str], where: str) -> None:
    """Every code is one of a lint rule.

    Raises:
        SettingsError: one is not; `where` says who asked.
    """
    from tabard.policy.lint.rules import RULES  # start-up time: most commands need no rules

    unknown = [code for code in codes if code not in RULES]
    if unknown:
        raise SettingsError(f"{where}: there is no rule `{unknown[0]}`; known are {', '.join(RULES)}")


def default_data() -> Path:
    """Where `tabard dev` keeps its data (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "tabard" / "dev"


DEV_LEVELS: Final = {"trust.everyone": Level.WARNING, "trust.oidc.open": Level.WARNING}
"""AWS saves these two, and where nothing is at stake people want to see what they do; `tabard serve` refuses them."""


def dev_settings(data: Path, *, port: int) -> Settings:
    """What `tabard dev` runs with: everything in one folder, on this computer only."""
    return Settings(
        store=StoreSettings(url=f"sqlite:///{data / 'tabard.db'}"),
        audit=AuditSettings(file=str(data / "audit.jsonl")),
        listen=Listen(port=port),
        keys=Keys(master_key_file=str(data / "master.key")),
        lint=LintSettings(levels=DEV_LEVELS),
    )


def _refuse_unknown(raw: Mapping[str, object], path: Path) -> None:
    """Name a setting that there is none of, and those that there are beside it."""
    known = {field.name: [each.name for each in msgspec.structs.fields(field.type)] for field in _TABLES}
    for name, table in raw.items():
        if name not in known:
            raise SettingsError(f"{path}: there is no table [{name}]; known are {', '.join(known)}")
        for setting in table if isinstance(table, Mapping) else ():
            if setting not in known[name]:
                raise SettingsError(
                    f"{path}: there is no setting `{name}.{setting}`; known are {', '.join(known[name])}"
                )


def _absolute(settings: Settings, folder: Path) -> Settings:
    def path(text: str | None) -> str | None:
        return None if text is None else str(folder / text)

    url = settings.store.url
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        url = f"sqlite:///{folder / url.removeprefix('sqlite:///')}"
    return msgspec.structs.replace(
        settings,
        store=StoreSettings(url=url),
        audit=msgspec.structs.replace(settings.audit, file=str(folder / settings.audit.file)),
        keys=Keys(master_key_file=path(settings.keys.master_key_file)),
        listen=msgspec.structs.replace(
            settings.listen,
            tls_certificate=path(settings.listen.tls_certificate),
            tls_key=path(settings.listen.tls_key),
        ),
    )

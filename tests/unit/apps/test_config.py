"""Settings: what a file means, where its paths lead, and what is refused."""

from pathlib import Path

import pytest

from tabard.apps.config import (
    API,
    AuditSettings,
    Denials,
    Keys,
    Listen,
    Settings,
    SettingsError,
    StoreSettings,
    default_data,
    dev_settings,
    load_settings,
)

LEAST = '[store]\nurl = "sqlite:///tabard.db"\n[audit]\nfile = "audit.jsonl"\n'
EVERYTHING = """
[listen]
host = "::1"
port = 443
workers = 4
tls_certificate = "tls/chain.pem"
tls_key = "/etc/tabard/key.pem"

[store]
url = "postgresql://tabard@db.example.test/tabard"

[keys]
master_key_file = "master.key"

[audit]
file = "logs/audit.jsonl"
fsync = true

[api]
regions = ["eu-central-1", "us-east-1"]

[denials]
days = 7
maximum = 100
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "tabard.toml"
    path.write_text(text)
    return path


def test_two_settings_are_enough(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, LEAST)) == Settings(
        store=StoreSettings(url=f"sqlite:///{tmp_path}/tabard.db"),
        audit=AuditSettings(file=f"{tmp_path}/audit.jsonl", fsync=False),
        listen=Listen(host="127.0.0.1", port=8780, workers=1, tls_certificate=None, tls_key=None),
        keys=Keys(master_key_file=None),
        api=API(regions=()),
        denials=Denials(days=30, maximum=20_000),
    )


def test_every_setting_is_read_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, EVERYTHING)) == Settings(
        store=StoreSettings(url="postgresql://tabard@db.example.test/tabard"),
        audit=AuditSettings(file=f"{tmp_path}/logs/audit.jsonl", fsync=True),
        listen=Listen(
            host="::1",
            port=443,
            workers=4,
            tls_certificate=f"{tmp_path}/tls/chain.pem",
            tls_key="/etc/tabard/key.pem",
        ),
        keys=Keys(master_key_file=f"{tmp_path}/master.key"),
        api=API(regions=("eu-central-1", "us-east-1")),
        denials=Denials(days=7, maximum=100),
    )


def test_a_file_that_is_named_relatively_leads_to_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, LEAST)
    monkeypatch.chdir(tmp_path)

    settings = load_settings(Path("tabard.toml"))

    assert settings.store.url == f"sqlite:///{tmp_path}/tabard.db"
    assert settings.audit.file == f"{tmp_path}/audit.jsonl"


def test_an_absolute_store_stays_where_it_is(tmp_path: Path) -> None:
    text = LEAST.replace("sqlite:///tabard.db", "sqlite:////var/lib/tabard/tabard.db")

    assert load_settings(write(tmp_path, text)).store.url == "sqlite:////var/lib/tabard/tabard.db"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Object missing required field `store`"),
        ('[store]\nurl = "x"\n', "Object missing required field `audit`"),
        ("[store]\n[audit]\n", "store: Object missing required field `url`"),
        ("store = 1\n[audit]\n", "store: Expected `object`, got `int`"),
        (LEAST + "extra = 1\n", "there is no setting `audit.extra`; known are file, fsync"),
        (LEAST + "[extra]\n", "there is no table [extra]; known are store, audit, listen, keys, api, denials"),
        ("extra = 1\n" + LEAST, "there is no table [extra]"),
        (LEAST + "[listen]\nport = -1\n", "listen.port: Expected `int` >= 0"),
        (LEAST + "[listen]\nport = true\n", "listen.port: Expected `int`, got `bool`"),
        (LEAST + "[listen]\nport = 8780.5\n", "listen.port: Expected `int`, got `float`"),
        (LEAST + "[listen]\nworkers = 257\n", "listen.workers: Expected `int` <= 256"),
        (LEAST + "[listen]\nhost = 1\n", "listen.host: Expected `str`, got `int`"),
        (LEAST + "fsync = 1\n", "audit.fsync: Expected `bool`, got `int`"),
        (LEAST + "[api]\nregions = [1]\n", "api.regions[0]: Expected `str`, got `int`"),
        (LEAST + '[listen]\ntls_key = "k"\n', "listen.tls_certificate and listen.tls_key go together"),
        ("[store", "is not TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(SettingsError) as refused:
        load_settings(path)

    assert str(refused.value).startswith(str(path))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_dev_keeps_everything_in_one_folder_and_listens_on_this_computer_only(tmp_path: Path) -> None:
    settings = dev_settings(tmp_path, port=0)

    assert settings.listen == Listen(host="127.0.0.1", port=0, workers=1)
    assert settings.store.url == f"sqlite:///{tmp_path}/tabard.db"
    assert settings.audit.file == f"{tmp_path}/audit.jsonl"
    assert settings.keys.master_key_file == f"{tmp_path}/master.key"


def test_the_default_folder_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_data() == tmp_path / ".local" / "share" / "tabard" / "dev"
    monkeypatch.setenv("XDG_DATA_HOME", "")
    assert default_data() == tmp_path / ".local" / "share" / "tabard" / "dev"
    monkeypatch.setenv("XDG_DATA_HOME", "/elsewhere")
    assert default_data() == Path("/elsewhere/tabard/dev")

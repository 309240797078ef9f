"""The command in this process: what it says when something is wrong is one line that says what to do."""

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tabard import __version__
from tabard.apps.cli.main import cli
from tabard.apps.config import load_settings
from tabard.apps.wiring import Foundation
from tabard.directory.entities import Account

SETTINGS = {
    "store": {"url": "sqlite:///tabard.db"},
    "audit": {"file": "audit.jsonl"},
    "keys": {"master_key_file": "master.key"},
    "listen": {"port": 0},
}
Change = Callable[[Path, dict[str, dict[str, object]]], None]


@pytest.fixture(autouse=True)
def _no_master_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABARD_MASTER_KEY", raising=False)


def tabard(*words: str | Path, **how: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], **how)


def write(folder: Path, settings: dict[str, dict[str, object]]) -> Path:
    """The configuration file with these settings."""
    lines = [
        f"[{table}]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        for table, values in settings.items()
    ]
    (folder / "tabard.toml").write_text("\n".join(lines))
    return folder / "tabard.toml"


def config(folder: Path, **changes: dict[str, object] | None) -> Path:
    """A configuration that is in order but for the changes; None leaves a table out."""
    merged = {table: {**SETTINGS.get(table, {}), **(values or {})} for table, values in {**SETTINGS, **changes}.items()}
    return write(folder, {table: values for table, values in merged.items() if changes.get(table, values) is not None})


def refused(result: Result, *texts: str | Path) -> None:
    """Exit code 1, nothing on stdout, and one line on stderr that holds the texts."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("tabard: ")
    assert result.stderr.count("\n") == 1
    for text in texts:
        assert str(text) in result.stderr


def made(folder: Path) -> Path:
    """A configuration with a store behind it."""
    path = config(folder)
    from tabard.apps.config import load_settings
    from tabard.apps.wiring import Foundation

    with Foundation.open(load_settings(path), create=True):
        pass
    return path


def test_the_version_is_one_line_for_people_and_one_object_for_programs() -> None:
    assert tabard("version").stdout == f"tabard {__version__}\n"
    assert json.loads(tabard("version", "--json").stdout) == {"version": __version__}


@pytest.mark.parametrize(
    "words", [["--help"], ["dev", "-h"], ["serve", "--help"], ["account", "--help"], ["keys", "retire", "--help"]]
)
def test_every_command_explains_itself(words: list[str]) -> None:
    result = tabard(*words)

    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    "words", [["serv"], ["serve"], ["dev", "--port", "65536"], ["keys", "retire"], ["keys", "retire", "one"], ["account", "make"]]
)  # fmt: skip
def test_a_misspelt_command_ends_with_two(words: list[str]) -> None:
    assert tabard(*words).exit_code == 2


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_configuration_file_that_is_not_there(tmp_path: Path) -> None:
    refused(tabard("serve", "--config", tmp_path / "none.toml"), "does not exist", "docs/reference/settings.md")


def test_a_configuration_file_that_is_a_folder(tmp_path: Path) -> None:
    refused(tabard("serve", "--config", tmp_path), "cannot be read: Is a directory")


@pytest.mark.parametrize("text", [b"store", b"\xff", b"[store]\n[store]\n", b"a = [" * 5_000])
def test_a_configuration_file_that_is_no_toml(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "tabard.toml").write_bytes(text)

    refused(tabard("serve", "--config", tmp_path / "tabard.toml"), "is not TOML")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"store": None}, "Object missing required field `store`"),
        ({"audit": None}, "Object missing required field `audit`"),
        ({"liste": {"port": 1}}, "there is no table [liste]; known are store, audit, listen, keys, api"),
        ({"listen": {"porty": 1}}, "there is no setting `listen.porty`; known are host, port, workers, tls_certificate"),
        ({"listen": {"port": "x"}}, "listen.port: Expected `int`, got `str`"),
        ({"listen": {"port": 65536}}, "listen.port: Expected `int` <= 65535"),
        ({"listen": {"workers": 0}}, "listen.workers: Expected `int` >= 1"),
        ({"api": {"regions": "eu-central-1"}}, "api.regions: Expected `array`, got `str`"),
        ({"store": {"url": "mysql://x"}}, "store.url must begin with sqlite:/// or postgresql://"),
        ({"listen": {"tls_key": "key.pem"}}, "go together; give both or neither"),
        ({"listen": {"tls_certificate": "chain.pem"}}, "go together; give both or neither"),
        ({"listen": {"tls_key": "k.pem", "tls_certificate": "c.pem"}}, "No such file or directory; listen.tls_certificate"),
        ({"listen": {"host": "203.0.113.9"}}, "cannot listen on 203.0.113.9 port 0"),
        ({"keys": None}, "there is no master key; set TABARD_MASTER_KEY, or keys.master_key_file"),
        ({"audit": {"file": "/"}}, "the audit file / cannot be opened: Is a directory; make it writable"),
        ({"audit": {"file": "/proc/none/audit.jsonl"}}, "cannot be opened"),
        ({"store": {"url": "sqlite:////proc/none/tabard.db"}}, "the store cannot be used: /proc/none/tabard.db"),
        ({"keys": {"master_key_file": "/proc/none/master.key"}}, "the master key file /proc/none/master.key cannot be used"),
        ({"store": {"url": "postgresql://nobody@127.0.0.1:1/none"}}, "the store cannot be used: "),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line(tmp_path: Path, changes: dict[str, dict[str, object]], text: str) -> None:
    refused(tabard("serve", "--config", config(tmp_path, **changes)), text)


def test_the_password_in_a_stores_url_is_not_repeated(tmp_path: Path) -> None:
    path = config(tmp_path, store={"url": "postgresql://tabard:a-secret-word@127.0.0.1:1/tabard"})

    result = tabard("serve", "--config", path)

    refused(result, "the store cannot be used")
    assert "a-secret-word" not in result.stderr


def test_tls_files_that_hold_something_else(tmp_path: Path) -> None:
    for name in ("key.pem", "chain.pem"):
        (tmp_path / name).write_text("this is not it")
    path = config(tmp_path, listen={"tls_key": "key.pem", "tls_certificate": "chain.pem"})

    refused(tabard("serve", "--config", path), "TLS cannot be served with", "listen.tls_certificate and listen.tls_key")


# ── the store and its master key ─────────────────────────────────────────────────────────────────────


def test_no_store_where_a_command_looks_for_one(tmp_path: Path) -> None:
    refused(tabard("account", "list", "--data", tmp_path), "holds no store; start `tabard dev` once")
    refused(tabard("account", "list", "--config", config(tmp_path)), "the store cannot be used", "no such file")
    refused(tabard("keys", "list", "--data", tmp_path, "--config", tmp_path / "a"), "exclude one another; give one")
    assert not (tmp_path / "tabard.db").exists(), "a look makes nothing"


def test_a_data_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refused(tabard("dev", "--data", tmp_path / "file"), "the store cannot be used", "store.url, or --data")
    refused(tabard("dev", "--data", "/proc/none"), "the store cannot be used")


def test_another_master_key(tmp_path: Path) -> None:
    path = made(tmp_path)
    other = {"TABARD_MASTER_KEY": "A" * 43 + "="}

    refused(tabard("serve", "--config", path, env=other), "the master key does not open", "start with the key it was")
    refused(tabard("serve", "--config", path, env={"TABARD_MASTER_KEY": "short"}), "32 bytes in base64")


def test_a_master_key_that_others_may_read(tmp_path: Path) -> None:
    path = made(tmp_path)
    (tmp_path / "master.key").chmod(0o644)

    refused(tabard("serve", "--config", path), "can be read by others (mode 0644); run `chmod 600")


def test_a_store_of_a_newer_version(tmp_path: Path) -> None:
    path = made(tmp_path)
    with sqlite3.connect(tmp_path / "tabard.db") as database:
        database.execute("UPDATE tabard_schema SET version_num = '9999'")
    database.close()

    refused(tabard("serve", "--config", path), "written by a newer version of Tabard; upgrade this one")
    refused(tabard("account", "list", "--config", path), "written by a newer version of Tabard; upgrade this one")


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "tabard.db").write_bytes(os.urandom(8192))

    refused(tabard("serve", "--config", config(tmp_path)), "file is not a database")


def test_a_database_of_something_else(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "tabard.db") as database:
        database.execute("CREATE TABLE theirs (id INTEGER)")
    database.close()

    refused(tabard("serve", "--config", config(tmp_path)), "holds tables that are not Tabard's")


# ── accounts ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_account_is_made_once_and_listed_without_its_secret(tmp_path: Path) -> None:
    path = made(tmp_path)

    new = json.loads(tabard("account", "create", "team", "--id", "111122223333", "--json", "--config", path).stdout)

    assert set(new) == {"account_id", "name", "root_access_key_id", "root_secret_access_key"}
    assert (new["account_id"], new["name"]) == ("111122223333", "team")
    assert len(new["root_secret_access_key"]) == 40
    assert json.loads(tabard("account", "list", "--json", "--config", path).stdout) == [
        {"account_id": "111122223333", "name": "team"}
    ]
    listed = tabard("account", "list", "--config", path).stdout
    assert listed == "111122223333  team\n"


def test_every_account_is_listed_however_many_there_are(tmp_path: Path) -> None:
    path = made(tmp_path)
    with Foundation.open(load_settings(path)) as at, at.store.write() as records:
        for number in range(1, 1002):
            records.accounts.put(Account(id=f"{number:012}", name=f"team-{number}", created=at.clock.now()))

    assert len(json.loads(tabard("account", "list", "--json", "--config", path).stdout)) == 1001


def test_what_an_account_cannot_be(tmp_path: Path) -> None:
    path = made(tmp_path)
    create = ("account", "create", "--json", "--config", path)
    assert tabard(*create, "team", "--id", "111122223333").exit_code == 0

    refused(tabard(*create, "team"), "there is an account `team` already; `tabard account list` shows all")
    refused(tabard(*create, "other", "--id", "111122223333"), "account 111122223333 exists already")
    for bad in ("1", "1111222233334", "11112222333a", "١١١١٢٢٢٢٣٣٣٣"):
        refused(tabard(*create, "other", "--id", bad), "is not an account id; give twelve digits")
    for bad in ("", " ", "a\nb", "x" * 65):
        refused(tabard(*create, bad), "an account's name has 1 to 64 printable characters")
    assert tabard("account", "list", "--config", path).stdout == "111122223333  team\n"


def test_a_root_secret_is_not_written_where_nobody_reads_it(tmp_path: Path) -> None:
    path = made(tmp_path)

    refused(tabard("account", "create", "team", "--config", path), "only on a terminal; add --json")
    assert tabard("account", "list", "--config", path).stdout == ""


# ── sealing keys ─────────────────────────────────────────────────────────────────────────────────────


def test_sealing_keys_are_listed_rotated_and_retired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabard.adapters.keyring.pause", lambda _: None)  # nobody else is here to be waited for
    path = made(tmp_path)

    def listed() -> list[tuple[int, str, bool]]:
        keys = json.loads(tabard("keys", "list", "--json", "--config", path).stdout)
        return [(key["id"], key["purpose"], key["active"]) for key in keys]

    assert listed() == [(1, "session-token", True), (2, "record-secret", True)]
    refused(tabard("keys", "retire", "1", "--yes", "--config", path), "is the active one; run `tabard keys rotate")
    rotated = tabard("keys", "rotate", "--config", path)
    assert (rotated.exit_code, rotated.stdout) == (0, "")
    assert "Key 3 seals from now on" in rotated.stderr
    assert listed() == [(1, "session-token", False), (2, "record-secret", True), (3, "session-token", True)]

    asked = tabard("keys", "retire", "1", "--config", path, input="n\n")
    assert asked.exit_code == 1
    assert "Key 1: session tokens that it sealed are refused from now on. Go on?" in asked.stderr
    done = tabard("keys", "retire", "1", "--config", path, input="y\n")
    assert done.exit_code == 0
    assert done.stderr.endswith("Key 1 is gone: session tokens that it sealed are refused from now on.\n")

    assert listed() == [(2, "record-secret", True), (3, "session-token", True)]
    assert "only opens" not in tabard("keys", "list", "--config", path).stdout
    refused(tabard("keys", "retire", "1", "--yes", "--config", path), "there is no sealing key 1")
    refused(tabard("keys", "rotate", "--purpose", "x", "--config", path), "known are session-token, record-secret")

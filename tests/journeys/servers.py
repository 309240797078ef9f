"""`tabard serve` in processes of its own, for tests that need more than `tabard dev` gives."""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.conftest import TABARD, House, Keys, end

PATIENCE = 20.0


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running `tabard serve`. Its `house` has the account's root key, also as the administrator's."""

    endpoint: str
    process: subprocess.Popen[str]
    config: Path
    house: House


def poll(holds: Callable[[], object], what: str, *, seconds: float = PATIENCE) -> float:
    """Wait until it holds; how many seconds that took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, f"waited {seconds} seconds for {what}"
        time.sleep(0.01)
    return time.monotonic() - begun


def write_settings(folder: Path, *, store: str, listen: dict[str, object], name: str) -> Path:
    """A configuration file; a JSON value is TOML too."""
    tables = {
        "store": {"url": store},
        "audit": {"file": "audit.jsonl"},
        "keys": {"master_key_file": "master.key"},
        "listen": {"port": 0, **listen},
    }
    text = "".join(
        f"[{table}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for table, values in tables.items()
    )
    (folder / name).write_text(text)
    return folder / name


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    store: str = "sqlite:///tabard.db",
    listen: dict[str, object] | None = None,
    name: str = "tabard.toml",
) -> Iterator[Server]:
    """Start `tabard serve` in this folder, with an account in its store, and end it afterwards."""
    config = write_settings(folder, store=store, listen=listen or {}, name=name)
    process = subprocess.Popen(
        [*TABARD, "serve", "--config", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.fullmatch(r"tabard \S+ listens on (\S+)\n", line)
        assert found, line + process.stderr.read()
        account, root = _account(folder, config)
        house = House(endpoint=found[1], account=account, admin=root, root=root, data=folder, pid=process.pid)
        yield Server(endpoint=found[1], process=process, config=config, house=house)
    finally:
        end(process)


def _account(folder: Path, config: Path) -> tuple[str, Keys]:
    """The folder's account, made by the command the first time and remembered beside the store."""
    remembered = folder / "account.json"
    if not remembered.exists():
        command = [*TABARD, "account", "create", "main", "--json", "--config", str(config)]
        remembered.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    said = json.loads(remembered.read_text())
    return said["account_id"], Keys(
        access_key_id=said["root_access_key_id"], secret_access_key=said["root_secret_access_key"]
    )

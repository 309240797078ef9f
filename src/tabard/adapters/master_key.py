"""The master key, which wraps every other key: from the environment, or from a file that only its owner may read.

Who has the store without this key has no secret of it; who loses the key has lost the store. It is 32 bytes, written
as base64. The file is made on the first start, whole or not at all, so that two processes that start at once agree.
"""

import base64
import binascii
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "TABARD_MASTER_KEY"
SIZE: Final = 32
_FILE_LIMIT: Final = 1024


class MasterKeyError(Exception):
    """There is no usable master key; the text is one line and says what to do."""


def load_master_key(environ: Mapping[str, str], path: Path, *, entropy: Callable[[int], bytes]) -> bytes:
    """The key from `TABARD_MASTER_KEY` if that is set, else from `path`, which is made if it is not there.

    Raises:
        MasterKeyError: the text is no key, or the file is not its owner's alone.
    """
    text = environ.get(VARIABLE)
    if text is not None:
        return _parse(text, VARIABLE)
    try:
        if not path.is_symlink() and not path.exists():
            _create(path, entropy(SIZE))
        return _parse(_read(path), str(path))
    except OSError as error:
        raise MasterKeyError(
            f"the master key file {path} cannot be used ({error.strerror}); fix that, or set {VARIABLE}"
        ) from error


def _parse(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != SIZE:
        raise MasterKeyError(
            f"{source} does not hold a master key: it must be {SIZE} bytes in base64, as `openssl rand -base64 {SIZE}` "
            "makes them"
        )
    return key


def _read(path: Path) -> str:
    # The checks are made on the opened file, so that nobody can exchange it in between.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise MasterKeyError(f"the master key file {path} is not a regular file; put the key into one")
        if found.st_uid != os.geteuid():
            raise MasterKeyError(
                f"the master key file {path} belongs to user id {found.st_uid}; run `chown {os.geteuid()} {path}`"
            )
        if found.st_mode & 0o077:
            raise MasterKeyError(
                f"the master key file {path} can be read by others (mode {stat.S_IMODE(found.st_mode):04o}); "
                f"run `chmod 600 {path}`"
            )
        return file.read(_FILE_LIMIT).decode("latin-1")


def _create(path: Path, key: bytes) -> None:
    """Write beside, then link into place: whoever comes second finds the first one's file, complete."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            return
        _sync_directory(path.parent)
    finally:
        beside.unlink()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

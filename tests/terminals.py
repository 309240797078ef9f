"""Terminals, for commands that speak otherwise on one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO

import pytest


@contextmanager
def terminal() -> Iterator[tuple[FileIO, FileIO]]:
    """The two ends of a new terminal, the test's and the command's; both are closed at the end.

    A test skips where the machine has none to give: a bare chroot has no devpts.
    """
    try:
        ours, theirs = os.openpty()
    except OSError as error:
        pytest.skip(f"there is no terminal to be had here: {error}")
    with FileIO(ours, "r+") as our_end, FileIO(theirs, "r+") as their_end:
        yield our_end, their_end

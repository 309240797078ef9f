"""A fuse: what fails a test whose work has run away.

It measures nothing; speed is `make bench`'s, where two things are compared in one run. An attack that a fuse guards
against (backtracking, quadratic reading) gets an input so large that it would take minutes, and what is right takes a
fraction of a second. Between the two lies the fuse, far from both, so that a noisy machine blows none.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

FUSE = 10.0
"""Seconds of this process's processor time."""


@contextmanager
def fuse(seconds: float = FUSE) -> Iterator[None]:
    """The block costs less than `seconds` of processor time."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < seconds

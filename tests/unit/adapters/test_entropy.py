import os
import warnings
from threading import Thread

import pytest

from tabard.adapters.entropy import PooledEntropy


@pytest.mark.parametrize("size", [0, 1, 12, 30, 4095, 4096, 4097, 100_000])
def test_as_many_bytes_as_asked_for(size):
    entropy = PooledEntropy()
    assert len(entropy(size)) == size
    assert len(entropy(size)) == size


def test_no_bytes_are_given_out_twice_not_even_to_threads():
    entropy, given = PooledEntropy(), []

    def take() -> None:
        given.extend([entropy(12) for _ in range(2000)])

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(given)) == 8000


def test_k05_a_forked_child_gets_other_bytes_than_its_parent():
    entropy = PooledEntropy()
    entropy(12)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads that other tests left
        child = os.fork()
    if child == 0:
        os.write(writing, entropy(64))
        os._exit(0)
    theirs, ours = os.read(reading, 64), entropy(64)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    assert len(theirs) == 64
    assert theirs != ours


def test_what_was_given_out_is_not_kept():
    entropy = PooledEntropy()
    given = entropy(32)
    assert given not in bytes(entropy._pool)

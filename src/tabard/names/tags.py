"""Tags: a key and a value. Keys compare without regard to case and are kept as they were sent.

(IAM User Guide, "Tagging IAM resources" and "Passing session tags in AWS STS".)
"""

from collections.abc import Iterable, Mapping
from typing import Final

MAXIMUM: Final = 50
"""Tags per identity, and per session."""
RESERVED_PREFIX: Final = "aws:"


def fold(key: str) -> str:
    """The form in which tag keys and condition keys are compared: ASCII letters lower-cased, nothing else touched.

    `str.lower` would fold letters such as the Kelvin sign into ASCII ones, and two keys that AWS keeps
    apart would become one.
    """
    return key.lower() if key.isascii() else "".join(c.lower() if c.isascii() else c for c in key)


def is_reserved(key: str) -> bool:
    """Keys that begin with `aws:` in any case belong to AWS."""
    return fold(key[:4]) == RESERVED_PREFIX


def duplicate_key(keys: Iterable[str]) -> str | None:
    """The first key that appears twice without regard to case, or None."""
    seen: set[str] = set()
    for key in keys:
        folded = fold(key)
        if folded in seen:
            return key
        seen.add(folded)
    return None


def merge(lower: Mapping[str, str], upper: Mapping[str, str]) -> dict[str, str]:
    """Both sets of tags; where keys agree without regard to case, `upper` wins with its own spelling."""
    taken = {fold(key) for key in upper}
    return {**{key: value for key, value in lower.items() if fold(key) not in taken}, **upper}

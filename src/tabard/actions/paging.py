"""Pages of a list: `Marker`, `MaxItems`, `IsTruncated`.

A marker says after which name the next page starts, and for which operation it was given out. It is not
secret and proves nothing: it only moves the caller inside its own list.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from tabard.faults import ConstraintViolated

T = TypeVar("T")

DEFAULT_MAX_ITEMS: Final = 100
"""IAM's default page size (IAM API Reference, `MaxItems`)."""
_SEPARATOR: Final = "\0"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page. `marker` is None on the last one."""

    items: tuple[T, ...]
    marker: str | None

    @property
    def is_truncated(self) -> bool:
        return self.marker is not None


def page(
    operation: str,
    fetch: Callable[[str, int], Sequence[T]],
    *,
    marker: str | None,
    max_items: int | None,
    key: Callable[[T], str],
) -> Page[T]:
    """One page of `fetch(after, limit)`; `key` names the item after which the next page starts.

    Raises:
        ConstraintViolated: `Invalid Marker.`
    """
    limit = max_items or DEFAULT_MAX_ITEMS
    items = fetch(_read(operation, marker) if marker is not None else "", limit + 1)
    if len(items) <= limit:
        return Page(tuple(items), None)
    kept = tuple(items[:limit])
    return Page(kept, _write(operation, key(kept[-1])))


def page_of(
    operation: str, items: Sequence[T], *, marker: str | None, max_items: int | None, key: Callable[[T], str]
) -> Page[T]:
    """One page of a list that is at hand and sorted by `key`."""
    return page(
        operation,
        lambda after, limit: [item for item in items if key(item) > after][:limit],
        marker=marker,
        max_items=max_items,
        key=key,
    )


def walk(fetch: Callable[[str], Sequence[T]], *, key: Callable[[T], str], after: str = "") -> Iterator[T]:
    """Everything that `fetch(after)` gives batch by batch, for lists that are filtered or counted."""
    while batch := fetch(after):
        yield from batch
        after = key(batch[-1])


def _write(operation: str, after: str) -> str:
    return base64.urlsafe_b64encode(f"{operation}{_SEPARATOR}{after}".encode()).decode()


def _read(operation: str, marker: str) -> str:
    try:
        text = base64.b64decode(marker.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    owner, separator, after = text.partition(_SEPARATOR)
    if not separator or owner != operation or _write(operation, after) != marker:
        raise ConstraintViolated("Invalid Marker.", reason="marker")
    return after

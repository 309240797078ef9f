"""A request and an answer, as the front doors pass them on: bytes and facts, nothing interpreted.

Structs, because they are made with every request: a frozen dataclass costs six times as much to make.
"""

from collections.abc import Mapping

import msgspec


class HTTPRequest(msgspec.Struct, frozen=True):
    """One request, whole and bounded.

    `raw_path` and `raw_query` are the request target's own bytes, never normalised or decoded; `raw_query`
    is without its `?`. `headers` are in the order sent, names lower-cased, values stripped of outer white
    space; trailers are not among them. `peer` is the address of the socket, never of a forwarding header.
    """

    method: str
    raw_path: bytes
    raw_query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    peer: str = ""
    secure: bool = False


class HTTPResponse(msgspec.Struct, frozen=True):
    """One answer. `Content-Length`, `Date` and `Connection` are the server's to add."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)

"""The texts that a signature travels with, read from the header or the query and not yet believed."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """As sent; every one but `session_token` is there and not empty.

    `date` is `X-Amz-Date`, or the `Date` header where there is no such.
    """

    credential: str
    signed_headers: str
    signature: str
    date: str
    session_token: str | None = field(repr=False)
    presigned: bool

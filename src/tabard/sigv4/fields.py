"""The texts that a signature travels with, read from the header or the query and not yet believed."""

import msgspec


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """As sent; every one but `session_token` is there and not empty.

    `date` is `X-Amz-Date`, or the `Date` header where there is no such.
    """

    credential: str
    signed_headers: str
    signature: str
    date: str
    session_token: str | None
    presigned: bool

    def __repr__(self) -> str:
        return f"Fields({self.credential})"  # the token is a secret

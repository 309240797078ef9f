"""The access key of a new session: an `ASIA…` id that carries the account, and a secret of its own."""

from collections.abc import Callable

from tabard.names.ids import (
    ACCESS_KEY_ENTROPY,
    SECRET_ENTROPY,
    TEMPORARY_KEY,
    access_key_id,
    secret_access_key,
)


def new_credentials(account: str, *, entropy: Callable[[int], bytes]) -> tuple[str, str]:
    """Access key id and secret access key."""
    random = entropy(ACCESS_KEY_ENTROPY + SECRET_ENTROPY)
    key_id = access_key_id(TEMPORARY_KEY, account, entropy=random[:ACCESS_KEY_ENTROPY])
    return key_id, secret_access_key(entropy=random[ACCESS_KEY_ENTROPY:])

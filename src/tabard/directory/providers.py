"""What the record of an identity provider may look like.

An OpenID Connect provider's URL is where its issuer claims to be (IAM API Reference, CreateOpenIDConnectProvider): it
becomes part of an ARN and of condition keys, so it is compared character by character, and nothing that means
something else in a policy (`*`, `?`, `$`, a brace) may stand in it. A SAML provider's private key opens assertions that
were encrypted for it: an RSA key in PEM, without a passphrase.
"""

import re
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tabard.faults import ConstraintViolated, InvalidInput

MAXIMUM_URL: Final = 255
MINIMUM_KEY_SIZE: Final = 1024
MAXIMUM_KEY_SIZE: Final = 4096
"""Bits. Checking a key costs time with the fourth power of its size."""
_URL: Final = re.compile(
    r"https://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?)(?P<path>(?:/[A-Za-z0-9._~!&+,;=:@%-]*)*)",
    re.ASCII,
)


def provider_url(text: str) -> str:
    """The URL without its scheme, and with its host in lower case: what the provider's ARN ends in.

    Raises:
        ConstraintViolated: no https, a query, a fragment, credentials, or no URL at all.
    """
    read = _URL.fullmatch(text)
    if read is None or len(text) > MAXIMUM_URL or ".." in read["host"]:
        raise ConstraintViolated("Invalid Open ID Connect Provider URL", reason="oidc.url")
    return read["host"].lower() + read["path"]


def require_private_key(pem: str) -> None:
    """The text is one RSA key that can open what was encrypted for it.

    Raises:
        InvalidInput: it is not.
    """
    try:
        # The size first: an enormous key is refused before anything is computed with it.
        key = load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey) or not MINIMUM_KEY_SIZE <= key.key_size <= MAXIMUM_KEY_SIZE:
            raise _unusable("saml-key.kind")
        load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable("saml-key.malformed") from None


def _unusable(reason: str) -> InvalidInput:
    """Nothing of the key is repeated."""
    return InvalidInput("The private key is not a valid RSA key in PEM format.", reason=reason)

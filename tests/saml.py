"""Metadata of identity providers, and keys: made for a test, or as real software wrote them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

RECORDED = Path(__file__).parent / "vectors" / "saml"
FROM = datetime(2026, 11, 1, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def pem(key: Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@cache
def certificate(key: Key | None = None, *, days: int = 30) -> str:
    """A certificate as metadata has it: base64 without its frame."""
    key = key or rsa_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(FROM)
        .not_valid_after(FROM + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return "".join(made.public_bytes(Encoding.PEM).decode().splitlines()[1:-1])


def key_descriptor(text: str | None = None, use: str | None = "signing") -> str:
    """One key of a provider."""
    said = f' use="{use}"' if use is not None else ""
    return (
        f"<md:KeyDescriptor{said}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>"
        f"{text if text is not None else certificate()}"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def metadata(
    *,
    entity: str = ' entityID="https://idp.example.test/saml"',
    keys: Iterable[str] | None = None,
    inside: str = "",
    after: str = "",
    protocol: str = "urn:oasis:names:tc:SAML:2.0:protocol",
    head: str = "",
) -> str:
    """A provider's metadata; `inside` its descriptor, and `after` it."""
    descriptors = "".join(keys if keys is not None else (key_descriptor(),))
    sso = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"
    return (
        f'{head}<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
        f'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"{entity}>'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{protocol}">{descriptors}'
        f'<md:SingleSignOnService Binding="{sso}Redirect" Location="https://idp.example.test/redirect"/>'
        f'<md:SingleSignOnService Binding="{sso}POST" Location="https://idp.example.test/post"/>'
        f"{inside}</md:IDPSSODescriptor>{after}</md:EntityDescriptor>"
    )

"""The metadata of a SAML identity provider: text → `Metadata`.

(OASIS SAML 2.0 Metadata, saml-metadata-2.0-os §2.3.2, §2.4.1.1, §2.4.3.) The document is one `EntityDescriptor`
with one `IDPSSODescriptor` for SAML 2.0, and at least one key that may sign. It comes from a caller who may manage
providers and is believed in nothing else: it is the largest input that there is, so every size is bounded before it
is used, and it is parsed once, with no document type, no entity, no network and no file. Its own signature is not
looked at: who may save it vouches for it.

Whether a certificate is out of date is told and not judged: providers keep signing with expired ones, and a key is
pinned by the document, not by a chain.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from tabard.faults import InvalidInput

MAXIMUM_SIZE: Final = 10_000_000
"""Characters of a document (IAM API Reference, CreateSAMLProvider), and bytes of it in UTF-8."""
MAXIMUM_ELEMENTS: Final = 20_000
"""A large provider (AD FS with all its claim types) has some hundred."""
MAXIMUM_MARKUP: Final = 4 * MAXIMUM_ELEMENTS
"""Tags, comments, processing instructions and sections together."""
MAXIMUM_DEPTH: Final = 32
MAXIMUM_ATTRIBUTES: Final = 64
"""Of one element, and namespace declarations of the whole document."""
MAXIMUM_PIECE: Final = 65_536
"""Bytes between one `<` and the next, and so of a tag with its attributes, or of a text. A certificate has 2,000."""
MAXIMUM_KEYS: Final = 10
"""Signing keys of a provider (IAM User Guide, "IAM and AWS STS quotas")."""
MINIMUM_KEY_SIZE: Final = 1024
"""Bits of an RSA key (IAM User Guide, "Create a SAML identity provider")."""
_FEED: Final = 65_536

_MD: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
_DECLARATION: Final = re.compile(r"<\?xml[^>]*?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]*)[\"']", re.ASCII)
_SPACE: Final = re.compile(r"[ \t\r\n]+", re.ASCII)
_UNREADABLE: Final = (
    binascii.Error,
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_TRUE: Final = frozenset({"true", "1"})


class MalformedMetadata(InvalidInput):
    """The document is refused. AWS has one text for all causes; `reason` tells which."""

    reason = "saml-metadata"
    default_public = "Could not parse metadata"


class KeyUse(StrEnum):
    """What a provider uses a key for; one without a `use` is for both."""

    SIGNING = "signing"
    ENCRYPTION = "encryption"
    BOTH = "both"


_USES: Final[Mapping[str | None, KeyUse]] = {
    None: KeyUse.BOTH,
    "signing": KeyUse.SIGNING,
    "encryption": KeyUse.ENCRYPTION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate of the provider. `der` is what a signature is checked with."""

    der: bytes
    use: KeyUse
    not_before: datetime
    not_after: datetime

    @property
    def may_sign(self) -> bool:
        return self.use is not KeyUse.ENCRYPTION

    def is_valid(self, *, at: datetime) -> bool:
        """Whether its dates, which nobody has to heed, say that it is in force."""
        return self.not_before <= at <= self.not_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a provider says of itself. `single_sign_on` is binding → location."""

    entity_id: str
    single_sign_on: Mapping[str, str]
    certificates: tuple[Certificate, ...]
    wants_signed_requests: bool = False
    valid_until: str | None = None

    @property
    def signing_certificates(self) -> tuple[Certificate, ...]:
        return tuple(certificate for certificate in self.certificates if certificate.may_sign)


def parse_metadata(document: str) -> Metadata:
    """The document as a value. It takes processor time in proportion to the document: not for an event loop.

    Raises:
        MalformedMetadata: see the module.
    """
    root = _tree(_checked_bytes(document))
    if root.tag != f"{_MD}EntityDescriptor":
        raise MalformedMetadata(reason="saml-metadata.root")
    entity_id = root.get("entityID", "")
    if not 1 <= len(entity_id) <= 1024:
        raise MalformedMetadata(reason="saml-metadata.entity-id")
    provider = _identity_provider(root)
    certificates = tuple(_certificates(provider))
    signing = sum(certificate.may_sign for certificate in certificates)
    if signing == 0:
        raise MalformedMetadata(reason="saml-metadata.no-signing-key")
    if signing > MAXIMUM_KEYS:
        raise MalformedMetadata(reason="saml-metadata.keys")
    return Metadata(
        entity_id=entity_id,
        single_sign_on=dict(_single_sign_on(provider)),
        certificates=certificates,
        wants_signed_requests=provider.get("WantAuthnRequestsSigned", "") in _TRUE,
        valid_until=root.get("validUntil"),
    )


# ── text → tree ──────────────────────────────────────────────────────────────────────────────────────


def _checked_bytes(document: str) -> bytes:
    """The document's bytes, where nothing in them can make the parser do more than read."""
    if len(document) > MAXIMUM_SIZE:
        raise MalformedMetadata(reason="saml-metadata.size")
    if document.startswith("\ufeff"):
        raise MalformedMetadata(reason="saml-metadata.byte-order-mark")
    # Wherever it stands, a comment included: no provider needs the word.
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise MalformedMetadata(reason="saml-metadata.document-type")
    declared = _DECLARATION.match(document)
    if declared is not None and declared[1].upper() != "UTF-8":
        raise MalformedMetadata(reason="saml-metadata.encoding")
    try:
        raw = document.encode()
    except UnicodeEncodeError:
        raise MalformedMetadata(reason="saml-metadata.encoding") from None
    if len(raw) > MAXIMUM_SIZE:
        raise MalformedMetadata(reason="saml-metadata.size")
    if raw.count(b"<") > MAXIMUM_MARKUP:
        raise MalformedMetadata(reason="saml-metadata.markup")
    # XML has no bare `<` but at the start of markup, so this bounds a tag, and with it its attributes.
    if max(map(len, raw.split(b"<"))) > MAXIMUM_PIECE:
        raise MalformedMetadata(reason="saml-metadata.piece")
    return raw


def _tree(raw: bytes) -> etree._Element:
    """The root. Sizes are counted while the parser reads on, so that it never gets far beyond them."""
    parser = etree.XMLPullParser(
        events=("start", "end", "start-ns"),
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        collect_ids=False,
        remove_comments=True,  # so that no text is cut in two by one
        remove_pis=True,
    )
    counted = _Counted()
    try:
        for start in range(0, len(raw), _FEED):
            parser.feed(raw[start : start + _FEED])
            counted.read(parser.read_events())
        root = parser.close()
        counted.read(parser.read_events())
    except etree.XMLSyntaxError:
        raise MalformedMetadata(reason="saml-metadata.xml") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedMetadata(reason="saml-metadata.document-type")
    return root


class _Counted:
    """How much of everything there was so far."""

    def __init__(self) -> None:
        self._elements = self._depth = self._namespaces = 0

    def read(self, events: Iterator[tuple[str, object]]) -> None:
        for event, found in events:
            if event == "start-ns":
                self._namespaces += 1
                _bound(self._namespaces, MAXIMUM_ATTRIBUTES, "namespaces")
            elif event == "end":
                self._depth -= 1
            elif isinstance(found, etree._Element):  # noqa: SLF001 - lxml has no public name for it
                self._elements += 1
                self._depth += 1
                _bound(self._elements, MAXIMUM_ELEMENTS, "elements")
                _bound(self._depth, MAXIMUM_DEPTH, "depth")
                _bound(len(found.attrib), MAXIMUM_ATTRIBUTES, "attributes")


def _bound(count: int, maximum: int, what: str) -> None:
    if count > maximum:
        raise MalformedMetadata(reason=f"saml-metadata.{what}")


# ── tree → value ─────────────────────────────────────────────────────────────────────────────────────


def _identity_provider(root: etree._Element) -> etree._Element:
    """The one role in which the entity vouches for people over SAML 2.0."""
    found = [
        each
        for each in root.iterchildren(f"{_MD}IDPSSODescriptor")
        if _PROTOCOL in each.get("protocolSupportEnumeration", "").split()
    ]
    if len(found) != 1:
        raise MalformedMetadata(reason="saml-metadata.identity-provider")
    return found[0]


def _single_sign_on(provider: etree._Element) -> Iterator[tuple[str, str]]:
    """Where each binding is served; of two with one binding the first counts."""
    seen: set[str] = set()
    for service in provider.iterchildren(f"{_MD}SingleSignOnService"):
        binding, location = service.get("Binding", ""), service.get("Location", "")
        if binding and location and binding not in seen:
            seen.add(binding)
            yield binding, location


def _certificates(provider: etree._Element) -> Iterator[Certificate]:
    for descriptor in provider.iterchildren(f"{_MD}KeyDescriptor"):
        use = _USES.get(descriptor.get("use"))
        if use is None:
            raise MalformedMetadata(reason="saml-metadata.key-use")
        for info in descriptor.iterchildren(f"{_DS}KeyInfo"):
            for text in info.iter(f"{_DS}X509Certificate"):
                yield _certificate(text, use)


def _certificate(element: etree._Element, use: KeyUse) -> Certificate:
    """One certificate, readable to the last byte: one that is not makes the whole document useless, as on AWS."""
    if len(element):
        raise MalformedMetadata(reason="saml-metadata.certificate")
    try:
        certificate = x509.load_der_x509_certificate(
            base64.b64decode(_SPACE.sub("", element.text or ""), validate=True)
        )
        key = certificate.public_key()
        _ = certificate.extensions  # a repeated one is refused here
        made = Certificate(
            der=certificate.public_bytes(Encoding.DER),
            use=use,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        )
    except _UNREADABLE:
        raise MalformedMetadata(reason="saml-metadata.certificate") from None
    if isinstance(key, rsa.RSAPublicKey):
        fits = key.key_size >= MINIMUM_KEY_SIZE
    else:
        fits = isinstance(key, ec.EllipticCurvePublicKey)
    if not fits:
        raise MalformedMetadata(reason="saml-metadata.key")
    return made

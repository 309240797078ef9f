"""Metadata of SAML providers as a weapon: S18, S43, S47, S49, D04. Nothing is fetched, opened or expanded.

Each bomb stands in a document that is good without it.
"""

import base64
import gc
import tracemalloc

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tabard.directory.providers import require_private_key
from tabard.faults import InvalidInput
from tabard.federation.saml.metadata import MAXIMUM_SIZE, MalformedMetadata, parse_metadata
from tests.fuse import fuse
from tests.saml import certificate, key_descriptor, metadata, pem, rsa_key
from tests.worlds import refused


def refusal(reason: str):
    return refused(MalformedMetadata, "Could not parse metadata", f"saml-metadata.{reason}")


def test_control_what_the_bombs_are_put_into_is_good():
    assert parse_metadata(metadata(inside="<x/>", after="<x/>")).entity_id == "https://idp.example.test/saml"


LAUGHS = "".join('<!ENTITY l%d "%s">' % (n, f"&l{n - 1};" * 10) for n in range(1, 10))  # noqa: UP031 - full of quotes


def attributes(count: int) -> str:
    """A tag with so many attributes."""
    return "<a " + " ".join(f"a{n}=''" for n in range(count)) + "/>"


def namespaces(count: int) -> str:
    """A tag with so many namespaces."""
    return "<a " + " ".join(f"xmlns:n{n}='u:{n}'" for n in range(count)) + "/>"


DOCUMENT_TYPES = {
    "external entity": '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    "external document type": '<!DOCTYPE m SYSTEM "http://192.0.2.1/m.dtd">',
    "public document type": '<!DOCTYPE m PUBLIC "-//M//M" "http://192.0.2.1/m.dtd">',
    "parameter entity": '<!DOCTYPE m [<!ENTITY % p SYSTEM "http://192.0.2.1/p"> %p;]>',
    "attribute defaults": '<!DOCTYPE m [<!ATTLIST md:EntityDescriptor entityID CDATA "https://evil.test">]>',
    "billion laughs": f'<!DOCTYPE m [<!ENTITY l0 "ha">{LAUGHS}]>',
    "quadratic blow-up": f'<!DOCTYPE m [<!ENTITY a "{"a" * 50_000}">]>',
    "an empty one": "<!DOCTYPE m>",
}


@pytest.mark.parametrize("head", DOCUMENT_TYPES.values(), ids=DOCUMENT_TYPES)
def test_s18_a_document_type_is_refused_before_the_parser_sees_it(head):
    """Attack S18: external entities and document types, parameter entities, defaults, laughs."""
    with fuse(5), refusal("document-type"):
        parse_metadata(metadata(head=head, inside="&x;&l9;&a;"))


@pytest.mark.parametrize("hidden", ["<!-- <!DOCTYPE m> -->", "<x><![CDATA[<!ENTITY]]></x>", "<?p <!DOCTYPE m>?>"])
def test_s18_not_even_where_it_would_mean_nothing(hidden):
    with refusal("document-type"):
        parse_metadata(metadata(inside=hidden))


def test_s18_a_document_type_in_another_encoding_is_no_document():
    for encoding in ("utf-16", "utf-7"):
        disguised = metadata(head="<!DOCTYPE m>").encode(encoding).decode("latin-1")
        with pytest.raises(MalformedMetadata):
            parse_metadata(disguised)


@pytest.mark.parametrize(
    "inside",
    [
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/hostname"/>',
        '<x xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="u http://192.0.2.1/x.xsd"/>',
        '<?xml-stylesheet href="http://192.0.2.1/x.xsl"?>',
    ],
)
def test_s43_a_reference_to_elsewhere_is_text(inside):
    assert parse_metadata(metadata(inside=inside)) == parse_metadata(metadata())


def test_s43_a_key_that_is_elsewhere_is_no_key():
    away = (
        '<md:KeyDescriptor><ds:KeyInfo><ds:RetrievalMethod URI="http://192.0.2.1/key"/></ds:KeyInfo></md:KeyDescriptor>'
    )
    with refusal("no-signing-key"):
        parse_metadata(metadata(keys=[away]))


BOMBS = {
    "many elements": ("<a/>" * 39_000, "elements"),
    "as many as fit": ("<a/>" * 2_400_000, "markup"),
    "deep": ("<a>" * 33 + "</a>" * 33, "depth"),
    "deeper than a stack": ("<a>" * 39_000, "xml"),
    "many attributes": (attributes(65), "attributes"),
    "more attributes": (attributes(7_000), "attributes"),
    "attributes without end": (attributes(500_000), "piece"),
    "many namespaces": ("".join(f'<a xmlns:n="urn:{n}"/>' for n in range(70)), "namespaces"),
    "namespaces in one tag": (namespaces(3_000), "namespaces"),
    "one long text": (f"<a>{'x' * 5_000_000}</a>", "piece"),
    "one long comment": (f"<!--{'x' * 5_000_000}-->", "piece"),
    "many comments": ("<!---->" * 1_000_000, "markup"),
    "many sections": (f"<a>{'<![CDATA[]]>' * 700_000}</a>", "markup"),
    "a tag that never ends": ("<a " + "a=''" * 2_000_000, "piece"),
}  # fmt: skip


@pytest.mark.parametrize(("inside", "reason"), BOMBS.values(), ids=BOMBS)
def test_s47_d04_a_bomb_is_refused_by_its_size(inside, reason):
    """Attacks S47, D04: a document that costs more than it weighs."""
    with fuse(5), refusal(reason):
        parse_metadata(metadata(inside=inside))


def test_s47_control_a_large_honest_document_is_read():
    claims = "".join(f'<x:Claim xmlns:x="urn:x"><x:Name>{"n" * 3000}</x:Name></x:Claim>' for _ in range(50))
    roles = "<r><q/></r>" * 9_000
    assert parse_metadata(metadata(inside=claims, after=f"<a>{roles}</a>")).certificates


def test_s49_ten_megabytes_are_the_end():
    body = metadata(after=f"<a>{'<b/>' * 100}</a>")
    good = body + "\n" * (32_000)
    assert parse_metadata(good)
    with fuse(5), refusal("size"):
        parse_metadata("\n" * (MAXIMUM_SIZE + 1))
    with fuse(5), refusal("size"):
        parse_metadata("é" * (MAXIMUM_SIZE // 2 + 1))


def test_s49_what_is_refused_is_not_kept():
    bomb = metadata(inside="<a/>" * 39_000)
    with refusal("elements"):
        parse_metadata(bomb)
    gc.collect()
    tracemalloc.start()
    for _ in range(3):
        with refusal("elements"):
            parse_metadata(bomb)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000


def test_s49_a_key_for_encryption_is_none_that_signs():
    """Attack S49: verifying with whatever key stands there."""
    signing, other = certificate(), certificate(ec.generate_private_key(ec.SECP256R1()))
    found = parse_metadata(metadata(keys=[key_descriptor(signing), key_descriptor(other, "encryption")]))
    assert [each.der for each in found.signing_certificates] == [base64.b64decode(signing)]
    assert len(found.certificates) == 2


def test_s49_a_certificate_in_the_document_s_own_signature_is_no_key():
    alien = certificate(ec.generate_private_key(ec.SECP256R1()))
    signature = f"<ds:Signature><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{alien}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    assert parse_metadata(metadata(inside=signature, after=signature)) == parse_metadata(metadata())


def test_s49_another_entity_inside_is_not_taken_for_the_provider():
    assert parse_metadata(metadata(after=metadata(entity=' entityID="evil"'))) == parse_metadata(metadata())


# ── private keys ─────────────────────────────────────────────────────────────────────────────────────


def test_a_good_private_key_is_taken():
    require_private_key(pem(rsa_key()))


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n" * 500,
        pem(rsa_key())[:-60],
        pem(rsa_key()).replace("PRIVATE", "PUBLIC"),
        pem(ec.generate_private_key(ec.SECP256R1())),
        certificate(),
        "é" * 1000,
    ],
)
def test_malformed_keys_are_refused_and_nothing_of_them_is_repeated(text):
    with pytest.raises(InvalidInput) as caught:
        require_private_key(text)
    assert caught.value.public == "The private key is not a valid RSA key in PEM format."
    assert not caught.value.detail
    assert caught.value.__cause__ is None


def test_d04_an_enormous_key_is_refused_by_its_size():
    """Attack D04: checking a key costs time with the fourth power of its size."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    size = 24_000
    huge = _rsa_like(size)
    frame = base64.encodebytes(huge).decode()
    text = f"-----BEGIN RSA PRIVATE KEY-----\n{frame}-----END RSA PRIVATE KEY-----\n"
    assert len(text) < 20_000
    with fuse(5), pytest.raises(InvalidInput):
        require_private_key(text)
    small = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    require_private_key(small)  # control: the same frame


def _rsa_like(bits: int) -> bytes:
    """PKCS #1 of numbers that are no key, the modulus of so many bits."""

    def integer(value: int) -> bytes:
        raw = value.to_bytes(value.bit_length() // 8 + 1)
        return b"\x02" + length(len(raw)) + raw

    def length(size: int) -> bytes:
        if size < 128:
            return bytes([size])
        raw = size.to_bytes((size.bit_length() + 7) // 8)
        return bytes([0x80 | len(raw)]) + raw

    prime = (1 << bits // 2) - 1
    numbers = (0, prime * prime, 65537, prime, prime, prime, 3, 3, 3)
    body = b"".join(map(integer, numbers))
    return b"\x30" + length(len(body)) + body

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec

from tabard.federation.saml.metadata import KeyUse, MalformedMetadata, parse_metadata
from tests.saml import FROM, RECORDED, certificate, key_descriptor, metadata, rsa_key
from tests.worlds import refused

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


def refusal(reason: str):
    return refused(MalformedMetadata, "Could not parse metadata", f"saml-metadata.{reason}")


def test_metadata_of_simplesamlphp():
    found = parse_metadata((RECORDED / "metadata-simplesamlphp.xml").read_text())
    assert found.entity_id == "http://127.0.0.1:19110/saml2/idp/metadata.php"
    assert found.single_sign_on == {REDIRECT: "http://127.0.0.1:19110/saml2/idp/SSOService.php"}
    assert [each.use for each in found.certificates] == [KeyUse.SIGNING, KeyUse.ENCRYPTION]
    assert len(found.signing_certificates) == 1
    assert found.certificates[0].not_after == datetime(2036, 11, 20, 18, 43, 16, tzinfo=UTC)
    assert (found.wants_signed_requests, found.valid_until) == (False, None)


def test_metadata_of_auth0_s_samlp():
    found = parse_metadata((RECORDED / "metadata-auth0.xml").read_text())
    assert found.entity_id == "urn:probe:auth0-samlp"
    assert found.single_sign_on == dict.fromkeys((REDIRECT, POST), "http://127.0.0.1:19130/samlp")
    assert [each.use for each in found.certificates] == [KeyUse.SIGNING]


def test_what_is_read_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        parse_metadata(metadata()).entity_id = "another"


def test_a_key_without_a_use_signs_too():
    (key,) = parse_metadata(metadata(keys=[key_descriptor(use=None)])).signing_certificates
    assert key.use is KeyUse.BOTH


def test_a_certificate_that_is_out_of_date_is_told_and_kept():
    (key,) = parse_metadata(metadata(keys=[key_descriptor(certificate(days=1))])).signing_certificates
    assert key.is_valid(at=FROM + timedelta(hours=1))
    assert not key.is_valid(at=FROM + timedelta(days=2))


def test_an_elliptic_key_is_good():
    text = certificate(ec.generate_private_key(ec.SECP256R1()))
    assert len(parse_metadata(metadata(keys=[key_descriptor(text)])).signing_certificates) == 1


def test_line_breaks_in_a_certificate_are_nothing():
    text = certificate()
    broken = "\n\t" + "\r\n ".join(text[n : n + 64] for n in range(0, len(text), 64)) + "\n"
    assert (
        parse_metadata(metadata(keys=[key_descriptor(broken)])).certificates
        == parse_metadata(metadata(keys=[key_descriptor(text)])).certificates
    )


def test_a_comment_cuts_no_text_in_two():
    text = certificate()
    cut = f"{text[:100]}<!-- -->{text[100:]}"
    assert (
        parse_metadata(metadata(keys=[key_descriptor(cut)])).certificates
        == parse_metadata(metadata(keys=[key_descriptor(text)])).certificates
    )


def test_other_roles_and_what_else_stands_there_are_passed_over():
    sp = '<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>'
    old = '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"/>'
    found = parse_metadata(metadata(after=f"{sp}{old}<md:Organization/><x xmlns='urn:x'>&lt;&#65;</x>"))
    assert found == parse_metadata(metadata())


def test_of_two_services_with_one_binding_the_first_counts():
    second = f'<md:SingleSignOnService Binding="{POST}" Location="https://elsewhere.test/"/>'
    assert parse_metadata(metadata(inside=second)).single_sign_on[POST] == "https://idp.example.test/post"


@pytest.mark.parametrize("said", ["true", "1"])
def test_that_requests_must_be_signed_is_told(said):
    document = metadata().replace("<md:IDPSSODescriptor ", f'<md:IDPSSODescriptor WantAuthnRequestsSigned="{said}" ')
    assert parse_metadata(document).wants_signed_requests


def test_how_long_it_says_it_is_good_is_told():
    document = metadata(entity=' entityID="x" validUntil="2020-01-01T00:00:00Z"')
    assert parse_metadata(document).valid_until == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("head", ["", '<?xml version="1.0"?>', "<?xml version='1.0' encoding='utf-8'?>\n"])
def test_a_declaration_may_say_utf_8_or_nothing(head):
    assert parse_metadata(metadata(head=head)).entity_id == "https://idp.example.test/saml"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("x" * 1000, "xml"),
        (metadata()[:-5], "xml"),
        (metadata() + "<second/>", "xml"),
        (metadata(inside="<unclosed>"), "xml"),
        (metadata(inside="&undefined;"), "xml"),
        (metadata(inside="\0"), "xml"),
        (metadata().replace(":metadata", ":elsewhere"), "root"),
        (f'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{metadata()}</md:EntitiesDescriptor>', "root"),
        (metadata(entity=""), "entity-id"),
        (metadata(entity=' entityID=""'), "entity-id"),
        (metadata(entity=f' entityID="{"x" * 1025}"'), "entity-id"),
        (metadata(protocol="urn:oasis:names:tc:SAML:1.1:protocol"), "identity-provider"),
        (metadata(after='<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>'), "identity-provider"),
        (metadata(keys=()), "no-signing-key"),
        (metadata(keys=[key_descriptor(use="encryption")]), "no-signing-key"),
        (metadata(keys=["<md:KeyDescriptor><ds:KeyInfo><ds:KeyName>k</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>"]), "no-signing-key"),
        (metadata(keys=[key_descriptor()] * 11), "keys"),
        (metadata(keys=[key_descriptor(use="both")]), "key-use"),
        (metadata(keys=[key_descriptor("")]), "certificate"),
        (metadata(keys=[key_descriptor("AAAA")]), "certificate"),
        (metadata(keys=[key_descriptor(), key_descriptor(certificate()[:-8])]), "certificate"),
        (metadata(keys=[key_descriptor(certificate().replace("M", "*", 1))]), "certificate"),
        (metadata(keys=[key_descriptor(f"{certificate()}<b/>")]), "certificate"),
        (metadata(keys=[key_descriptor(certificate(dsa.generate_private_key(1024)))]), "key"),
        ("\ufeff" + metadata(), "byte-order-mark"),
        (metadata(head='<?xml version="1.0" encoding="UTF-16"?>'), "encoding"),
        (metadata(head='<?xml version="1.0" encoding="ISO-8859-1"?>'), "encoding"),
        (metadata(inside="\ud800"), "encoding"),
    ],
)  # fmt: skip
def test_what_is_no_metadata_of_an_identity_provider_is_refused(document, reason):
    with refusal(reason):
        parse_metadata(document)


def test_ten_keys_may_sign():
    assert len(parse_metadata(metadata(keys=[key_descriptor()] * 10)).signing_certificates) == 10


def test_the_smallest_rsa_key_is_aws_s():
    assert parse_metadata(metadata(keys=[key_descriptor(certificate(rsa_key(1024)))])).certificates

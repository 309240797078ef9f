"""GetCallerIdentity for every kind of caller and in every way that it is sent; GetAccessKeyInfo beside it."""

import base64
import json

import pytest

from tests.journeys.conftest import House, Keys, allow, document, trust
from tests.journeys.signing import CALL, FORM, presigned, send, signed
from tests.journeys.tenant import Tenant, refused


def test_each_kind_of_caller(home: Tenant, abroad: Tenant) -> None:
    user = home.user(allow("sts:GetFederationToken"), Path="/eu/west/")
    sts = home.client("sts", user.keys)
    role = home.iam.create_role(RoleName="Pathed", Path="/eu/", AssumeRolePolicyDocument=trust({"AWS": user.arn}))[
        "Role"
    ]
    account = home.account
    callers = [
        (user.keys, user.arn, user.id),
        (Keys.of(sts.get_session_token()["Credentials"]), user.arn, user.id),
        (
            home.session(role["Arn"], user.keys, RoleSessionName="s-1"),
            f"arn:aws:sts::{account}:assumed-role/Pathed/s-1",
            f"{role['RoleId']}:s-1",
        ),
        (
            Keys.of(sts.get_federation_token(Name="jean")["Credentials"]),
            f"arn:aws:sts::{account}:federated-user/jean",
            f"{account}:jean",
        ),
        (abroad.keys, f"arn:aws:iam::{abroad.account}:root", abroad.account),
        (
            Keys.of(abroad.sts.get_session_token()["Credentials"]),
            f"arn:aws:iam::{abroad.account}:root",
            abroad.account,
        ),
    ]

    for keys, arn, user_id in callers:
        said = home.client("sts", keys).get_caller_identity()
        assert (said["Arn"], said["UserId"], said["Account"]) == (arn, user_id, arn.split(":")[4])


def test_it_cannot_be_denied(home: Tenant) -> None:
    nothing = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    user = home.user(nothing)
    role = home.role(trust({"AWS": home.account}), nothing)

    assert home.client("sts", user.keys).get_caller_identity()["Arn"] == user.arn
    assert home.client("sts", home.session(role)).get_caller_identity()
    narrowed = home.session(role, Policy=document(nothing))
    assert home.client("sts", narrowed).get_caller_identity()


def test_eks_sends_a_presigned_url_with_a_signed_header(home: Tenant) -> None:
    keys = home.session(home.role(trust({"AWS": home.account})))
    request = presigned(home.house, keys, **{"x-k8s-aws-id": "blue-cluster"})

    status, kind, body = send(request, Accept="application/json")

    assert (status, kind) == (200, "application/json")
    said = json.loads(body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert said["Arn"].endswith("/session")
    url = request.prepare().url.encode()
    assert len(b"k8s-aws-v1." + base64.urlsafe_b64encode(url)) < 4096  # what aws-iam-authenticator takes


def test_k19_a_presigned_url_is_good_for_its_own_cluster_only(home: Tenant) -> None:
    request = presigned(home.house, home.keys, **{"x-k8s-aws-id": "blue-cluster"})
    assert send(request)[0] == 200

    status, _, body = send(request, **{"X-k8s-aws-id": "green-cluster"})

    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in body


def test_vault_sends_a_signed_post_with_a_header_of_its_own(home: Tenant) -> None:
    request = signed(home.house, home.keys, data=CALL, **FORM, **{"X-Vault-AWS-IAM-Server-ID": "vault.example.com"})
    assert "x-vault-aws-iam-server-id" in request.headers["Authorization"]

    status, kind, body = send(request)

    assert (status, kind) == (200, "text/xml")
    assert f"<Account>{home.account}</Account>".encode() in body
    # urllib spells header names its own way; they are the same headers.
    assert send(request, **{"X-vault-aws-iam-server-id": "other.example.com"})[0] == 403


def test_google_sends_a_post_with_everything_in_the_query(home: Tenant) -> None:
    request = signed(home.house, home.keys, query=CALL, **{"x-goog-cloud-target-resource": "//iam.example.com/p"})

    status, _, body = send(request)

    assert status == 200, body
    assert f"<Account>{home.account}</Account>".encode() in body


def test_any_region_may_stand_in_the_scope(home: Tenant) -> None:
    for region in ("us-east-1", "eu-central-1", "ap-southeast-4"):
        client = home.house.client("sts", region_name=region)
        assert client.get_caller_identity()["Account"] == home.account


def test_k19_names_cannot_break_out_of_the_answer(home: Tenant) -> None:
    """CVE-2020-16250: what a caller names itself must not become markup that an authenticator reads."""
    for name in ("<Arn>", "a&b", 'a"b', "a'b", "a\nb", "</Arn>", "a,{}", "ä"):
        with refused("ValidationError", status=400):
            home.session(home.role(trust({"AWS": home.account})), RoleSessionName=name)
        with refused("ValidationError", status=400):
            home.iam.create_user(UserName=name)

    user = home.user(name="u+=,.@-_u")
    role = home.role(trust({"AWS": user.arn}), name="r+=,.@-_r")
    session = home.session(role, user.keys, RoleSessionName="s+=,.@-_s")
    for keys, end in ((user.keys, f"/{user.name}"), (session, "/s+=,.@-_s")):
        for accept in ("text/xml", "application/json"):
            status, _, body = send(presigned(home.house, keys), Accept=accept)
            assert status == 200
            assert body.count(b"Arn") == (2 if accept == "text/xml" else 1)
            assert f"{end}<" in body.decode() or f'{end}"' in body.decode()
    said = home.client("sts", session).get_caller_identity()
    assert said["Arn"].endswith("/s+=,.@-_s")


def test_k19_a_path_with_markup_in_it_is_told_as_text(home: Tenant) -> None:
    path = "/<Account>&amp;\"'/"
    user = home.user(Path=path)

    said = home.client("sts", user.keys).get_caller_identity()
    xml = send(presigned(home.house, user.keys))[2]
    as_json = json.loads(send(presigned(home.house, user.keys), Accept="application/json")[2])

    expected = f"arn:aws:iam::{home.account}:user{path}{user.name}"
    assert said["Arn"] == expected
    assert said["Account"] == home.account
    assert xml.count(b"<Account>") == 1
    assert as_json["GetCallerIdentityResponse"]["GetCallerIdentityResult"]["Arn"] == expected


def test_k19_the_answer_has_the_form_that_accept_names_and_no_other(home: Tenant) -> None:
    for accept, kind in (
        ("application/json", "application/json"),
        ("text/html", "text/xml"),
        ("*/*", "text/xml"),
        ("text/xml, application/json", "text/xml"),
    ):
        assert send(presigned(home.house, home.keys), Accept=accept)[:2] == (200, kind)


def test_errors_are_json_where_json_was_asked_for(home: Tenant) -> None:
    wrong = Keys(access_key_id=home.keys.access_key_id, secret_access_key="not it")

    status, kind, body = send(presigned(home.house, wrong), Accept="application/json")

    assert (status, kind) == (403, "application/json")
    said = json.loads(body)
    assert (said["Error"]["Code"], said["Error"]["Type"]) == ("SignatureDoesNotMatch", "Sender")


@pytest.mark.parametrize("prefix", ["AKIA", "ASIA"])
def test_t07_get_access_key_info_tells_the_account_that_the_id_itself_carries(
    home: Tenant, abroad: Tenant, prefix: str
) -> None:
    """As on AWS: an id is not a secret, and whether a key exists is not told."""
    foreign = abroad.user()
    session = Keys.of(abroad.client("sts", foreign.keys).get_session_token()["Credentials"])
    key_id = foreign.keys.access_key_id if prefix == "AKIA" else session.access_key_id
    assert home.sts.get_access_key_info(AccessKeyId=key_id)["Account"] == abroad.account

    abroad.iam.delete_access_key(UserName=foreign.name, AccessKeyId=foreign.keys.access_key_id)

    assert home.sts.get_access_key_info(AccessKeyId=key_id)["Account"] == abroad.account


def test_get_access_key_info_needs_a_permission_and_an_id_that_can_be_one(home: Tenant) -> None:
    user = home.user()
    with refused("AccessDenied", status=403):
        home.client("sts", user.keys).get_access_key_info(AccessKeyId=user.keys.access_key_id)
    with refused("ValidationError", status=400):
        home.sts.get_access_key_info(AccessKeyId="AKIA")
    with refused("ValidationError", status=400):
        home.sts.get_access_key_info(AccessKeyId="A" * 20 + "<>")
    for no_key in ("A" * 20, "0" * 20, "AKIA" + "1" * 16, user.id):
        with refused("ValidationError", status=400):
            home.sts.get_access_key_info(AccessKeyId=no_key)


def test_the_aws_cli_says_who_it_is(house: House) -> None:
    said = house.aws("sts", "get-caller-identity")

    assert said["Arn"] == f"arn:aws:iam::{house.account}:user/admin"
    assert house.aws("sts", "get-access-key-info", "--access-key-id", house.root.access_key_id) == {
        "Account": house.account
    }

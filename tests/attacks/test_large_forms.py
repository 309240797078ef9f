"""D02: a body is bounded for each operation, and a large one is read only for whom it is meant to be.

Only metadata of SAML providers is large, and only a proven caller's form is read beyond its outline.
"""

import asyncio
from collections.abc import Iterator

import pytest

from tabard.apps.http import HTTPResponse
from tabard.apps.pipeline import LARGE_FORMS, MAXIMUM_FORM, MAXIMUM_LARGE_FORMS
from tabard.wire import query
from tabard.wire.query import MalformedForm, parse_form, parse_outline
from tests.fuse import fuse
from tests.houses import InProcessHouse, code_of, form, in_process_house, reasons, request, signed
from tests.saml import metadata


@pytest.fixture
def house() -> Iterator[InProcessHouse]:
    with in_process_house() as made:
        made.call("GetCallerIdentity")
        made.records.clear()
        yield made


LARGE = metadata(after="<a>" + ("<b>" + "x" * 30_000 + "</b>") * 50 + "</a>")
"""A document whose form has more than a million bytes."""


def create(name: str = "idp", document: str = LARGE) -> bytes:
    return form("CreateSAMLProvider", Name=name, SAMLMetadataDocument=document)


def call(house: InProcessHouse, body: bytes, **more: object) -> HTTPResponse:
    return house.answer(signed(house.draft(body, service="iam").but(**more)))


def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all forms that are read as a whole from now on."""
    sizes: list[int] = []

    def counting(raw: bytes, *, unique: bool = False) -> dict[str, str]:
        sizes.append(len(raw))
        return parse_form(raw, unique=unique)

    monkeypatch.setattr("tabard.apps.pipeline.parse_form", counting)
    return sizes


def test_control_large_metadata_is_saved_answered_and_replaced(house: InProcessHouse) -> None:
    assert len(create()) > MAXIMUM_FORM
    assert call(house, create()).status == 200
    arn = f"arn:aws:iam::{house.account}:saml-provider/idp"
    assert b"x" * 30_000 in house.call("GetSAMLProvider", SAMLProviderArn=arn).body
    larger = LARGE.replace("</a>", f"<c>{'y' * 30_000}</c></a>")
    changed = call(house, form("UpdateSAMLProvider", SAMLProviderArn=arn, SAMLMetadataDocument=larger))
    assert changed.status == 200
    assert b"y" * 30_000 in house.call("GetSAMLProvider", SAMLProviderArn=arn).body
    assert max(len(str(record)) for record in house.records) < 40_000, "no record holds a whole document"


def test_control_metadata_of_the_size_of_a_policy_goes_the_way_of_all_forms(house: InProcessHouse) -> None:
    assert call(house, create(document=metadata())).status == 200


@pytest.mark.parametrize(
    "spoil",
    [{"secret": "wrong"}, {"key_id": "AKIA" + "A" * 16}],
    ids=["a wrong signature", "an unknown key"],
)
def test_d02_nobody_unproven_has_a_large_form_read(
    house: InProcessHouse, monkeypatch: pytest.MonkeyPatch, spoil: dict[str, str]
) -> None:
    """Attack D02: bytes that cost more to read than to send, from anybody."""
    sizes = read(monkeypatch)
    answer = call(house, create(), **spoil)
    assert code_of(answer) in {"SignatureDoesNotMatch", "InvalidClientTokenId"}
    unsigned = house.answer(request(create()))
    assert code_of(unsigned) == "MissingAuthenticationToken"
    assert sizes == []
    assert all(record.get("requestParameters") is None for record in house.records)
    call(house, create())
    assert sizes == [len(create())]  # control


@pytest.mark.parametrize("action", ["CreatePolicy", "CreateUser", "GetSAMLProvider", "TagSAMLProvider"])
def test_d02_every_other_operation_keeps_its_bound(house: InProcessHouse, action: str) -> None:
    answer = call(house, form(action, Padding="x" * MAXIMUM_FORM))
    assert (answer.status, code_of(answer)) == (400, "MalformedInput")
    assert reasons(house.records) == ["form.size"]


def test_d02_sts_keeps_its_bound_whoever_asks(house: InProcessHouse) -> None:
    for action in ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"):
        body = form(action, version="2011-06-15", Padding="x" * MAXIMUM_FORM)
        answer = house.answer(request(body))
        assert (answer.status, code_of(answer)) == (400, "MalformedInput")


def test_d02_large_forms_are_as_few_as_operations_that_need_them() -> None:
    assert {"CreateSAMLProvider", "UpdateSAMLProvider"} == LARGE_FORMS


PADDING = "&Padding=" + "x" * MAXIMUM_FORM


@pytest.mark.parametrize(
    "body",
    [
        "%41ction=DeleteUser&Action=CreateSAMLProvider&Version=2010-05-08&UserName=admin",
        "Action=CreateSAMLProvider&%56ersion=2011-06-15&Version=2010-05-08",
    ],
)
def test_d02_an_outline_that_says_something_else_than_the_form_is_refused(house: InProcessHouse, body: str) -> None:
    """Attack: one action for whoever looks at the outline, another for whoever reads on."""
    answer = call(house, (body + PADDING).encode())
    assert (answer.status, code_of(answer)) in {(400, "MalformedInput"), (400, "InvalidAction")}
    assert house.call("GetUser", UserName="admin").status == 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("Action=Nonsense&Version=2010-05-08" + PADDING, "operation.unknown"),
        ("Action=CreateSAMLProvider" + PADDING, "operation.unknown"),
        ("Action=CreateSAMLProvider&Version=2010-05-08" + "&a=1" * 300_000, "form.fields"),
        ("Action=" + "C" * MAXIMUM_FORM + "&Version=2010-05-08", "operation.unknown"),
        ("Action=CreateSAMLProvider&Version=2010-05-08&Name=%zz" + PADDING, "form.escape"),
        ("Action=CreateSAMLProvider&Version=2010-05-08&Name=%ff" + PADDING, "form.encoding"),
        ("Action=CreateSAMLProvider&Version=2010-05-08" + PADDING, "constraint"),
    ],
)
def test_d02_a_large_form_is_refused_for_what_is_wrong_with_it(house: InProcessHouse, body: str, reason: str) -> None:
    with fuse():
        answer = call(house, body.encode())
    assert answer.status == 400
    assert reasons(house.records) == [reason]


def test_d02_who_may_not_make_providers_learns_nothing_of_the_document(house: InProcessHouse) -> None:
    house.call("CreateUser", UserName="bob")
    body = house.call("CreateAccessKey", UserName="bob").body
    key_id = body.partition(b"<AccessKeyId>")[2].partition(b"<")[0].decode()
    secret = body.partition(b"<SecretAccessKey>")[2].partition(b"<")[0].decode()
    for document in (LARGE, "x" * 2_000_000):
        answer = call(house, create(document=document), key_id=key_id, secret=secret)
        assert (answer.status, code_of(answer)) == (403, "AccessDenied")


def test_d08_more_large_forms_than_there_are_places_are_told_to_slow_down(house: InProcessHouse) -> None:
    requests = [signed(house.draft(create(f"idp-{n}"), service="iam")) for n in range(MAXIMUM_LARGE_FORMS + 3)]

    async def all_at_once() -> list[HTTPResponse]:
        return await asyncio.gather(*(house.application.respond(each) for each in requests))

    told = sorted((answer.status, code_of(answer)) for answer in house.run(all_at_once()))
    assert told.count((200, "")) >= MAXIMUM_LARGE_FORMS
    assert set(told) == {(200, ""), (400, "Throttling")}
    assert call(house, create("later")).status == 200, "the places are free again, after refusals too"


def test_the_outline_of_a_form_is_its_first_action_and_version() -> None:
    assert parse_outline(b"Name=x&Action=A&Version=V&Action=B&Version=W") == {"Action": "A", "Version": "V"}
    assert parse_outline(b"action=A&XAction=B&Action.=C&Version=\xff") == {"Version": "\xff"}
    assert parse_outline(b"") == {}
    with pytest.raises(MalformedForm):
        parse_outline(b"&" * query.MAXIMUM_FIELDS)


def test_the_outline_agrees_with_the_form_wherever_names_are_plain() -> None:
    for body in (b"Action=A&Version=V", b"Version=V&Name=Action&Action=A", b"Action=&Action=A", b"a=Action=B&Action=A"):
        whole = parse_form(body)
        assert parse_outline(body) == {name: whole[name] for name in ("Action", "Version") if name in whole}

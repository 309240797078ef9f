"""Attacks on the form, and through the texts that answers repeat.

V11 (CVE-2022-2385: a parameter checked in one place and used from another), V12, D03, D04, K19 (CVE-2020-16250: a
proof of identity whose readers were fed an answer of the attacker's shape).
"""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tabard.faults import ConstraintViolated, Fault
from tabard.wire.codec import compile_operation
from tabard.wire.faults import answer_to
from tabard.wire.model import service_model
from tabard.wire.query import MalformedForm, MalformedInput, UnknownOperation, find_operation, parse_form
from tests.fuse import fuse

STS = "Version=2011-06-15"
ASSUME_ROLE = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=ann"
HOSTILE_NAMES = [
    "</Arn></GetCallerIdentityResult><Arn>arn:aws:iam::999999999999:root</Arn>",
    '"},"Arn":"arn:aws:iam::999999999999:root","x":{"',
    "<!--", "]]>", "<![CDATA[", "&lt;", "&#60;", "<?xml?>", '<!DOCTYPE a [<!ENTITY b "c">]>', "\x00", "\ud800", "\\", "\u2028",
]  # fmt: skip


def read(text: str) -> Any:
    form = parse_form(text.encode())
    return compile_operation(find_operation(form)).decode(form)


def test_v11_control_one_action_is_read() -> None:
    assert read(ASSUME_ROLE) == {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "ann"}


@pytest.mark.parametrize("second", ["Action=GetCallerIdentity", "%41ction=GetCallerIdentity", "A%63tion=", "Action"])
def test_v11_the_first_of_two_actions_counts_however_it_is_spelled(second: str) -> None:
    assert find_operation(parse_form(f"{ASSUME_ROLE}&{second}".encode())).name == "AssumeRole"
    assert find_operation(parse_form(f"%41ction=GetCallerIdentity&{ASSUME_ROLE}".encode())).name == "GetCallerIdentity"


@pytest.mark.parametrize("spelling", ["action", "ACTION", "Action%00", "Action%20", "+Action", "Action.", "Action%0a"])
def test_v11_a_name_that_only_looks_like_action_is_none(spelling: str) -> None:
    with pytest.raises(UnknownOperation):
        find_operation(parse_form(f"{spelling}=GetCallerIdentity&{STS}".encode()))


@pytest.mark.parametrize("spelling", ["RoleArn", "Role%41rn"])
def test_v11_the_first_of_two_roles_counts(spelling: str) -> None:
    assert read(f"{ASSUME_ROLE}&{spelling}=arn:aws:iam::123456789012:role/admin")["RoleArn"].endswith("role/r")


@pytest.mark.parametrize(
    "spelling", ["rolearn", "ROLEARN", "RoleArn.member.1", "RoleArn.", "RoleArn%00", "RoleArn%5B%5D"]
)
def test_v11_another_spelling_of_a_parameter_changes_nothing(spelling: str) -> None:
    assert read(f"{ASSUME_ROLE}&{spelling}=arn:aws:iam::123456789012:role/admin") == read(ASSUME_ROLE)


def test_v11_one_element_cannot_be_sent_twice_under_two_spellings() -> None:
    tags = "&Tags.member.1.Key=a&Tags.member.1.Value=1"
    assert read(f"{ASSUME_ROLE}{tags}&Tags.member.1.Key=b")["Tags"] == ({"Key": "a", "Value": "1"},)
    for spelling in ("01", "+1", "1%00", "%EF%BC%91", "1.0", "-1"):
        with pytest.raises((MalformedInput, ConstraintViolated)):
            read(f"{ASSUME_ROLE}{tags}&Tags.member.{spelling}.Key=b&Tags.member.2.Value=x")


def test_v11_gaps_in_a_list_close_in_one_way_only() -> None:
    keys = "&TransitiveTagKeys.member.7=c&TransitiveTagKeys.member.999999=d&TransitiveTagKeys.member.2=b"
    assert read(ASSUME_ROLE + keys)["TransitiveTagKeys"] == ("b", "c", "d")


def test_v12_a_semicolon_separates_nothing() -> None:
    form = parse_form(b"Action=GetCallerIdentity;Version=2011-06-15")
    assert form == {"Action": "GetCallerIdentity;Version=2011-06-15"}


def test_v12_a_plus_and_an_escaped_space_are_one_space_and_an_escaped_plus_is_a_plus() -> None:
    assert parse_form(b"A=a+b&B=a%20b&C=a%2Bb") == {"A": "a b", "B": "a b", "C": "a+b"}


def test_v12_nothing_is_decoded_twice() -> None:
    assert parse_form(b"A=%252541&B=%2526C%253D1") == {"A": "%2541", "B": "%26C%3D1"}


@pytest.mark.parametrize("raw", [b"A=%C3%28", b"A=\xc3\x28", b"A=%F0%80%80%AF", b"\xff\xfeA\x00=\x00", b"A=%u0041"])
def test_v12_what_is_not_utf8_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedForm):
        parse_form(raw)


def test_v12_a_multipart_body_names_no_action() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="Action"\r\n\r\nGetCallerIdentity\r\n--x--\r\n'
    with pytest.raises(UnknownOperation):
        find_operation(parse_form(body))


def test_d03_control_the_largest_legal_request_is_read() -> None:
    fields = [f"&Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value={'v' * 256}" for n in range(1, 51)]
    keys = [f"&TransitiveTagKeys.member.{n}=k{n}" for n in range(1, 51)]
    assert len(read(ASSUME_ROLE + "".join(fields + keys))["Tags"]) == 50


def test_d03_ten_thousand_fields_are_refused_before_they_are_read() -> None:
    with pytest.raises(MalformedForm) as refused:
        parse_form(b"&".join(b"A%d=1" % n for n in range(10_000)))
    assert refused.value.reason == "form.fields"


def test_d03_ten_million_separators_cost_no_memory() -> None:
    with pytest.raises(MalformedForm):
        parse_form(b"&" * 10_000_000)


def test_d03_as_many_deep_names_as_are_let_in_cost_little() -> None:
    names = "&".join(f"{n}{'.a' * 240}=1" for n in range(1_900))
    with fuse():
        assert read(f"{ASSUME_ROLE}&{names}") == read(ASSUME_ROLE)


def test_d04_ten_million_characters_are_refused_in_linear_time() -> None:
    for unit in ("/a", "%22", "a", "+"):
        with fuse(), pytest.raises(ConstraintViolated):
            read(f"{ASSUME_ROLE}&ExternalId={unit * (9_000_000 // len(unit))}")


def test_d04_an_answer_repeats_only_so_much_of_a_refused_value() -> None:
    with pytest.raises(ConstraintViolated) as refused:
        read(f"{ASSUME_ROLE}&ExternalId={'a' * 1_000_000}")
    assert len(refused.value.public) < 20_000


@pytest.mark.parametrize("index", ["9" * 4_000, "1000000", "1e9"])
def test_d04_a_huge_index_makes_no_huge_list(index: str) -> None:
    with pytest.raises((MalformedInput, MalformedForm)):
        read(f"{ASSUME_ROLE}&TransitiveTagKeys.member.{index}=a")


@pytest.mark.parametrize("number", ["9" * 100_000, "1" + "_0" * 9, "0x384"])
def test_d04_a_huge_number_is_refused_before_it_is_one(number: str) -> None:
    with pytest.raises(MalformedInput):
        read(f"{ASSUME_ROLE}&DurationSeconds={number}")


@pytest.mark.parametrize("name", ["Alice", *HOSTILE_NAMES])
def test_k19_a_name_in_an_answer_stays_a_name(name: str) -> None:
    identity = {"Arn": f"arn:aws:iam::123456789012:user/{name}", "UserId": "AIDA1", "Account": "123456789012"}
    codec = compile_operation(service_model("sts").operations["GetCallerIdentity"])
    root = ET.fromstring(codec.encode_xml(identity, "id-1"))
    assert [element.tag.partition("}")[2] for element in root.iter()] == [
        *("GetCallerIdentityResponse", "GetCallerIdentityResult", "Arn", "UserId", "Account"),
        *("ResponseMetadata", "RequestId"),
    ]
    told = json.loads(codec.encode_json(identity, "id-1"))
    assert told["GetCallerIdentityResponse"]["GetCallerIdentityResult"] == identity


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_k19_a_refusal_that_repeats_a_value_stays_a_refusal(text: str) -> None:
    answer = answer_to(Fault.__subclasses__()[0](text), None)
    root = ET.fromstring(answer.render("id-1"))
    assert [element.tag.partition("}")[2] for element in root.iter()] == [
        *("ErrorResponse", "Error", "Type", "Code", "Message", "RequestId")
    ]
    assert json.loads(answer.render("id-1", as_json=True))["Error"]["Message"] == text


def test_v11_a_duplicate_in_a_query_string_is_refused_because_the_signature_does_not_fix_its_order() -> None:
    assert parse_form(b"Action=GetUser&UserName=a", unique=True) == {"Action": "GetUser", "UserName": "a"}
    with pytest.raises(MalformedForm) as refused:
        parse_form(b"Action=GetUser&UserName=a&User%4eame=b", unique=True)
    assert refused.value.reason == "form.duplicate"

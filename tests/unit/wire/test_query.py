from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tabard.wire.codec import compile_operation
from tabard.wire.model import service_model
from tabard.wire.query import (
    MAXIMUM_FIELDS,
    MAXIMUM_NAME,
    MalformedForm,
    MalformedInput,
    UnknownOperation,
    find_operation,
    parse_form,
    read_blob,
    read_boolean,
    read_integer,
    read_timestamp,
    tree_of,
)


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (b"", {}),
        (b"A=1&B=2", {"A": "1", "B": "2"}),
        (b"A", {"A": ""}),
        (b"A=", {"A": ""}),
        (b"A=b=c", {"A": "b=c"}),
        (b"&&A=1&", {"A": "1"}),
        (b"=1", {}),
        (b"A=a+b%20c%2Bd", {"A": "a b c+d"}),
        (b"A=%2522", {"A": "%22"}),
        (b"A=%25%32%32", {"A": "%22"}),
        (b"A=%e5%90%8D", {"A": "名"}),
        ("A=名".encode(), {"A": "名"}),
        (b"%41=1", {"A": "1"}),
        (b"A=%00%0D%0a", {"A": "\x00\r\n"}),
    ],
)
def test_a_form_is_read_as_it_was_written(raw: bytes, form: dict[str, str]) -> None:
    assert parse_form(raw) == form


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"A=%", "form.escape"),
        (b"A=%4", "form.escape"),
        (b"A=%zz", "form.escape"),
        (b"%4=1", "form.escape"),
        (b"A=%ff", "form.encoding"),
        (b"A=\xff", "form.encoding"),
        (b"A=%ed%a0%80", "form.encoding"),
        (b"A=%c0%af", "form.encoding"),
        (b"A" * (MAXIMUM_NAME + 1) + b"=1", "form.name"),
        (b"&" * MAXIMUM_FIELDS, "form.fields"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedForm) as refused:
        parse_form(raw)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"Action": "Foo", "Version": "2011-06-15"}, "Could not find operation Foo for version 2011-06-15"),
        (
            {"Action": "GetCallerIdentity"},
            "Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED",
        ),
        (
            {"Action": "GetCallerIdentity", "Version": "2010-05-08"},
            "Could not find operation GetCallerIdentity for version 2010-05-08",
        ),
        (
            {"Action": "GetCallerIdentity", "Version": ""},
            "Could not find operation GetCallerIdentity for version ",
        ),
        ({"Action": "", "Version": "2011-06-15"}, "Could not find operation  for version 2011-06-15"),
        ({"Action": "__class__", "Version": "2011-06-15"}, "Could not find operation __class__ for version 2011-06-15"),
    ],
)
def test_an_unknown_operation_is_told_in_aws_s_words(form: dict[str, str], told: str) -> None:
    with pytest.raises(UnknownOperation) as refused:
        find_operation(form)
    assert refused.value.public == told


def test_what_is_repeated_of_an_unknown_operation_is_short() -> None:
    with pytest.raises(UnknownOperation) as refused:
        find_operation({"Action": "A" * 100_000, "Version": "V" * 100_000})
    assert len(refused.value.public) < 1_000


def test_the_version_chooses_the_service() -> None:
    assert find_operation({"Action": "GetRole", "Version": "2010-05-08"}).service == "iam"
    assert find_operation({"Action": "AssumeRole", "Version": "2011-06-15"}).service == "sts"


def test_dots_make_a_tree_in_which_a_leaf_is_never_a_branch() -> None:
    assert tree_of({"A": "", "A.b": "1", "A.b.c": "2"}) == {"A": "", "A.": {"b": "1", "b.": {"c": "2"}}}


def test_names_that_are_too_deep_mean_nothing() -> None:
    assert tree_of({"A." * 200 + "b": "1"}) == {}


@pytest.mark.parametrize(("text", "number"), [("900", 900), ("+900", 900), ("0900", 900), ("-1", -1), ("-0", 0)])
def test_integers_are_read_as_aws_reads_them(text: str, number: int) -> None:
    assert read_integer(text) == number


@pytest.mark.parametrize("text", ["1.0", "1e3", " 1", "1 ", "٣", "0x1", "1_0", "--1", "2147483648", "9" * 5000, "1\n"])
def test_what_is_no_integer_is_refused_without_a_word(text: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        read_integer(text)
    assert (refused.value.public, refused.value.reason) == ("", "value.integer")


def test_an_empty_integer_is_refused_in_aws_s_words() -> None:
    with pytest.raises(MalformedInput, match=r"^missing value for decimal type$"):
        read_integer("")


def test_booleans_are_two_words() -> None:
    assert [read_boolean(text) for text in ("true", "True", "false", "FALSE")] == [True, True, False, False]
    for text in ("", "1", "yes", "ﬀalse"):
        with pytest.raises(MalformedInput):
            read_boolean(text)


def test_blobs_are_strict_base64() -> None:
    assert read_blob("AP8=") == b"\x00\xff"
    for text in ("AP8", "AP8=!", "AP_-", "é"):
        with pytest.raises(MalformedInput):
            read_blob(text)


def test_instants_without_an_offset_are_utc() -> None:
    assert read_timestamp("2026-11-24T10:00:00Z") == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert read_timestamp("2026-11-24T10:00:00") == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert read_timestamp("2026-11-24T12:00:00+02:00") == datetime(
        2026, 11, 24, 12, tzinfo=timezone(timedelta(hours=2))
    )
    for text in ("", "now", "1795521600", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59"):
        with pytest.raises(MalformedInput):
            read_timestamp(text)


def decode(operation: str, fields: dict[str, str]) -> Any:
    return compile_operation(service_model("iam").operations[operation]).decode(fields)


def test_an_empty_list_and_an_absent_one_are_told_apart() -> None:
    role = {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}
    assert decode("CreateRole", {**role, "Tags": ""}) == {**role, "Tags": ()}
    assert decode("CreateRole", role) == role


def test_a_list_is_sorted_by_number_and_its_gaps_close() -> None:
    fields = {"UserName": "u", "TagKeys.member.10": "c", "TagKeys.member.2": "b", "TagKeys.member.1": "a"}
    assert decode("UntagUser", fields)["TagKeys"] == ("a", "b", "c")


@pytest.mark.parametrize("index", ["0", "01", "-1", "x", "", "1 ", "٣", "9" * 30])
def test_what_is_no_number_of_an_element_is_refused(index: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        decode("UntagUser", {"UserName": "u", f"TagKeys.member.{index}": "a"})
    assert refused.value.reason == "value.index"


def test_parameters_that_the_operation_does_not_know_are_ignored() -> None:
    assert decode("GetUser", {"UserName": "u", "username": "v", "Foo": "1", "UserName.x": "2"}) == {"UserName": "u"}

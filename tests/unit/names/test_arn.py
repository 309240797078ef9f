"""ARNs are six parts; the last may hold colons and slashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.faults import ConstraintViolated
from tabard.names.arn import ARN, assumed_role_arn, federated_user_arn, iam_arn, parse_arn, root_arn

PART = st.text(st.characters(exclude_characters=":"), min_size=1, max_size=8)


@given(PART, PART, PART, PART, st.text(min_size=1, max_size=20))
def test_an_arn_is_read_back_as_it_was_written(
    partition: str, service: str, region: str, account: str, resource: str
) -> None:
    arn = ARN(partition, service, region, account, resource)

    assert parse_arn(str(arn)) == arn


@pytest.mark.parametrize(
    "text",
    ["nothing-valid-in-here", "arn::b:::something/test-role", "arn:a::::something/test-role", "arn:a:::something/test-role",
     "arn:a:a::aaaaaaaaaa:", "", "arn", "ARN:aws:iam::1:role/x"],
)  # fmt: skip
def test_what_is_no_arn_is_refused_in_aws_words(text: str) -> None:
    with pytest.raises(ConstraintViolated) as refused:
        parse_arn(text)
    assert refused.value.public == f"{text} is invalid"


@pytest.mark.parametrize(
    ("resource", "kind", "path", "name"),
    [
        ("role/auditor", "role", "/", "auditor"),
        ("role/eu/west/auditor", "role", "/eu/west/", "auditor"),
        ("root", "root", "/", "root"),
        ("function:thing", "function", "/", "function:thing"),
    ],
)
def test_a_resource_tells_its_kind_path_and_name(resource: str, kind: str, path: str, name: str) -> None:
    arn = ARN("aws", "iam", "", "111122223333", resource)

    assert (arn.resource_type, arn.path, arn.name) == (kind, path, name)


def test_identities_have_their_arns() -> None:
    assert iam_arn("111122223333", "user/a") == "arn:aws:iam::111122223333:user/a"
    assert root_arn("111122223333") == "arn:aws:iam::111122223333:root"
    assert assumed_role_arn("111122223333", "R", "s") == "arn:aws:sts::111122223333:assumed-role/R/s"
    assert federated_user_arn("111122223333", "n") == "arn:aws:sts::111122223333:federated-user/n"

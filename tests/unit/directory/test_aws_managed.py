import json

import pytest

from tabard.directory.aws_managed import AWS_MANAGED, aws_managed_policy

NAMES = [
    "AdministratorAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
]


def test_policies_of_service_linked_roles_are_found_by_arn_and_listed_nowhere():
    arn = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"
    policy = aws_managed_policy(arn)
    assert policy is not None
    assert (policy.arn, policy.path) == (arn, "/aws-service-role/")
    assert arn not in AWS_MANAGED


def test_they_are_found_under_the_arns_that_aws_gives_them_in_the_order_of_the_name():
    assert list(AWS_MANAGED) == [f"arn:aws:iam::aws:policy/{name}" for name in NAMES]


def test_unknown_ones_are_none():
    assert aws_managed_policy("arn:aws:iam::aws:policy/administratoraccess") is None
    assert aws_managed_policy("arn:aws:iam::111122223333:policy/AdministratorAccess") is None


def test_ids_are_unique_and_shaped_as_policy_ids():
    ids = {policy.id for policy in AWS_MANAGED.values()}
    assert len(ids) == len(NAMES)
    assert all(len(policy_id) == 21 and policy_id.startswith("ANPA") for policy_id in ids)


@pytest.mark.parametrize("name", NAMES)
def test_every_document_is_current_json_within_the_size_quota(name):
    policy = AWS_MANAGED[f"arn:aws:iam::aws:policy/{name}"]
    assert json.loads(policy.document)["Version"] == "2012-10-17"
    assert len(policy.document) <= 6144
    assert policy.created == policy.updated

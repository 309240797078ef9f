"""The AWS-managed policies that concern what Tabard serves: STS, IAM and S3.

They are the same in every account, belong to none, and cannot be changed; so they are data here and no rows
of a store. Names, ARNs, ids and creation dates are AWS's (AWS Managed Policy Reference Guide). The
documents say what AWS's say about sts, iam and s3, and leave out the services that are not here; each has
one version, `v1`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from tabard.directory.entities import AWS_ACCOUNT, ManagedPolicy, PolicyVersion
from tabard.directory.service_linked import SERVICE_ROLE_POLICIES


def aws_managed_policy(arn: str) -> ManagedPolicy | None:
    """The AWS-managed policy of that ARN, or None. Those of service-linked roles are found, too."""
    return AWS_MANAGED.get(arn) or SERVICE_ROLE_POLICIES.get(arn)


def _policy(name: str, policy_id: str, created: str, description: str, *statements: Mapping[str, Any]) -> ManagedPolicy:
    at = datetime.fromisoformat(created).replace(tzinfo=UTC)
    document = json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)
    return ManagedPolicy(
        account=AWS_ACCOUNT,
        name=name,
        id=policy_id,
        created=at,
        updated=at,
        description=description,
        versions=(PolicyVersion(id="v1", document=document, created=at),),
    )


def _allow(*actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": "*"}


_POLICIES: Final = (
    _policy(
        "AdministratorAccess",
        "ANPAIWMBCKSKIEE64ZLYK",
        "2015-02-06T18:39:46",
        "Allows every action on every resource.",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
    ),
    _policy(
        "AmazonS3FullAccess",
        "ANPAIFIR6V6BVTRAHWINE",
        "2015-02-06T18:40:58",
        "Allows every action of S3.",
        _allow("s3:*", "s3-object-lambda:*"),
    ),
    _policy(
        "AmazonS3ReadOnlyAccess",
        "ANPAIZTJ4DXE7G6AGAE6M",
        "2015-02-06T18:40:59",
        "Allows reading and listing in S3.",
        _allow("s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"),
    ),
    _policy(
        "IAMFullAccess",
        "ANPAI7XKCFMBPM3QQRRVQ",
        "2015-02-06T18:40:38",
        "Allows every action of IAM.",
        _allow("iam:*"),
    ),
    _policy(
        "IAMReadOnlyAccess",
        "ANPAJKSO7NDY4T57MWDSQ",
        "2015-02-06T18:40:39",
        "Allows reading IAM, its reports and its policy simulator.",
        _allow(
            "iam:GenerateCredentialReport",
            "iam:GenerateServiceLastAccessedDetails",
            "iam:Get*",
            "iam:List*",
            "iam:SimulateCustomPolicy",
            "iam:SimulatePrincipalPolicy",
        ),
    ),
    _policy(
        "PowerUserAccess",
        "ANPAJYRXTHIB4FOVS3ZXS",
        "2015-02-06T18:39:47",
        "Allows everything but the administration of users, accounts and organizations.",
        {"Effect": "Allow", "NotAction": ("iam:*", "organizations:*", "account:*"), "Resource": "*"},
        _allow("iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles"),
    ),
    _policy(
        "ReadOnlyAccess",
        "ANPAILL3HVNFSB6DCOWYQ",
        "2015-02-06T18:39:48",
        "Allows reading everything that Tabard serves.",
        _allow(
            "iam:Generate*",
            "iam:Get*",
            "iam:List*",
            "iam:Simulate*",
            "s3:DescribeJob",
            "s3:Get*",
            "s3:List*",
            "sts:GetAccessKeyInfo",
            "sts:GetCallerIdentity",
            "sts:GetSessionToken",
        ),
    ),
)

AWS_MANAGED: Final[Mapping[str, ManagedPolicy]] = MappingProxyType({policy.arn: policy for policy in _POLICIES})
"""ARN → policy, in the order of the name; without those of service-linked roles, which lists leave out."""

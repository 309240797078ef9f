"""Makes `tests/vectors/sigv4/valid.json`: requests signed by botocore, with every intermediate.

    python -m tests.vectors.make.sigv4

The keys are invented and open nothing. botocore is the signer, so that the vectors say what clients do, not what we do.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY_ID, SECRET = "AKIAEXAMPLEEXAMPLE12", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
STAMP = "20261124T101500Z"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
BODY = "Action=GetCallerIdentity&Version=2011-06-15"
TARGET = Path(__file__).parents[1] / "sigv4" / "valid.json"

CASES: list[dict[str, Any]] = [
    {"name": "form-post", "why": "what boto3 sends for every call", "headers": FORM, "body": BODY},
    {"name": "session", "why": "the token is a signed header", "headers": FORM, "body": BODY, "token": "AQAAAAcAAQID-_"},
    {"name": "get-with-query", "why": "parameters in the query, none in the body", "method": "GET",
     "url": "https://sts.example.test/?Version=2011-06-15&Action=GetCallerIdentity"},
    {"name": "post-with-query", "why": "Google's federation signs a POST without a body",
     "url": "https://sts.example.test/?Action=GetCallerIdentity&Version=2011-06-15", "headers": {"x-goog-cloud-target-resource": "//iam.example.test/x"}},
    {"name": "repeated-parameter", "why": "equal names sort by value", "method": "GET",
     "url": "https://sts.example.test/?b=2&b=1&a-=3&a=4"},
    {"name": "extra-header", "why": "Vault signs a header of its own", "headers": {**FORM, "X-Vault-AWS-IAM-Server-ID": "vault.example.test"}, "body": BODY},
    {"name": "white-space-in-header", "why": "outer white space goes, inner runs become one space",
     "headers": {**FORM, "X-Team": "  a   b  "}, "body": BODY},
    {"name": "explicit-payload-hash", "why": "the header may repeat the body's hash", "body": BODY,
     "headers": {**FORM, "X-Amz-Content-SHA256": "ab821ae955788b0e33ebd34c208442ccfc2d406e2edc5e7a39bd6458fbb4f843"}},
    {"name": "path", "why": "dots and empty segments go, the rest is encoded once more", "url": "https://sts.example.test/a//b/../c%20d/", "headers": FORM, "body": BODY},
    {"name": "date-header", "why": "the Date header stands in for X-Amz-Date", "headers": {**FORM, "Date": "x"}, "body": BODY},
    {"name": "other-port", "why": "a port is part of the host", "url": "http://127.0.0.1:8443/", "headers": FORM, "body": BODY},
    {"name": "iam", "why": "IAM is signed in us-east-1", "service": "iam", "region": "us-east-1", "headers": FORM, "body": "Action=ListUsers&Version=2010-05-08"},
    {"name": "presigned", "why": "aws eks get-token", "method": "GET", "presigned": True, "headers": {"x-k8s-aws-id": "cluster-1"},
     "url": "https://sts.example.test/?Action=GetCallerIdentity&Version=2011-06-15"},
    {"name": "presigned-session", "why": "the token is a signed parameter", "method": "GET", "presigned": True, "token": "AQAA+/=",
     "url": "https://sts.example.test/?Action=GetCallerIdentity&Version=2011-06-15"},
]  # fmt: skip


def made(case: dict[str, Any]) -> dict[str, Any]:
    """One vector: the case, what goes over the wire, and what lies between."""
    service, region = case.get("service", "sts"), case.get("region", "eu-central-1")
    method, url = case.get("method", "POST"), case.get("url", "https://sts.example.test/")
    body = case.get("body", "").encode()
    request = AWSRequest(method, url, dict(case.get("headers", {})), body)
    kind = SigV4QueryAuth if case.get("presigned") else SigV4Auth
    auth = kind(Credentials(KEY_ID, SECRET, case.get("token")), service, region)
    seen: dict[str, str] = {}

    def canonical_request(of: AWSRequest) -> str:
        seen["canonical_request"] = kind.canonical_request(auth, of)
        return seen["canonical_request"]

    def string_to_sign(of: AWSRequest, canonical: str) -> str:
        seen["string_to_sign"] = kind.string_to_sign(auth, of, canonical)
        return seen["string_to_sign"]

    auth.canonical_request, auth.string_to_sign = canonical_request, string_to_sign
    with patch("botocore.auth.get_current_datetime", return_value=datetime(2026, 11, 24, 10, 15, 0)):  # noqa: DTZ001 - botocore takes naive UTC
        auth.add_auth(request)
    parts = urlsplit(request.url)
    headers = [["host", parts.netloc]]
    headers += [[n.lower(), v if isinstance(v, str) else v.decode()] for n, v in request.headers.items()]
    return {
        "name": case["name"],
        "why": case["why"],
        "source": "signed by botocore",
        "service": service,
        "region": region,
        "request": {
            "method": method,
            "path": parts.path,
            "query": parts.query,
            "headers": headers,
            "body": body.decode(),
        },
        **seen,
        "session_token": case.get("token"),
    }


def main() -> None:
    vectors = {
        "access_key_id": KEY_ID,
        "secret_access_key": SECRET,
        "timestamp": STAMP,
        "cases": list(map(made, CASES)),
    }
    TARGET.write_text(json.dumps(vectors, indent=2) + "\n")


if __name__ == "__main__":
    main()

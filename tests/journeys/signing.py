"""Requests signed by botocore's own signers and sent as they are, for what no client library would send."""

import urllib.error
import urllib.request
from typing import Any, TypeAlias

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.journeys.conftest import House, Keys

CALL = "Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
Sent: TypeAlias = tuple[int, str, bytes]


def send(request: Any, **headers: str) -> Sent:
    """What a prepared request is answered: status, content type, body. `headers` are added unsigned."""
    prepared = request.prepare()
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    http = urllib.request.Request(
        prepared.url, data=body or None, headers={**dict(prepared.headers), **headers}, method=prepared.method
    )
    try:
        with urllib.request.urlopen(http) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def signed(house: House, keys: Keys, *, method: str = "POST", query: str = "", data: str = "", **headers: str) -> Any:
    request = AWSRequest(method=method, url=f"{house.endpoint}/{query and '?'}{query}", data=data, headers=headers)
    SigV4Auth(_credentials(keys), "sts", "eu-west-1").add_auth(request)
    return request


def presigned(house: House, keys: Keys, **headers: str) -> Any:
    request = AWSRequest(method="GET", url=f"{house.endpoint}/?{CALL}", headers=headers)
    SigV4QueryAuth(_credentials(keys), "sts", "us-east-1", expires=60).add_auth(request)
    return request


def _credentials(keys: Keys) -> Credentials:
    return Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
